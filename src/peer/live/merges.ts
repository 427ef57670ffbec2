/**
 * Merges of conflicts, in folders in sync and in copies. A merge is made when the user asks for it, and ends when
 * its markers are gone from the file. A file is read again when its stat changes, and believed when it is the same
 * at two looks: a program that saves it may have emptied it first.
 */
import type { Stats } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PeerfoldError } from '../../common/errors'
import type { MergeAnswer } from '../../common/model'
import type { PeerContext } from '../shares/context'
import type { Shares } from '../shares/shares'
import type { BaseRecord } from '../store/catalog'
import type { KeptFiles } from './keptFiles'
import { hasMarkers, MERGED_BYTES } from './mergeTexts'
import { endMerge, type MergingOptions, mergeConflict, refusalOf } from './merging'
import { describeFileTrouble } from './writeTrouble'

/** Milliseconds between looks at files with markers. */
const LOOK_EVERY = 1_000
/** Milliseconds between looks whether the incoming files of conflicts still lie there. */
const SWEEP_EVERY = 60 * 60_000

/** A conflict, by the absolute paths of its two files. */
interface Conflict {
  readonly path: string
  readonly copy: string
}

export interface MergesOptions {
  readonly context: Pick<PeerContext, 'bases' | 'catalog' | 'closing' | 'log'>
  readonly shares: Pick<Shares, 'has' | 'get'>
  readonly kept: KeptFiles
  /** Does the work when nothing else writes to the folder of the conflict. */
  readonly inTurn: <T>(record: BaseRecord, work: () => Promise<T>) => Promise<T>
  /** A conflict is over, or its file has markers. */
  readonly onChange: (record: BaseRecord, isOver: boolean) => void
}

export class Merges {
  /** By place of the incoming file: the stat of the user's file at the last look, `marked` if it had markers. */
  private readonly seen = new Map<string, string>()
  private readonly timers: NodeJS.Timeout[]
  /** Places of the incoming files of merges whose last look failed. The log says so once. */
  private readonly failing = new Set<string>()
  private looking = false

  constructor(
    private readonly options: MergesOptions,
    lookEvery = LOOK_EVERY,
  ) {
    const { bases } = options.context
    this.timers = [
      setInterval(() => void this.look(), lookEvery).unref(),
      setInterval(() => void bases.sweep().catch(error => this.log(error)), SWEEP_EVERY).unref(),
    ]
  }

  /** Whether a conflict can be merged, judged by its files. */
  async about({ path, copy }: Conflict): Promise<MergeAnswer> {
    const record = this.options.context.bases.get(copy)
    if (record?.merged !== undefined) return { kind: 'merging' }
    const refusal = await refusalOf(path, copy)
    if (refusal === undefined && record === undefined)
      return { kind: 'refused', error: new PeerfoldError('merge-no-base', path).toUserError() }
    return refusal === undefined ? { kind: 'possible' } : { kind: 'refused', error: refusal.toUserError() }
  }

  /**
   * Merges a conflict. → number of places with markers. Throws `merge-…`, `no-conflict`, and errors of the file
   * system
   */
  async merge({ path, copy }: Conflict): Promise<number> {
    const found = this.options.context.bases.get(copy)
    if (found === undefined || join(found.folder, found.path) !== path)
      throw new PeerfoldError('merge-no-base', path)
    return this.options.inTurn(found, async () => {
      const record = this.options.context.bases.get(copy)
      if (record === undefined) throw new PeerfoldError('no-conflict', path)
      const conflicts = await mergeConflict(this.with(record)).catch(error => {
        throw describeFileTrouble(error, record.folder, path)
      })
      this.seen.delete(copy)
      this.options.onChange(record, conflicts === 0)
      return conflicts
    })
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer)
  }

  private async look(): Promise<void> {
    if (this.looking) return
    this.looking = true
    try {
      for (const record of this.options.context.bases.merging) await this.tryToLookAt(record)
    } finally {
      this.looking = false
    }
  }

  private async tryToLookAt(record: BaseRecord): Promise<void> {
    const key = join(record.folder, record.copy)
    try {
      await this.lookAt(record)
      this.failing.delete(key)
    } catch (error) {
      if (!this.failing.has(key)) this.log(error)
      this.failing.add(key)
    }
  }

  private async lookAt(record: BaseRecord): Promise<void> {
    const { share, folder, path, copy } = record
    if (!this.options.shares.has(share)) return // the share is not open now
    const [file, key] = [join(folder, path), join(folder, copy)]
    const stats = await lstat(file).catch(() => undefined)
    if (stats?.isFile() !== true || stats.size > 2 * MERGED_BYTES) return
    const look = lookOf(stats)
    if (this.seen.get(key) !== look) {
      // A file with markers is read again only after a change.
      const bytes = this.seen.get(key) === `marked ${look}` ? undefined : await readFile(file)
      if (bytes !== undefined) this.seen.set(key, hasMarkers(bytes) ? `marked ${look}` : look)
      return
    }
    this.seen.delete(key)
    await this.options.inTurn(record, async () => {
      const now = this.options.context.bases.get(key)
      if (now?.merged === undefined) return
      this.options.onChange(now, await endMerge(this.with(now)))
    })
  }

  private with(record: BaseRecord): MergingOptions {
    const { context, shares, kept } = this.options
    const { catalog, bases, closing } = context
    return { record, share: shares.get(record.share).drive, catalog, bases, kept, signal: closing }
  }

  private log(error: unknown): void {
    this.options.context.log(`merging: ${String(error)}`)
  }
}

function lookOf({ size, mtimeMs, ctimeMs, ino }: Stats): string {
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}`
}
