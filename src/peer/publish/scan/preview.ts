/**
 * What would be shared and what would be left out, for the question that is asked before anything is published.
 *
 * A scan, and a look into the files for secrets that only their content gives away. Publishing looks into every file
 * anyway; here the smallest are read first and until a budget is used up, because the user waits.
 */
import { join } from 'node:path'
import { inSlices, sortInSlices } from '../../../wire/slices'
import { type Foretold, foretell } from '../../names/foretell'
import { isSecret } from '../secrets/secrets'
import { isFalselyEmpty, UNTRUE_SIZE } from '../version/readStable'
import { deadLinks } from './deadLinks'
import { scanSource } from './scan'
import type { ScannedFile, ScanOptions, ScanProgress } from './scanned'
import { Skipped, type SkippedFromShare, type SkipReason } from './skipped'
import { readSmallFile } from './smallFile'

/** Bytes. Larger files are not looked into. */
const MAX_LOOKED_AT = 8 * 1024 * 1024
/** Bytes read in all. */
const BUDGET = 256 * 1024 * 1024

export interface PreviewOptions extends ScanOptions {
  /** Bytes read at most to look for secrets; default 256 MiB. */
  readonly budget?: number
}

export interface FolderPreview {
  /** What would be shared, in the order of paths. */
  readonly entries: readonly ScannedFile[]
  /** What some systems do not take of it. */
  readonly foretold: readonly Foretold[]
  readonly files: number
  readonly bytes: number
  /** Samples; `skippedCounts` has the exact numbers. */
  readonly skipped: readonly SkippedFromShare[]
  readonly skippedCounts: Partial<Record<SkipReason, number>>
  /** Whether every file was looked into; publishing may leave out more otherwise. */
  readonly allLookedAt: boolean
}

/**
 * Previews the share of a folder or of a single file. Throws what `scanFolder` throws.
 *
 * @param source absolute path
 */
export async function previewFolder(source: string, options: PreviewOptions = {}): Promise<FolderPreview> {
  const scan = await scanSource(source, options)
  const skipped = new Skipped(scan)
  const look = new ContentLook(source, scan.isFile, scan.files, options.budget ?? BUDGET)
  const onPause = () => options.onProgress?.(progress(scan))
  await inSlices(look.run(), { signal: options.signal, onPause })
  for (const [file, detail] of look.secrets) skipped.add(file.path, 'secret-content', detail)
  for (const { path } of look.untrue) skipped.add(path, 'special-file', UNTRUE_SIZE)
  let entries = scan.files.filter(file => !look.secrets.has(file) && !look.untrue.has(file))
  if (look.secrets.size + look.untrue.size > 0 && scan.unreadable.length === 0) {
    const dead = await inSlices(deadLinks(entries), { signal: options.signal, onPause })
    for (const { path, reason, detail } of dead) skipped.add(path, reason, detail)
    const deadPaths = new Set(dead.map(({ path }) => path))
    entries = entries.filter(({ path }) => !deadPaths.has(path))
  }
  return {
    entries,
    foretold: await inSlices(foretell(entries), { signal: options.signal, onPause }),
    files: entries.length,
    bytes: entries.reduce((sum, file) => sum + file.size, 0),
    skipped: skipped.list(),
    skippedCounts: skipped.counts(),
    allLookedAt: look.complete,
  }
}

function progress(scan: { files: readonly ScannedFile[]; bytes: number; folders: number }): ScanProgress {
  return { files: scan.files.length, bytes: scan.bytes, folders: scan.folders }
}

class ContentLook {
  readonly secrets = new Map<ScannedFile, string>()
  /** Files that hold something although their size is 0. */
  readonly untrue = new Set<ScannedFile>()
  complete = true

  constructor(
    private readonly source: string,
    private readonly sourceIsFile: boolean,
    private readonly files: readonly ScannedFile[],
    private budget: number,
  ) {}

  *run(): Generator<undefined, void, undefined> {
    const candidates = this.files.filter(file => file.kind === 'file' && !file.allowed)
    const smallestFirst = yield* sortInSlices(candidates, (a, b) => a.size - b.size)
    for (const file of smallestFirst) {
      if (file.size > MAX_LOOKED_AT || file.size > this.budget) {
        this.complete = false
        return
      }
      this.budget -= file.size
      this.lookInto(file)
      yield
    }
  }

  private lookInto(file: ScannedFile): void {
    const absolute = this.sourceIsFile ? this.source : join(this.source, file.path)
    if (file.size === 0) {
      if (isFalselyEmpty(absolute)) this.untrue.add(file)
      return
    }
    const read = readSmallFile(absolute, MAX_LOOKED_AT)
    // A file that is gone or unreadable by now is met again, and told, when it is published.
    if (read.kind !== 'content') return
    const verdict = isSecret(file.path, read.bytes)
    if (verdict !== undefined) this.secrets.set(file, verdict.detail)
  }
}
