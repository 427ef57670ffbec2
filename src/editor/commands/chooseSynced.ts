/**
 * Asks what of a share is kept in sync: when that begins, and later by “Choose What to Sync…”. Folders are offered two
 * deep; whoever wants more or less writes patterns.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { formatCount, withoutRoot } from '../../common/format'
import type { FileEntry } from '../../common/model'
import { childOf } from '../files/drivePath'
import type { ShareAddress } from '../files/shareUri'
import { diskPath, pickerText } from '../names'
import { formatPatterns, isWithin, parsePatterns, pathsOf, patternsOf } from '../syncChoice'
import type { TogglingRow } from '../toggling'
import { foldersFirst } from '../views/openedTree'
import { chooseLive } from './chooseLive'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Patterns, see `LiveCopyState`; undefined: everything. */
export interface Chosen {
  readonly only: readonly string[] | undefined
}

/** Rows of one folder, and of all. */
const MAX_ROWS = { folder: 200, all: 1_000 }
/** Milliseconds that a folder of the list is waited for. */
const PATIENCE = 10_000

/** “Choose What to Sync…” on a folder in sync. `given`: a row or an id. Throws `PeerfoldError`. */
export async function chooseSynced(parts: CommandParts, given?: unknown): Promise<void> {
  const title = l10n.t('Choose What to Sync')
  const copy = await chooseLive(parts, given, title)
  if (copy === undefined) return
  const { id: live, share: id, path, folder, only } = copy
  const chosen = await askWhatToSync(parts, { id, path }, title, only)
  if (chosen === undefined || formatPatterns(chosen.only ?? []) === formatPatterns(only ?? [])) return
  if (chosen.only !== undefined && !(await agrees(parts, folder))) return
  await parts.peer.request('live.select', {
    live,
    ...(chosen.only === undefined ? {} : { only: chosen.only }),
  })
}

/** Undefined when the user turned away. @param only what is chosen now */
export async function askWhatToSync(
  parts: CommandParts,
  address: ShareAddress,
  title: string,
  only?: readonly string[],
): Promise<Chosen | undefined> {
  const paths = only === undefined ? new Set<string>() : pathsOf(only)
  const now = only === undefined ? 'all' : paths === undefined ? 'patterns' : 'some'
  const mark = (how: typeof now) => (how === now && only !== undefined ? l10n.t('as it is now') : '')
  const kinds = [
    { label: `$(sync) ${l10n.t('Everything')}`, description: mark('all'), how: 'all' },
    {
      label: `$(list-tree) ${l10n.t('Choose Folders and Files…')}`,
      description: mark('some'),
      how: 'some',
    },
    {
      label: `$(filter) ${l10n.t('Write Patterns…')}`,
      description: mark('patterns'),
      detail: l10n.t('as in an ignore file, such as “docs” or “*.md”'),
      how: 'patterns',
    },
  ] as const
  const placeholder = l10n.t('What of “{0}” is kept in sync?', pickerText(parts.model.nameOf(address.id)))
  const chosen = await parts.ask.pick(kinds, { title, placeholder })
  switch (chosen?.how) {
    case undefined:
      return undefined
    case 'all':
      return { only: undefined }
    case 'some':
      return askWhich(parts, address, title, paths ?? new Set())
    case 'patterns':
      return askPatterns(parts, title, only ?? [])
  }
}

async function askWhich(
  { peer, ask }: CommandParts,
  { id, path }: ShareAddress,
  title: string,
  now: ReadonlySet<string>,
): Promise<Chosen | undefined> {
  const listed = await listTwoDeep(peer, id, path)
  const known = new Set(listed.map(row => row.path))
  const more = [...now].filter(each => !known.has(each)).map(each => ({ path: each, kind: undefined }))
  const all = [...listed, ...more]
  const chosen = await ask.toggle({
    title,
    placeholder: l10n.t('Select what is kept in sync, each folder with all that is in it'),
    on: now,
    rows: on => all.map(row => rowOf(row, on)),
    summary: on =>
      on.size === 0
        ? l10n.t('nothing is selected yet')
        : l10n.t('{0} selected', formatCount(patternsOf(on).length)),
  })
  return chosen === undefined || chosen.size === 0 ? undefined : { only: patternsOf(chosen) }
}

interface Listed {
  readonly path: string
  readonly kind: FileEntry['kind'] | undefined
}

function rowOf({ path, kind }: Listed, on: ReadonlySet<string>): TogglingRow {
  const within = isWithin(path, on)
  const icon = within || on.has(path) ? '$(pass-filled)' : '$(circle-large-outline)'
  const name = pickerText(withoutRoot(path) + (kind === 'folder' ? '/' : ''))
  return {
    label: `${icon} ${name}`,
    ...(within ? { description: l10n.t('with its folder') } : {}),
    key: within ? undefined : path,
  }
}

/** A folder’s entries, each folder followed by its own. */
async function listTwoDeep(
  peer: CommandParts['peer'],
  id: ShareId,
  path: DrivePath,
): Promise<readonly Listed[]> {
  const list = async (folder: DrivePath): Promise<readonly Listed[]> => {
    const entries = await peer.request('fs.list', {
      id,
      path: folder,
      limit: MAX_ROWS.folder,
      timeout: PATIENCE,
    })
    return [...entries].sort(foldersFirst).map(({ name, kind }) => ({ path: childOf(folder, name), kind }))
  }
  const rows: Listed[] = []
  for (const entry of await list(path)) {
    rows.push(entry)
    if (entry.kind !== 'folder' || rows.length >= MAX_ROWS.all) continue
    rows.push(...(await list(entry.path as DrivePath)).filter(({ kind }) => kind === 'folder'))
  }
  return rows.slice(0, MAX_ROWS.all)
}

async function askPatterns(
  { ask }: CommandParts,
  title: string,
  only: readonly string[],
): Promise<Chosen | undefined> {
  const line = await ask.text({
    title,
    prompt: l10n.t('Patterns with commas between them. A folder stands for all that is in it.'),
    value: formatPatterns(only),
    placeholder: 'docs, *.md, /images/*.png',
    problem: value => (parsePatterns(value).length === 0 ? l10n.t('Write at least one pattern.') : undefined),
  })
  return line === undefined ? undefined : { only: parsePatterns(line) }
}

async function agrees({ ask }: CommandParts, folder: string): Promise<boolean> {
  const sync = l10n.t('Sync What Is Chosen')
  const answer = await ask.confirm({
    message: l10n.t('Sync only what you chose in {0}?', diskPath(folder)),
    detail: l10n.t(
      'What is left out is taken away there and goes to the kept files, from where it can be restored. Files that you changed stay.',
    ),
    answers: [sync],
  })
  return answer === sync
}
