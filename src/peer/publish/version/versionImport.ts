/**
 * What changed becomes the next version: its bytes are imported, then its paths are appended in one batch. Cut off
 * anywhere, nothing that the path log does not have passes for published.
 */
import type { DrivePath } from '../../../common/brand'
import { inSlices } from '../../../wire/slices'
import { PACKED_FILE_BYTES } from '../../drive/format/listing'
import type { ShareDrive } from '../../drive/shareDrive'
import { throwIfAborted } from '../../time'
import { deadLinks } from '../scan/deadLinks'
import type { ScannedFile } from '../scan/scanned'
import type { SkippedFromShare } from '../scan/skipped'
import type { VersionAppender } from './appendVersion'
import { FileImport, MIN_PACKED_FILES } from './importFiles'
import type { SharedFiles } from './inPlace/sharedFiles'
import type { NewestPublished } from './newestPublished'
import { isNewEntry, type Published } from './published'
import type { PublishProgress } from './publishResult'
import type { Seen } from './sourceView'

/** A first version with this many small files is given out before it has all their own blocks and paths. */
const MIN_FILES_AHEAD = 1_000

/** What a version is appended to, and where its files are. */
export interface VersionPlace {
  readonly share: ShareDrive
  /** Absolute path of the folder that drive paths begin in. */
  readonly root: string
  readonly newest: NewestPublished
  readonly versions: VersionAppender
  /** Serves large files out of the folder; undefined: the store keeps them. */
  readonly inPlace: SharedFiles | undefined
  /** Resolves when everything in the store is on the disk. */
  readonly sync: () => Promise<void>
}

export interface FoundChanges {
  readonly published: Published
  readonly seen: Seen
  /** In the order of paths. */
  readonly changed: readonly ScannedFile[]
  readonly gone: readonly DrivePath[]
  /** Not changed, but noted again: kept with what has changed. */
  readonly same: readonly DrivePath[]
  /** What earlier imports did not take and this one does not try. */
  readonly alreadySkipped: readonly SkippedFromShare[]
  /** Whether a file that gets longer while it is read is taken as it was. */
  readonly mayGrow: (path: DrivePath) => boolean
}

export interface ImportRun {
  readonly signal: AbortSignal
  /** Counted up as files are read. */
  readonly progress: PublishProgress
  readonly onProgress: (progress: PublishProgress) => void
  /** Throws when the store has no room for anything new. */
  readonly assertRoom: () => void
}

export interface ImportedVersion {
  readonly skipped: readonly SkippedFromShare[]
  /** Files that kept changing while they were read. */
  readonly busy: readonly DrivePath[]
  /** Whether there is a new version. */
  readonly appended: boolean
}

export async function importVersion(
  { share, root, newest, versions, inPlace, sync }: VersionPlace,
  { published, seen: { scan, look }, changed, gone, same, alreadySkipped, mayGrow }: FoundChanges,
  { signal, progress, onProgress, assertRoom }: ImportRun,
): Promise<ImportedVersion> {
  const core = await share.bytesReady(signal)
  const isFirst = share.paths.length <= 1 // its header may be there already
  const small = changed.filter(file => file.size <= PACKED_FILE_BYTES && file.size > 0).length
  const onBytes = (bytes: number) => {
    assertRoom()
    progress.bytes.done += bytes
    onProgress(progress)
  }
  const onFile = () => {
    progress.files.done++
    onProgress(progress)
  }
  const isListingFirst = isFirst && small >= MIN_FILES_AHEAD
  const packed = small >= MIN_PACKED_FILES ? 'packed' : 'own-block'
  const smallFiles = isListingFirst ? 'own-block-later' : packed
  inPlace?.serve(core)
  const options = { signal, onBytes, onFile, mayGrow }
  const bytes = new FileImport(root, core, published, options, smallFiles, inPlace)

  // Until the path log has them, changed files must not pass for published if this is cut off.
  const before = new Map(changed.map(file => [file.path, published.get(file.path)] as const))
  const put = new Set<DrivePath>()
  const noted: DrivePath[] = []
  const removed = [...gone]
  const isNew = ({ path }: ScannedFile) => before.get(path) === undefined
  const busy = () => bytes.busy.map(({ path }) => path)
  try {
    for await (const { path } of bytes.run(changed)) {
      const now = published.get(path)
      const isNew = now !== undefined && isNewEntry(path, before.get(path), now)
      if (isNew) put.add(path)
      else noted.push(path)
    }
    // Links lead to the same as before when no path came, went or was skipped.
    const isSame = look?.isOther === false && bytes.skipped.length === 0 && !changed.some(isNew)
    const skipped = [...alreadySkipped, ...bytes.skipped]
    const dead = isSame ? [] : await leadingToSkipped(published, scan.files, skipped, signal)
    bytes.skipped.push(...dead)
    const deadPaths = new Set(dead.map(({ path }) => path))
    for (const path of deadPaths) {
      put.delete(path)
      const wasPublished = before.has(path)
        ? before.get(path) !== undefined
        : published.get(path) !== undefined
      if (wasPublished) removed.push(path)
      else published.forget(path)
    }
    for (const path of removed) published.forget(path)
    await bytes.finish()
    throwIfAborted(signal)
    // Files that could not be taken are asked for again at every change; that makes no new version.
    if (put.size + removed.length === 0 && !isFirst) {
      newest.saveAfter(published, [...noted, ...same])
      return { skipped: bytes.skipped, busy: busy(), appended: false }
    }
    const { version, moved } = isListingFirst
      ? { version: await versions.appendAhead(published, bytes), moved: [] }
      : await versions.append(newest.version, published, [...put], removed, bytes, signal)
    for (const path of moved) put.add(path)
    await sync()
    newest.appended(version, published, [...put, ...noted, ...removed, ...same])
  } catch (error) {
    await bytes.settle()
    inPlace?.notPublished()
    for (const [path, file] of before) {
      if (file === undefined) published.forget(path)
      else published.remember(path, file)
    }
    newest.forget(published)
    throw error
  } finally {
    await bytes.close()
  }
  return { skipped: bytes.skipped, busy: busy(), appended: true }
}

/** Links to files that the import did not take, for instance because they hold a secret. */
async function leadingToSkipped(
  published: Published,
  all: readonly ScannedFile[],
  skipped: readonly SkippedFromShare[],
  signal: AbortSignal,
): Promise<readonly SkippedFromShare[]> {
  const missing = new Set(skipped.map(({ path }) => path).filter(path => published.get(path) === undefined))
  if (missing.size === 0) return []
  return inSlices(deadLinks(all.filter(({ path }) => !missing.has(path))), { signal })
}
