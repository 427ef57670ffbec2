/**
 * Merges the incoming file into the user's, when the user asks for it. The user's former bytes go to the kept files
 * first. Where both sides changed the same lines, markers are left, and the incoming file stays beside until they
 * are gone. A merge without markers ends the conflict at once.
 */
import { closeSync } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { toFileError } from '../../common/fileErrors'
import { inSlices } from '../../wire/slices'
import { readAll } from '../copy/contentProof'
import { openTarget } from '../copy/copy'
import { Ownership } from '../copy/ownership'
import { WriteError } from '../disk/writeErrors'
import type { FileMark, SafeWriter } from '../disk/writer'
import { readWhole } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { type Bases, entryOf } from '../store/bases'
import type { BaseRecord, Catalog } from '../store/catalog'
import type { KeptFiles } from './keptFiles'
import { segmentsOf, statOf } from './leaving'
import { hasMarkers, isBinary, MERGED_BYTES, mergeTexts } from './mergeTexts'

/** Time limit (milliseconds) for the bytes of the base, where they are not here. */
const PATIENCE = 10_000

export interface MergingOptions {
  readonly record: BaseRecord
  readonly share: ShareDrive
  readonly catalog: Catalog
  readonly bases: Bases
  readonly kept: KeptFiles
  readonly signal: AbortSignal
}

/** Why a conflict cannot be merged; undefined: it can, judged by its two files. Both paths are absolute. */
export async function refusalOf(path: string, copy: string): Promise<PeerfoldError | undefined> {
  try {
    for (const file of [path, copy]) {
      const stats = await lstat(file)
      if (!stats.isFile()) return new PeerfoldError('no-conflict', path)
      if (stats.size > MERGED_BYTES) return new PeerfoldError('merge-too-large', path)
      const bytes = await readFile(file)
      if (isBinary(bytes)) return new PeerfoldError('merge-binary', path)
      if (file === path && hasMarkers(bytes)) return new PeerfoldError('merge-unsolved', path)
    }
    return undefined
  } catch (error) {
    return toFileError(error, path)
  }
}

/**
 * Merges a conflict. → number of places with markers; 0: the conflict is over. Throws PeerfoldError (`merge-…`),
 * WriteError.
 */
export async function mergeConflict(options: MergingOptions): Promise<number> {
  const { record, share, kept, bases, signal } = options
  const { folder, path, copy, umask } = record
  const name = join(folder, path)
  const { writer } = openTarget({ folder, umask }, () => {})
  try {
    const segments = segmentsOf(path)
    const mine = readText(writer, segments, name)
    const theirs = readText(writer, segmentsOf(copy), name)
    if (hasMarkers(mine.bytes)) throw new PeerfoldError('merge-unsolved', name)
    const base = await readBase(record, share, signal)
    const merged = await inSlices(mergeTexts({ mine: mine.bytes, base, theirs: theirs.bytes }), { signal })
    if (merged.kind === 'refused') throw new PeerfoldError(`merge-${merged.why}`, name)
    if (!merged.bytes.equals(mine.bytes)) {
      const executable = writer.stat(segments)?.executable === true
      const taken = { share: record.share, folder, path, executable }
      const former = await kept.keepBytes(mine.bytes, mine.mark, taken)
      try {
        await writer.writeSmall(segments, merged.bytes, { executable, precondition: mine.mark })
      } catch (error) {
        await kept.drop(former, writer, segments, mine.mark)
        throw error instanceof WriteError && error.code === 'changed'
          ? new PeerfoldError('changed-meanwhile', name)
          : error
      }
      await kept.prune()
    }
    if (merged.conflicts > 0) await bases.put({ ...record, merged: record.theirs })
    else await endConflict(options, writer)
    return merged.conflicts
  } finally {
    await writer.close()
  }
}

/** To be called when the markers of a merge are gone. → whether the conflict is over */
export async function endMerge(options: MergingOptions): Promise<boolean> {
  const { record, bases } = options
  const { folder, umask, merged, theirs } = record
  if (merged !== undefined && merged.content !== theirs.content) {
    // A newer file came meanwhile. The merged one is now the base of both sides.
    const { merged: _, ...rest } = record
    await bases.put({ ...rest, base: merged })
    return false
  }
  const { writer } = openTarget({ folder, umask }, () => {})
  try {
    await endConflict(options, writer)
    return true
  } finally {
    await writer.close()
  }
}

/** Ends a conflict, and removes the incoming file, unless the user changed it. */
async function endConflict(
  { record, share, catalog, bases }: MergingOptions,
  writer: SafeWriter,
): Promise<void> {
  const { target, folder, path, copy } = record
  const known = await catalog.get('copied', target + path)
  const segments = segmentsOf(copy)
  const incoming = statOf(writer, segments)
  if (known?.conflict?.path === copy && incoming?.kind === 'file') {
    const { hash } = known
    const held = { content: known.conflict.content, ...(hash === undefined ? {} : { hash }) }
    const proof = await new Ownership(share, writer, new Map()).prove(segments, held)
    if (proof === 'same') await writer.remove(segments, incoming)
  }
  if (known?.conflict?.path === copy) {
    const { conflict: _, ...rest } = known
    await catalog.put('copied', target + path, rest)
  }
  await bases.forget(join(folder, copy))
}

async function readBase(record: BaseRecord, share: ShareDrive, signal: AbortSignal): Promise<Buffer> {
  const { folder, path, base, fork } = record
  const entry = entryOf(base, path as DrivePath)
  const name = join(folder, path)
  if (entry === undefined || fork !== (share.bytes?.fork ?? 0)) throw new PeerfoldError('merge-no-base', name)
  try {
    return await readWhole(share, entry, { timeout: PATIENCE, signal })
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code === 'cancelled') throw error
    throw new PeerfoldError('merge-base-gone', name)
  }
}

/** @param name absolute path, named in errors. Throws `no-conflict`, `merge-too-large`, `merge-binary` */
function readText(
  writer: SafeWriter,
  segments: readonly string[],
  name: string,
): { readonly bytes: Buffer; readonly mark: FileMark } {
  const opened = statOf(writer, segments)?.kind === 'file' ? writer.openFile(segments) : undefined
  if (opened === undefined) throw new PeerfoldError('no-conflict', name)
  const { fd, mark } = opened
  try {
    if (mark.size > MERGED_BYTES) throw new PeerfoldError('merge-too-large', name)
    const bytes = readAll(fd, mark.size)
    if (isBinary(bytes)) throw new PeerfoldError('merge-binary', name)
    return { bytes, mark }
  } finally {
    closeSync(fd)
  }
}
