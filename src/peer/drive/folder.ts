/**
 * A folder of a share, in memory. Only the index builder that makes it changes it. Versions share folders that are
 * the same.
 */
import { PeerfoldError } from '../../common/errors'
import { withoutRoot } from '../../common/format'
import type { FileEntry } from '../../common/model'
import type { DriveEntry } from './format/entry'
import { LayeredMap, type Layers } from './layeredMap'

export interface Folder {
  readonly folders: Layers<Folder>
  readonly files: Layers<DriveEntry>
  /**
   * The newest mtime of anything below, so that a folder's mtime advances with its content. -Infinity: no mtime is
   * known.
   */
  readonly mtime: number
  /** Names beyond ASCII by their composed form. Filled by the first look for another spelling. */
  spelled: ReadonlyMap<string, readonly string[]> | undefined
}

/** A folder that its `maker` may change. Any other builder copies it first. */
export class MadeFolder implements Folder {
  readonly folders: LayeredMap<MadeFolder>
  readonly files: LayeredMap<DriveEntry>
  mtime: number
  spelled: Folder['spelled']

  constructor(
    readonly maker: object,
    from?: MadeFolder,
  ) {
    this.folders = from?.folders.copy() ?? new LayeredMap()
    this.files = from?.files.copy() ?? new LayeredMap()
    this.mtime = from?.mtime ?? Number.NEGATIVE_INFINITY
    this.spelled = from?.spelled
  }
}

/**
 * How a folder spells the name of a child, see `PathIndex.spelling`. @param parent path of the folder, '' for the
 * share
 */
export function spellingIn(folder: Folder, name: string, parent: string): string | undefined {
  const equal = spellingsIn(folder, name)
  if (equal.length > 1)
    throw new PeerfoldError(
      'ambiguous-path',
      equal.map(one => escaped(withoutRoot(`${parent}/${one}`))).join(' and '),
    )
  return equal[0]
}

/** The name itself if it exists, else all children whose names are equal under Unicode normalisation. */
export function spellingsIn(folder: Folder, name: string): readonly string[] {
  if (folder.folders.has(name) || folder.files.has(name)) return [name]
  folder.spelled ??= bySpelling([...folder.folders.keys(), ...folder.files.keys()])
  return folder.spelled.get(name.normalize('NFC')) ?? []
}

function bySpelling(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const name of names) {
    if (isAscii(name)) continue
    const composed = name.normalize('NFC')
    const equal = found.get(composed)
    if (equal === undefined) found.set(composed, [name])
    else equal.push(name)
  }
  return found
}

function isAscii(name: string): boolean {
  return /^[\0-\x7f]*$/.test(name)
}

/** Makes names that look the same distinguishable. */
function escaped(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

export function folderEntry(name: string, folder: Folder): FileEntry {
  const { mtime } = folder
  return { name, kind: 'folder', size: 0, ...(Number.isFinite(mtime) ? { mtime } : {}), executable: false }
}

export function fileEntry(name: string, entry: DriveEntry): FileEntry {
  const { kind, size, mtime, executable, linkTarget } = entry
  return {
    name,
    kind,
    size,
    ...(mtime === undefined ? {} : { mtime }),
    executable,
    ...(linkTarget === undefined ? {} : { linkTarget }),
  }
}
