/** “Share File with Peer”: the file that was clicked, or one that the user picks. */
import * as vscode from 'vscode'
import { givenFlag, givenPaths, givenSource, isScripted } from './commandArguments'
import type { CommandParts } from './parts'
import { mayShare, type Published, publish } from './publish'

export async function shareFile(parts: CommandParts, given?: unknown): Promise<Published | undefined> {
  const { l10n } = vscode
  const ask = !isScripted([given])
  if (!mayShare(ask)) return undefined
  const file =
    givenSource(given) ??
    (await parts.ask.file({ title: l10n.t('Choose the file to share'), button: l10n.t('Share') }))
  if (file === undefined) return undefined
  return publish(parts, file, {
    isPublic: givenFlag(given, 'isPublic'),
    allow: givenPaths(given, 'allow'),
    ask,
  })
}
