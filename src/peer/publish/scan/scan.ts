/**
 * Says what a share of a folder holds: one list of files and links in the order of the log, and what was left out
 * and why. Reads no content, except of the few files whose name alone does not tell whether they are secrets. Links
 * are never followed. Nothing on disk is changed.
 *
 * The walk (walk.ts) pauses between entries: 10,000 files take about 0.1 s and never hold the event loop for long.
 */
import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { PeerfoldError } from '../../../common/errors'
import { inSlices } from '../../../wire/slices'
import { GitFiles } from '../ignore/gitExcludes'
import { IgnoreLayers } from '../ignore/ignore'
import { deadLinks } from './deadLinks'
import { Inputs } from './inputs'
import type { ScanOptions, ScanResult } from './scanned'
import { type FolderScan, resultOf, resultOfFile } from './scanResult'
import { errorCode } from './smallFile'
import { below, SHARE_ROOT, Walk } from './walk'

/** Scans a folder or a single file, whichever stands there. Throws like `scanFolder` and `scanFile`. */
export async function scanSource(source: string, options: ScanOptions = {}): Promise<ScanResult> {
  return look(source).stats.isDirectory() ? scanFolder(source, options) : scanFile(source, options)
}

/**
 * Scans a folder.
 *
 * @param root absolute path; may itself be a link to a folder
 * @throws PeerfoldError `source-vanished` when it is gone, before or during the walk; `source-unreadable`;
 *   `not-a-folder`; `nothing-to-share` for Peerfold's data folder. Anything below it that cannot be read is listed.
 * @throws the signal's reason when aborted
 */
export async function scanFolder(root: string, options: ScanOptions = {}): Promise<FolderScan> {
  const { real, stats } = look(root)
  if (!stats.isDirectory()) throw new PeerfoldError('not-a-folder', root)
  const gitFiles = new GitFiles()
  const walk = new Walk(real, options, gitFiles.inputs)
  if (walk.holdsKeys(real)) throw new PeerfoldError('nothing-to-share', root)
  if (walk.isVanished(SHARE_ROOT, look(dirname(real)).stats.dev !== stats.dev))
    throw new PeerfoldError('source-vanished', root)
  const layers = IgnoreLayers.forRoot(real, options.ignore ?? [], options.ignoreCase, gitFiles)
  const onPause = () => options.onProgress?.(walk.progress())
  await inSlices(walk.folder(SHARE_ROOT, layers), { signal: options.signal, onPause })
  walk.findVanished()
  const { picture, boundaries, vanished, disks } = walk
  // A path that cannot be read stays published, and may be the target of a link.
  if (picture.unreadable.length === 0 && vanished.length === 0)
    picture.setDead(await inSlices(deadLinks(picture.found), { signal: options.signal, onPause }))
  if (picture.unreadable.includes(SHARE_ROOT)) throw new PeerfoldError('source-unreadable', root)
  // A disk that was taken away in the middle looks like a folder that lost its files, but nothing was deleted.
  const after = look(root).stats
  if (after.ino !== stats.ino || after.dev !== stats.dev) throw new PeerfoldError('source-vanished', root)
  const scanned = { picture, real, gitFiles, boundaries, vanished, disks }
  return { ...resultOf(scanned), scanned }
}

/**
 * The same for a single file, which becomes the share's only entry `/<name>`. No ignore rules apply to it, the
 * secrets filter does.
 *
 * @throws PeerfoldError like `scanFolder`; `not-a-folder` when it is no regular file, for instance a link
 */
export async function scanFile(path: string, options: ScanOptions = {}): Promise<ScanResult> {
  const folder = look(dirname(path))
  const stats = lookWithin(folder.real, path)
  if (!stats.isFile()) throw new PeerfoldError('not-a-folder', path)
  const inputs = new Inputs()
  const walk = new Walk(folder.real, options, inputs)
  if (walk.holdsKeys(folder.real)) throw new PeerfoldError('nothing-to-share', path)
  walk.single(below(SHARE_ROOT, basename(path)))
  return resultOfFile(walk.picture, inputs)
}

function look(path: string): { real: string; stats: Stats } {
  try {
    const real = realpathSync(path)
    return { real, stats: lstatSync(real) }
  } catch (error) {
    throw lookFailed(error, path)
  }
}

function lookWithin(folder: string, path: string): Stats {
  try {
    return lstatSync(join(folder, basename(path)))
  } catch (error) {
    throw lookFailed(error, path)
  }
}

function lookFailed(error: unknown, path: string): PeerfoldError {
  const gone = ['ENOENT', 'ENOTDIR'].includes(errorCode(error))
  return new PeerfoldError(gone ? 'source-vanished' : 'source-unreadable', path)
}
