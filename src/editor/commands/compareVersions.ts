/** Comparing a file of a former version: with the version before, with any other, and with what is there now. */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { nameOf } from '../files/drivePath'
import { onDisk } from '../files/ownFiles'
import type { ShareAddress } from '../files/shareUri'
import type { CommandParts } from './parts'
import { chooseVersion, HISTORY_TIMEOUT, meantVersion, type PastAddress } from './showHistory'

const { l10n } = vscode

/** “Compare with the Version Before”. Of a file that was added or removed, it shows the file alone. */
export async function compareVersion(parts: CommandParts, given?: unknown): Promise<void> {
  const entry = await meantVersion(parts, given, l10n.t('Compare with the Version Before'))
  if (entry === undefined) return
  const { id, path, version } = entry
  const { versions } = await parts.peer.request('versions.list', {
    id,
    path,
    from: version,
    limit: 2,
    timeout: HISTORY_TIMEOUT,
  })
  const [now, before] = versions
  const isHere = now?.change !== 'removed'
  const wasHere = before !== undefined && before.change !== 'removed'
  if (isHere && wasHere) await showDiff(parts, { ...entry, version: before.version }, entry)
  else if (isHere) await open(parts, entry)
  else if (wasHere) await open(parts, { ...entry, version: before.version })
  else throw new PeerfoldError('no-other-version', path)
}

/** “Compare with Another Version…” */
export async function compareWithVersion(parts: CommandParts, given?: unknown): Promise<void> {
  const title = l10n.t('Compare with Another Version')
  const entry = await meantVersion(parts, given, title)
  if (entry === undefined) return
  const other = await chooseVersion(parts, entry, title, entry.version)
  if (other === undefined) return
  const [before, now] = other < entry.version ? [other, entry.version] : [entry.version, other]
  await showDiff(parts, { ...entry, version: before }, { ...entry, version: now })
}

/** “Compare with the File Now”: of an own share the one on this disk, of an opened one that of the newest version. */
export async function compareWithNow(parts: CommandParts, given?: unknown): Promise<void> {
  const entry = await meantVersion(parts, given, l10n.t('Compare with the File Now'))
  if (entry === undefined) return
  const { id, path, version } = entry
  const own = parts.model.share(id)
  const now = own === undefined ? parts.addresses.uriOf({ id, path }) : onDisk(own, path)
  const title = l10n.t('{0} (version {1} ↔ now)', nameFor(path), String(version))
  await vscode.commands.executeCommand('vscode.diff', parts.addresses.uriOf(entry), now, title)
}

async function showDiff({ addresses }: CommandParts, before: PastAddress, now: PastAddress): Promise<void> {
  const title = l10n.t(
    '{0} (version {1} ↔ version {2})',
    nameFor(now.path),
    String(before.version),
    String(now.version),
  )
  await vscode.commands.executeCommand('vscode.diff', addresses.uriOf(before), addresses.uriOf(now), title)
}

async function open({ addresses }: CommandParts, entry: PastAddress): Promise<void> {
  await vscode.commands.executeCommand('vscode.open', addresses.uriOf(entry))
}

function nameFor(path: ShareAddress['path']): string {
  return safeText(nameOf(path), 80)
}
