/**
 * A folder in sync must not lie in the folder that its share is made of: incoming files would be shared again, and
 * come again below themselves without end. The folders that this data folder shares are known (liveCopies.ts). A
 * folder that another data folder or machine shares is recognised by its content: files of the share, in their
 * places, with their sizes and times.
 */
import { lstatSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DrivePath } from '../../common/brand'
import type { DriveEntry } from '../drive/format/entry'
import type { Version } from '../drive/version'

/** How many files of the share are looked for. Some of them may have been changed since. */
const SAMPLE = 16

/**
 * Whether a folder (absolute, no links on its way) lies in one that holds the share's files.
 * @param path of the share, which is written into the folder; a folder that is its own place in a copy of the share
 * is fine
 */
export function liesInSharedFolder(folder: string, path: DrivePath, { index, info }: Version): boolean {
  if (info?.isFile === true) return false
  const sample = someFiles(index.entries())
  for (let at = dirname(folder); ; at = dirname(at)) {
    const found = sample.filter(entry => isAsShared(at, entry)).length
    if (found > 0 && found * 2 >= sample.length && join(at, dirname(path)) !== folder) return true
    if (at === dirname(at)) return false
  }
}

function someFiles(entries: Iterable<DriveEntry>): DriveEntry[] {
  const files: DriveEntry[] = []
  for (const entry of entries) {
    if (entry.kind !== 'file') continue
    files.push(entry)
    if (files.length === SAMPLE) break
  }
  return files
}

function isAsShared(folder: string, { path, size, mtime }: DriveEntry): boolean {
  try {
    const found = lstatSync(join(folder, path), { throwIfNoEntry: false })
    return found?.isFile() === true && found.size === size && Math.floor(found.mtimeMs) === mtime
  } catch {
    return false // no name on this system, or nothing to be looked at
  }
}
