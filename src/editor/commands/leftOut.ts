/** Words for what a scan leaves out, by reason, and the list of it to look at and to choose from. */
import * as vscode from 'vscode'
import type { DrivePath } from '../../common/brand'
import { formatCount, safeText, withoutRoot } from '../../common/format'
import type { SkippedEntry } from '../../common/model'
import type { Ask } from '../ask'
import { pickerText } from '../names'
import type { TogglingRow } from '../toggling'

const { l10n } = vscode

/** Names shown of each reason. */
const MAX_NAMES = 3

/** `2 × named by .gitignore: build/, notes.txt`, one line per reason. */
export function countLines(
  counts: Readonly<Record<string, number>>,
  skipped: readonly SkippedEntry[],
): readonly string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => {
      const names = skipped.filter(entry => entry.reason === reason).slice(0, MAX_NAMES)
      const shown = names.map(({ path }) => safeText(withoutRoot(path), 60))
      if (count > names.length) shown.push('…')
      return l10n.t('{0} × {1}: {2}', formatCount(count), wordReason(reason), shown.join(', '))
    })
}

/** `Not written on every system: aux.txt, T: notes.txt, …` and why; no line when there is nothing to tell. */
export function unportableLines(entries: readonly SkippedEntry[], count: number): readonly string[] {
  const [first] = entries
  if (first === undefined) return []
  const shown = entries.slice(0, MAX_NAMES)
  return [
    l10n.t('Shared, but not written on every system ({0}):', formatCount(count)),
    ...shown.map(({ path, detail }) => `${safeText(withoutRoot(path), 60)}: ${detail}`),
    ...(count > shown.length ? ['…'] : []),
  ]
}

export function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function wordReason(reason: string): string {
  switch (reason) {
    case 'secret-name':
      return l10n.t('looks like a secret, by its name')
    case 'secret-content':
      return l10n.t('looks like a secret, by its content')
    case 'name':
      return l10n.t('has a name that cannot be shared')
    case 'link-outside':
      return l10n.t('links to something outside the folder')
    case 'link-dangling':
      return l10n.t('links to something that is not shared')
    case 'link-loop':
      return l10n.t('links back to itself or to a folder around it')
    case 'link-bad-target':
      return l10n.t('links to a name that cannot be shared')
    case 'special-file':
      return l10n.t('is no ordinary file')
    case 'unreadable':
      return l10n.t('cannot be read')
    case 'peerfold-temporary':
      return l10n.t('is an unfinished file of Peerfold')
    case 'peerfoldignore':
      return l10n.t('named by .peerfoldignore')
    case 'settings':
      return l10n.t('named by your settings')
    case 'git-exclude':
      return l10n.t('named by .git/info/exclude or your own Git ignore file')
    case 'gitignore':
      return l10n.t('named by .gitignore')
    case 'git-folder':
      return l10n.t('Git’s own folder')
    default:
      return safeText(reason, 60)
  }
}

/** Reasons that a person can overrule; the others are what the disk or other systems cannot do. */
const OVERRULABLE: ReadonlySet<string> = new Set([
  'secret-name',
  'secret-content',
  'peerfoldignore',
  'settings',
  'git-exclude',
  'gitignore',
  'git-folder',
])

/** Those of them that would give others a password or a key. */
const SECRET: ReadonlySet<string> = new Set(['secret-name', 'secret-content', 'git-folder'])

/** Whether it is for the user to decide, and not for the disk or another system. */
export function canBeLetIn({ reason }: SkippedEntry): boolean {
  return OVERRULABLE.has(reason)
}

export function isSecretEntry({ reason }: SkippedEntry): boolean {
  return SECRET.has(reason)
}

/**
 * Shows the list, with what was let in before switched on; what is on is let in. `count`: entries left out in all.
 * → the entries let in, or undefined when the user turned away
 */
export async function chooseLetIn(
  ask: Ask,
  allowed: readonly SkippedEntry[],
  skipped: readonly SkippedEntry[],
  count: number,
): Promise<readonly SkippedEntry[] | undefined> {
  const entries = [...allowed, ...skipped.filter(({ path }) => !allowed.some(entry => entry.path === path))]
  const how = l10n.t('Select files to include anyway')
  const chosen = await ask.toggle({
    title: l10n.t('Left Out'),
    placeholder: count > skipped.length ? `${how}. ${countNote(skipped.length, count)}` : how,
    on: new Set(allowed.map(({ path }) => path)),
    rows: on => leftOutRows(entries, on),
    summary: on => summaryOf(entries, on),
  })
  return chosen && entries.filter(({ path }) => chosen.has(path))
}

function summaryOf(entries: readonly SkippedEntry[], on: ReadonlySet<string>): string {
  const allowed = entries.filter(({ path }) => on.has(path))
  const secrets = allowed.filter(isSecretEntry).length
  if (allowed.length === 0) return l10n.t('everything here stays left out')
  const shared = l10n.t('{0} of these will be shared', formatCount(allowed.length))
  return secrets === 0 ? shared : `${shared}. ${includesSecrets(secrets)}`
}

export function includesSecrets(count: number): string {
  return count === 1
    ? l10n.t('Includes 1 file that looks like a secret')
    : l10n.t('Includes {0} files that look like secrets', formatCount(count))
}

/** Three groups: what looks like secrets, what rules leave out, and what cannot be let in, which cannot be switched. */
export function leftOutRows(
  entries: readonly SkippedEntry[],
  on: ReadonlySet<string>,
): readonly TogglingRow[] {
  const byRules = (entry: SkippedEntry) => canBeLetIn(entry) && !isSecretEntry(entry)
  return [
    ...group(l10n.t('look like secrets'), entries.filter(isSecretEntry), on),
    ...group(l10n.t('left out by rules'), entries.filter(byRules), on),
    ...group(
      l10n.t('cannot be let in'),
      entries.filter(entry => !canBeLetIn(entry)),
      on,
    ),
  ]
}

function group(title: string, entries: readonly SkippedEntry[], on: ReadonlySet<string>): TogglingRow[] {
  if (entries.length === 0) return []
  return [
    { label: title, kind: vscode.QuickPickItemKind.Separator, key: undefined },
    ...entries.map(entry => toRow(entry, on.has(entry.path))),
  ]
}

function countNote(shown: number, count: number): string {
  return count > shown
    ? l10n.t('{0} entries are left out; these are {1} of them', formatCount(count), formatCount(shown))
    : l10n.t('{0} entries are left out', formatCount(count))
}

/** Shows the list, to be looked at only. Below a line stands what is shared and some systems do not take. */
export async function showLeftOut(
  ask: Ask,
  skipped: readonly SkippedEntry[],
  count: number,
  unportable: readonly SkippedEntry[] = [],
): Promise<void> {
  const toLine = ({ path, detail }: SkippedEntry): vscode.QuickPickItem => ({
    label: pickerText(withoutRoot(path)),
    detail: pickerText(detail),
  })
  const line = {
    label: l10n.t('shared, but not written on every system'),
    kind: vscode.QuickPickItemKind.Separator,
  }
  const items = [
    ...skipped.map(toLine),
    ...(unportable.length === 0 ? [] : [line, ...unportable.map(toLine)]),
  ]
  await ask.pick(items, { title: l10n.t('Left Out'), placeholder: countNote(skipped.length, count) })
}

/** The row still says why the entry was left out when it is let in. */
function toRow({ path, reason, detail }: SkippedEntry, isOn: boolean): TogglingRow {
  const canSwitch = OVERRULABLE.has(reason)
  const icon = canSwitch ? (isOn ? 'pass-filled' : 'circle-large-outline') : 'lock'
  const why = wordReason(reason)
  return {
    label: `$(${icon}) ${pickerText(withoutRoot(path))}`,
    description: isOn ? l10n.t('will be shared · {0}', why) : why,
    detail: pickerText(detail),
    key: canSwitch ? path : undefined,
  }
}

/** A folder's path ends with `/` in the list, not when it is let in. */
export function allowedPath({ path }: SkippedEntry): DrivePath {
  return path.replace(/\/$/, '') as DrivePath
}
