/** All transfers, as the state lists them. */
import type { TransferState, TransferStatus } from '../../common/model'
import { Signal } from '../../common/signal'
import { Transfer, type TransferList } from '../transfer'

/** Ended transfers kept in the list. */
export const KEPT = 50

export class Transfers implements TransferList {
  readonly changed = new Signal<void>()
  private readonly all = new Map<string, Transfer>()

  add(id: string, kind: TransferState['kind'], name: string, folder?: string): Transfer {
    const transfer = new Transfer(id, kind, name, folder, () => this.changed.emit())
    this.all.delete(id)
    this.all.set(id, transfer)
    const ended = [...this.all.values()].filter(other => !other.isActive)
    for (const old of ended.slice(0, Math.max(0, ended.length - KEPT))) this.all.delete(old.id)
    this.changed.emit()
    return transfer
  }

  /** One that ended before this process was started. */
  restore(
    status: TransferStatus,
    transfer: Pick<Transfer, 'id' | 'kind' | 'name' | 'folder' | 'share'>,
  ): void {
    const { id, kind, name, folder, share } = transfer
    const restored = new Transfer(id, kind, name, folder, () => this.changed.emit())
    restored.share = share
    restored.status = status
    if (status.kind === 'done') {
      const { files, bytes } = status.result
      restored.files = { done: files, total: files }
      restored.bytes = { done: bytes, total: bytes }
    }
    this.all.set(id, restored)
  }

  get(id: string): Transfer | undefined {
    return this.all.get(id)
  }

  /** Aborts a running one; its work notices and ends it as cancelled. */
  cancel(id: string): void {
    this.all.get(id)?.abort.abort()
  }

  remove(id: string): void {
    this.all.delete(id)
    this.changed.emit()
  }

  clear(): void {
    for (const transfer of this.all.values()) if (!transfer.isActive) this.all.delete(transfer.id)
    this.changed.emit()
  }

  /** Newest first. */
  get states(): TransferState[] {
    return [...this.all.values()].reverse().map(transfer => transfer.state)
  }

  get active(): boolean {
    return [...this.all.values()].some(transfer => transfer.isActive)
  }
}
