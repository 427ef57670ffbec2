/** Tells once when a folder in sync needs the user: it asks something, or files were changed here and there. */
import * as vscode from 'vscode'
import { sharerName } from '../common/explain'
import type { LiveCopyState } from '../common/model'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { diskPath } from './names'
import type { PeerModel } from './peerModel'
import { offerCommand, warn } from './tell'

const { l10n } = vscode

export class LiveNews extends Disposable {
  /** By folder in sync: what was told of it. */
  private readonly told = new Map<string, { readonly question: string; readonly conflicts: number }>()

  constructor(private readonly model: PeerModel) {
    super()
    this.own(model.onDidChange(() => this.look()))
  }

  private look(): void {
    const { state } = this.model
    if (state === undefined) return
    for (const copy of state.live ?? []) this.tell(copy)
    for (const id of this.told.keys()) if (this.model.live(id) === undefined) this.told.delete(id)
  }

  private tell({ id, share, status, folder, conflictCount: conflicts }: LiveCopyState): void {
    const before = this.told.get(id) ?? { question: '', conflicts: 0 }
    const question = status.kind === 'asking' ? status.question.kind : ''
    this.told.set(id, { question, conflicts })
    if (status.kind === 'asking' && question !== before.question)
      warn(status.error.message, offerCommand(l10n.t('Decide…'), Commands.decideSync, { id }))
    if (conflicts > 0 && before.conflicts === 0)
      warn(
        l10n.t(
          'Files in {0} were changed here and by {1}. Yours stay; theirs lie beside.',
          diskPath(folder),
          sharerName(this.model.state, share, l10n),
        ),
        offerCommand(l10n.t('Review Conflicts'), Commands.reviewConflicts, { id }),
      )
  }
}
