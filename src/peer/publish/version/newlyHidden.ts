/**
 * Files that a newer Peerfold leaves out and an earlier one has published. They may be secrets, and readers may rely on
 * them. So they stay until a day after the user was told, or until the user decides.
 *
 * A share notes the number of the rules it was scanned with last. When that is older, files that Peerfold's own rules
 * leave out now are noted as well, if they did not change on disk. Everything published is looked into once, since
 * content is judged only when it is read. Files that ignore files or the settings leave out go at once: that is the
 * user's own choice.
 */
import { join } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import type { NewlyHidden } from '../../store/catalog'
import { breathe, slicer, throwIfAborted } from '../../time'
import type { ScannedFile, ScanResult } from '../scan/scanned'
import type { SkipReason } from '../scan/skipped'
import { readSmallFile } from '../scan/smallFile'
import { contentSecret, SECRET_RULES_VERSION } from '../secrets/secrets'
import { likeness, type Published } from './published'

/** Raised when a change of Peerfold, other than of secrets, leaves out what was shared before: names, ignore files. */
const OTHER_RULES_VERSION = 1
export const RULES_VERSION = SECRET_RULES_VERSION + OTHER_RULES_VERSION

/** Milliseconds after the user was told. */
export const NOTICE = 24 * 60 * 60_000

/** Bytes. Larger files are judged when they change. */
const MAX_LOOKED_AT = 256 * 1024

/** Reasons that a newer version can bring. */
export const NEWLY: ReadonlySet<SkipReason> = new Set([
  'secret-name',
  'secret-content',
  'git-exclude',
  'name',
  'link-outside',
])

export interface HiddenOptions {
  readonly root: string
  readonly published: Published
  readonly scan: ScanResult
  /** Published and not listed any more. */
  readonly removed: readonly DrivePath[]
  /** What the scan left out for one of these reasons; folders end with `/`. */
  readonly leftOut: ReadonlySet<string>
  readonly signal: AbortSignal
}

/** What newer rules hide of what is published; undefined: nothing. */
export async function newlyHidden(options: HiddenOptions): Promise<NewlyHidden | undefined> {
  const { removed, leftOut } = options
  const paths = removed.filter(path => isLeftOut(path, leftOut))
  const contents = await secretContents(options)
  return paths.length + contents.length === 0 ? undefined : { paths, contents }
}

/** The part of it that still holds; undefined: nothing. */
export function stillHidden(before: NewlyHidden, options: HiddenOptions): NewlyHidden | undefined {
  const { removed, leftOut, scan, published } = options
  const gone = new Set(removed)
  const inScan = new Map(scan.files.map(file => [file.path, file]))
  const paths = before.paths.filter(path => gone.has(path) && isLeftOut(path, leftOut))
  const contents = before.contents.filter(
    path => published.get(path) !== undefined && inScan.get(path)?.allowed === false,
  )
  if (paths.length + contents.length === 0) return undefined
  return { ...before, paths, contents }
}

export function mayLeave({ toldAt }: NewlyHidden, notice: number): boolean {
  return toldAt !== undefined && Date.now() >= toldAt + (toldAt === 0 ? 0 : notice)
}

function isLeftOut(path: DrivePath, leftOut: ReadonlySet<string>): boolean {
  if (leftOut.has(path)) return true
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (leftOut.has(path.slice(0, at + 1))) return true
  return false
}

async function secretContents({ root, published, scan, signal }: HiddenOptions): Promise<DrivePath[]> {
  const found: DrivePath[] = []
  const due = slicer()
  for (const file of scan.files) {
    if (isJudged(file) && likeness(file, published.get(file.path)) !== 'changed') {
      const read = readSmallFile(join(root, file.path), MAX_LOOKED_AT)
      if (read.kind === 'content' && contentSecret(file.path, read.bytes) !== undefined) found.push(file.path)
    }
    if (!due()) continue
    throwIfAborted(signal)
    await breathe()
  }
  return found
}

function isJudged({ kind, allowed, size }: ScannedFile): boolean {
  return kind === 'file' && !allowed && size > 0 && size <= MAX_LOOKED_AT
}
