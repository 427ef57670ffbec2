/** One piece of work that takes long enough to be watched: an import, a copy, the download of a whole share. */
import { setMaxListeners } from 'node:events'
import type { ShareId } from '../common/brand'
import { toUserError, type UserError } from '../common/errors'
import type { TransferResult, TransferState, TransferStatus } from '../common/model'
import { Signal } from '../common/signal'
import { Rate } from './rate'

/** Entries that the state holds of each list of a result: views show no more. */
export const TOLD = 10

/** Hundreds of pieces of one transfer listen to its cancellation at once. */
const MAX_LISTENERS = 4_096

/** Milliseconds of flow before the time left is estimated. */
const ESTIMATE_AFTER = 2_000

export class Transfer {
  readonly rate: Rate
  readonly abort = new AbortController()
  status: TransferStatus = { kind: 'running' }
  files: { done: number; total?: number } = { done: 0 }
  bytes: { done: number; total?: number } = { done: 0 }
  /** Bytes of content that were found on this machine, in files that hold parts of it. */
  here = 0
  share: ShareId | undefined
  readonly ended = new Signal<TransferStatus>()

  constructor(
    readonly id: string,
    readonly kind: TransferState['kind'],
    public name: string,
    readonly folder: string | undefined,
    private readonly onChange: () => void,
    clock?: () => number,
  ) {
    this.rate = new Rate(clock)
    setMaxListeners(MAX_LISTENERS, this.abort.signal)
  }

  get isActive(): boolean {
    return this.status.kind === 'running' || this.status.kind === 'paused'
  }

  /** @param bytes negative when bytes were written in vain and will be written again */
  progress(files: number, bytes: number): void {
    this.files.done += files
    this.bytes.done += bytes
    this.rate.add(Math.max(0, bytes))
    this.onChange()
  }

  /** This many bytes need not be fetched. */
  found(bytes: number): void {
    this.here += bytes
    this.onChange()
  }

  pause(error: UserError): void {
    if (!this.isActive) return
    this.status = { kind: 'paused', error }
    this.onChange()
  }

  resume(): void {
    if (this.status.kind !== 'paused') return
    this.status = { kind: 'running' }
    this.onChange()
  }

  finish(result: TransferResult): void {
    this.end({ kind: 'done', result })
  }

  fail(error: unknown): void {
    const userError = toUserError(error)
    this.end(userError.code === 'cancelled' ? { kind: 'cancelled' } : { kind: 'failed', error: userError })
  }

  get state(): TransferState {
    const { id, kind, name, folder, share, status, files, bytes, here, rate } = this
    const value = this.status.kind === 'running' ? rate.value : 0
    const isTelling = value > 0 && rate.lasted >= ESTIMATE_AFTER
    const left = bytes.total !== undefined && isTelling ? (bytes.total - bytes.done) / value : undefined
    return {
      id,
      kind,
      name,
      status: told(status),
      files: { ...files },
      bytes: { ...bytes },
      rate: value,
      ...(here === 0 ? {} : { here }),
      ...(share === undefined ? {} : { share }),
      ...(folder === undefined ? {} : { folder }),
      ...(left === undefined ? {} : { timeLeft: Math.max(0, Math.ceil(left)) }),
    }
  }

  private end(status: TransferStatus): void {
    if (!this.isActive) return
    this.status = status
    this.onChange()
    this.ended.emit(status)
  }
}

/** What is needed to start a transfer; the list itself is in transfers/transfers.ts. */
export interface TransferList {
  /** Starts to show a transfer; an ended one of the same id is replaced. */
  add(id: string, kind: TransferState['kind'], name: string, folder?: string): Transfer
}

/** A status with its lists cut to `TOLD`. With the full lists of fifty copies, reading the state would be slow. */
function told(status: TransferStatus): TransferStatus {
  if (status.kind !== 'done') return status
  const { result } = status
  const { skipped, conflicts, warnings } = result
  return {
    kind: 'done',
    result: {
      ...result,
      skipped: skipped.slice(0, TOLD),
      conflicts: conflicts.slice(0, TOLD),
      conflictCount: conflicts.length,
      warnings: warnings.slice(0, TOLD),
    },
  }
}

/** A result with nothing special about it. */
export function resultOf({
  files,
  bytes,
  fetched = 0,
}: {
  files: number
  bytes: number
  fetched?: number
}): TransferResult {
  return { files, bytes, fetched, skipped: [], skippedCount: 0, conflicts: [], warnings: [], stale: false }
}
