/** Folders in sync: pausing, resuming and stopping one, and bringing back what was deleted in it. */
import * as vscode from 'vscode'
import { diskPath } from '../names'
import { chooseLive } from './chooseLive'
import { isScripted } from './commandArguments'
import type { CommandParts } from './parts'

const { l10n } = vscode

export async function pauseSync(parts: CommandParts, given?: unknown): Promise<void> {
  const isMeant = ({ status }: { readonly status: { readonly kind: string } }) => status.kind !== 'paused'
  const copy = await chooseLive(parts, given, l10n.t('Pause Sync'), isMeant)
  if (copy !== undefined) await parts.peer.request('live.pause', { live: copy.id })
}

export async function resumeSync(parts: CommandParts, given?: unknown): Promise<void> {
  const copy = await chooseLive(parts, given, l10n.t('Resume Sync'), ({ status }) => status.kind === 'paused')
  if (copy !== undefined) await parts.peer.request('live.resume', { live: copy.id })
}

export async function stopSync(parts: CommandParts, given?: unknown): Promise<void> {
  const copy = await chooseLive(parts, given, l10n.t('Stop Syncing'))
  if (copy === undefined) return
  const stop = l10n.t('Stop Syncing')
  const answer = isScripted([given])
    ? stop
    : await parts.ask.confirm({
        message: l10n.t('Stop syncing {0}?', diskPath(copy.folder)),
        detail: l10n.t('The folder stays as it is, and does not follow the share any more.'),
        answers: [stop],
      })
  if (answer === stop) await parts.peer.request('live.stop', { live: copy.id })
}

export async function bringBack(parts: CommandParts, given?: unknown): Promise<void> {
  const title = l10n.t('Bring Back Files Deleted Here')
  const copy = await chooseLive(parts, given, title, ({ deletedHere }) => deletedHere > 0)
  if (copy !== undefined) await parts.peer.request('live.bringBack', { live: copy.id })
}
