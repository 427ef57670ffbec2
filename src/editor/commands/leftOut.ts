/** Words for what a scan leaves out, by reason, and the list of it to look at and to choose from. */
import * as vscode from 'vscode'
import type { DrivePath } from '../../common/brand'
import { formatCount, safeText } from '../../common/format'
import type { SkippedEntry } from '../../common/model'
import type { Ask } from '../ask'
import { pickerText } from '../names'

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

/** A drive path as people write paths in a folder: without the slash it begins with. */
export function withoutRoot(path: string): string {
  return path.replace(/^\//, '')
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

export interface LeftOutItem extends vscode.QuickPickItem {
  /** Undefined: it cannot be let in, whether ticked or not. */
  readonly path: DrivePath | undefined
}

/**
 * Shows the list, with what was let in before ticked; what is ticked is let in. `count`: entries left out in all.
 * → the paths let in, or undefined when the user turned away
 */
export async function chooseLetIn(
  ask: Ask,
  letIn: readonly DrivePath[],
  skipped: readonly SkippedEntry[],
  count: number,
): Promise<readonly DrivePath[] | undefined> {
  const items = leftOutItems(letIn, skipped)
  const how = l10n.t('Tick what is to be shared all the same, then press OK')
  const chosen = await ask.pickMany(items, {
    title: l10n.t('Left Out'),
    placeholder: count > skipped.length ? `${how}. ${countNote(skipped.length, count)}` : how,
  })
  return chosen?.flatMap(({ path }) => (path === undefined ? [] : [path]))
}

/** What was let in, what can be, and, below a line, what cannot. */
export function leftOutItems(
  letIn: readonly DrivePath[],
  skipped: readonly SkippedEntry[],
): readonly LeftOutItem[] {
  const items = skipped.map(entry => toItem(entry))
  const fixed = items.filter(({ path }) => path === undefined)
  return [
    ...letIn.map(path => ({
      label: pickerText(withoutRoot(path)),
      description: l10n.t('let in by you'),
      path,
      picked: true,
    })),
    ...items.filter(({ path }) => path !== undefined),
    ...(fixed.length === 0
      ? []
      : [{ label: l10n.t('cannot be let in'), kind: vscode.QuickPickItemKind.Separator, path: undefined }]),
    ...fixed,
  ]
}

function countNote(shown: number, count: number): string {
  return count > shown
    ? l10n.t('{0} entries are left out; these are {1} of them', formatCount(count), formatCount(shown))
    : l10n.t('{0} entries are left out', formatCount(count))
}

/** Shows the list, to be looked at only. */
export async function showLeftOut(ask: Ask, skipped: readonly SkippedEntry[], count: number): Promise<void> {
  const items = skipped.map(({ path, detail }) => ({
    label: pickerText(withoutRoot(path)),
    detail: pickerText(detail),
  }))
  await ask.pick(items, { title: l10n.t('Left Out'), placeholder: countNote(items.length, count) })
}

/** A folder's path ends with `/` in the list, not when it is let in. */
function toItem({ path, reason, detail }: SkippedEntry): LeftOutItem {
  return {
    label: pickerText(withoutRoot(path)),
    description: wordReason(reason),
    detail: pickerText(detail),
    path: OVERRULABLE.has(reason) ? (path.replace(/\/$/, '') as DrivePath) : undefined,
  }
}
