/** “Show History”: the versions of a share, or of a file or folder in it, in the History view. */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import type { VersionSummary } from '../../common/model'
import { nameOf } from '../files/drivePath'
import { ROOT, type ShareAddress } from '../files/shareUri'
import { pickerText } from '../names'
import { describeVersion, versionTime } from '../views/describeVersion'
import { meantEntry } from './meantEntry'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Milliseconds that a part of the history is waited for. */
export const HISTORY_TIMEOUT = 15_000
/** Versions that a picker offers. */
const OFFERED = 200

/** An entry of a former version. */
export type PastAddress = ShareAddress & { readonly version: number }

/** → whether it is shown. */
export async function showHistory(parts: CommandParts, given?: unknown): Promise<boolean> {
  const entry = await meantEntry(parts, given, l10n.t('Show History'))
  if (entry === undefined) return false
  await showHistoryOf(parts, entry)
  return true
}

/** @param entry its version is selected, if it has one */
export async function showHistoryOf(parts: CommandParts, entry: ShareAddress): Promise<void> {
  const { id, path, version } = entry
  const name = path === ROOT ? parts.model.nameOf(id) : nameOf(path)
  await parts.views.showHistory({ id, path }, name, version)
}

/** More of the list that is shown. */
export async function olderVersions({ views }: CommandParts): Promise<void> {
  await views.olderVersions()
}

/** “Open This Version”: a file as it was. */
export async function openVersion(parts: CommandParts, given?: unknown): Promise<void> {
  const entry = await meantVersion(parts, given, l10n.t('Open a Version'))
  if (entry === undefined) return
  await vscode.commands.executeCommand('vscode.open', parts.addresses.uriOf(entry))
}

/** The entry and version that a command is meant for; asks for what is missing. Undefined when the user turned away. */
export async function meantVersion(
  parts: CommandParts,
  given: unknown,
  title: string,
): Promise<PastAddress | undefined> {
  const entry = await meantEntry(parts, given, title)
  if (entry === undefined) return undefined
  const { id, path, version } = entry
  if (version !== undefined) return { id, path, version }
  const chosen = await chooseVersion(parts, entry, title)
  return chosen === undefined ? undefined : { id, path, version: chosen }
}

/** Undefined when the user turned away. @param except a version that is not offered */
export async function chooseVersion(
  { peer, ask }: CommandParts,
  { id, path }: ShareAddress,
  title: string,
  except?: number,
): Promise<number | undefined> {
  const { versions } = await peer.request('versions.list', {
    id,
    path,
    limit: OFFERED,
    timeout: HISTORY_TIMEOUT,
  })
  const items = versions
    .filter(({ version, change }) => version !== except && change !== 'removed')
    .map(summary => ({ ...itemOf(summary), version: summary.version }))
  if (items.length === 0) throw new PeerfoldError('no-other-version', path)
  return (await ask.pick(items, { title, placeholder: l10n.t('Which version?') }))?.version
}

function itemOf(summary: VersionSummary): vscode.QuickPickItem {
  const number = l10n.t('version {0}', String(summary.version))
  const label = pickerText(versionTime(summary))
  return {
    label,
    description: [describeVersion(summary, l10n), number].filter(part => part !== '').join(' · '),
  }
}
