/**
 * Tells which files stay shared for the moment although they left the folder, or are left out now, and takes the user's
 * decision. A window tells each hold once, and only while it is focused.
 */
import * as vscode from 'vscode'
import { explainHeld } from '../common/explainHeld'
import { safeText } from '../common/format'
import type { HeldFiles, ShareState } from '../common/model'
import { Disposable } from './dispose'
import type { PeerModel } from './peerModel'
import type { PeerProcess } from './peerProcess'
import { type Offer, tellError, warn } from './tell'

const { l10n } = vscode

export class HeldFilesNotice extends Disposable {
  private told = new Set<string>()

  constructor(
    private readonly peer: Pick<PeerProcess, 'request'>,
    private readonly model: Pick<PeerModel, 'state' | 'onDidChange'>,
  ) {
    super()
    this.own(model.onDidChange(() => this.look()))
    this.own(vscode.window.onDidChangeWindowState(() => this.look()))
  }

  private look(): void {
    const { state } = this.model
    if (state === undefined) return
    const all = state.shares.flatMap(share =>
      (share.held ?? []).map(held => ({ share, held, name: `${share.id} ${held.kind}` })),
    )
    const isThere = new Set(all.map(({ name }) => name))
    for (const name of this.told) if (!isThere.has(name)) this.told.delete(name)
    if (!vscode.window.state.focused) return
    for (const { share, held, name } of all) {
      if (this.told.has(name)) continue
      this.told.add(name)
      this.tell(share, held)
    }
  }

  private tell({ id, name }: ShareState, held: HeldFiles): void {
    const { kind } = held
    const settle = (label: string, keep: boolean): Offer => ({
      label,
      run: () => this.peer.request('share.settle', { id, kind, keep }),
    })
    const offers = [settle(l10n.t('Take Out of the Share'), false)]
    if (kind === 'update') offers.push(settle(l10n.t('Keep Sharing Them'), true))
    warn(`“${safeText(name, 60)}”: ${explainHeld(held, l10n)}`, ...offers)
    if (kind === 'update') this.peer.request('share.told', { id }).catch(tellError)
  }
}
