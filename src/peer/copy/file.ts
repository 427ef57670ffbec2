/**
 * One file of a copy: from bytes to its place, or beside it when the user changed what lies there. A local file that
 * nobody recorded is compared with what comes in, and taken over as it is when it is the same.
 */
import { WriteError } from '../disk/writeErrors'
import type { FileMark, Precondition, SafeWriter } from '../disk/writer'
import type { DriveEntry } from '../drive/format/entry'
import type { IncomingFile } from '../inPlace/incomingFile'
import { attributesOf, hasAttributes } from './attributes'
import { Beside, type BesideOptions } from './beside'
import { hashToKeep } from './contentProof'
import { FileBytes, type FileBytesOptions } from './fileBytes'
import type { CopyMarks } from './marks'
import { expectedOf } from './ownership'
import { type PlannedFile, pathOf, placing } from './planned'
import { type FilledTemporary, Temporaries, type TemporariesOptions } from './temporaries'

/** Files up to this size (bytes) are fetched whole before they are written. */
const WHOLE_BYTES = 4 * 1024 * 1024

/** Attempts at a file that is being changed locally. At the last one the incoming file goes beside it. */
const ATTEMPTS = 4

export interface FileCopierOptions extends FileBytesOptions, TemporariesOptions, BesideOptions {
  readonly writer: SafeWriter
  readonly marks: CopyMarks
  /** The file lies at its place, which held other content before, or nothing. */
  readonly onPlaced: (file: PlannedFile) => void
  /** The file lies beside the user's, at `copy` inside the target. */
  readonly onConflict: (file: PlannedFile, copy: string) => void
}

/** A file whose bytes are here, and that is not at its place yet. */
export interface FetchedFile {
  /** With its true size. */
  readonly entry: DriveEntry
  /** Undefined for one whose bytes are in a temporary, or in the store alone. */
  readonly bytes?: Buffer
  temporary?: FilledTemporary
}

export class FileCopier {
  private readonly bytes: FileBytes
  private readonly temporaries: Temporaries
  private readonly beside: Beside

  constructor(private readonly options: FileCopierOptions) {
    this.bytes = new FileBytes(options)
    this.temporaries = new Temporaries(options, this.bytes)
    this.beside = new Beside(options, this.bytes)
  }

  /**
   * Brings the bytes of a file here, and touches nothing at its place. Undefined for a large file that goes beside
   * one of the user's, since it replaces nothing, and for one that may not have a temporary. Throws as `copy`.
   *
   * @param takeTemporary asked before a temporary is made, which stays open
   */
  async fetch(planned: PlannedFile, takeTemporary: () => boolean): Promise<FetchedFile | undefined> {
    const { onBytes } = this.options
    const file = await this.bytes.withTrueSize(planned)
    const { entry, way, segments } = file
    if (entry.size <= WHOLE_BYTES) {
      const bytes = await this.bytes.whole(file)
      onBytes(bytes.length)
      return { entry, bytes }
    }
    const now = await this.judged(file)
    if (now.conflict) return undefined
    if (way === undefined || way.segments.length === segments.length) {
      if (!takeTemporary()) return undefined
      return { entry, temporary: await this.fillTemporary(now) }
    }
    // Its folder cannot be made yet.
    for await (const block of this.bytes.blocks(file)) onBytes(block.length)
    return { entry }
  }

  /** Places a file that was fetched, as it is planned by now. Throws as `copy`. */
  async place(planned: PlannedFile, fetched: FetchedFile): Promise<void> {
    const { entry, bytes, temporary } = fetched
    const file = { ...planned, entry }
    if (bytes !== undefined) {
      await this.write(file, bytes)
      return this.options.onBytes(-bytes.length) // they were counted before
    }
    if (temporary === undefined) return this.copy(file)
    delete fetched.temporary // placed or removed below, even if that fails
    try {
      await this.placeTemporary(temporary)
    } catch (error) {
      if (!(error instanceof WriteError) || error.code !== 'changed') throw error
      await this.copy(file)
    }
  }

  /** Removes what was fetched, or leaves it to the next run. */
  async drop({ temporary }: FetchedFile, error: unknown): Promise<void> {
    if (temporary !== undefined) await this.temporaries.drop(temporary, error)
  }

  /** Fetches and writes a file. Throws WriteError, or PeerfoldError (`bad-entry`, `offline`, `cancelled`). */
  async copy(planned: PlannedFile): Promise<void> {
    const file = await this.bytes.withTrueSize(planned)
    if (file.entry.size <= WHOLE_BYTES) {
      const incoming = await this.bytes.begin(file, file.segments)
      try {
        return await this.write(file, await this.bytes.whole(file, incoming), incoming)
      } finally {
        await incoming?.end()
      }
    }
    await this.untilUnchanged(file, async now => {
      if (now.compare && (await this.beside.isSame(now, now.segments))) {
        await this.takeOver(now, now.precondition)
        return this.options.copied?.adopt(now.entry, this.options.folder, now.path, true)
      }
      const same = await this.beside.sameBeside(now, segments => this.beside.isSame(now, segments))
      if (same === undefined) return this.placeTemporary(await this.fillTemporary(now))
      this.record(now, same)
      this.options.onBytes(now.entry.size)
    })
  }

  /**
   * Writes a file whose bytes are here.
   * @param incoming for a file with blocks of its own
   */
  async write(file: PlannedFile, bytes: Buffer, incoming?: IncomingFile): Promise<void> {
    const { writer, onBytes } = this.options
    await this.untilUnchanged(file, async now => {
      const hash = hashToKeep(bytes)
      const holds = (segments: readonly string[]) => this.beside.holds(segments, bytes)
      if (now.compare && holds(now.segments)) {
        await this.takeOver(now, now.precondition, hash)
        return incoming?.placed(now.path)
      }
      const same = await this.beside.sameBeside(now, holds)
      if (same !== undefined) {
        this.record(now, same, undefined, hash)
        await incoming?.placed(pathOf(same))
      } else {
        await this.clearWay(now)
        const place = await this.beside.destination(now)
        const { segments } = place
        const mark = await writer.writeSmall(segments, bytes, placing(now, place))
        await incoming?.placed(pathOf(segments))
        this.record(now, segments, mark, hash)
      }
      onBytes(bytes.length)
    })
  }

  /**
   * Does the work with what is known of the local file. When that file was changed meanwhile, looks at it again and
   * retries.
   */
  private async untilUnchanged(
    planned: PlannedFile,
    work: (file: PlannedFile) => Promise<void>,
  ): Promise<void> {
    let file = planned
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(await this.judged(file))
      } catch (error) {
        if (!(error instanceof WriteError) || error.code !== 'changed' || attempt === ATTEMPTS) throw error
        // A user who saves the file again and again keeps it.
        file = attempt === ATTEMPTS - 1 ? asConflict(file) : this.lookAgain(file)
      }
    }
  }

  /** Decides whether the local file may be replaced, where its stat does not tell. */
  private async judged({ expected, ...file }: PlannedFile): Promise<PlannedFile> {
    if (expected === undefined) return file
    if (await this.options.ownership.isOurs(file.segments, expected)) return file
    const { precondition, entry } = file
    const sameSize = precondition !== 'absent' && precondition.size === entry.size
    return { ...file, conflict: true, compare: sameSize }
  }

  /** The user saved the file between the plan and the write, or another program wrote the same copy. */
  private lookAgain(planned: PlannedFile): PlannedFile {
    const { writer, ownership } = this.options
    const { expected: _, ...file } = planned
    const local = writer.stat(file.segments)
    if (local === undefined) return { ...file, precondition: 'absent', conflict: false, compare: false }
    if (local.kind !== 'file') return asConflict(file)
    const known = ownership.record(file.path)
    const again = {
      ...file,
      precondition: local,
      conflict: known === undefined,
      compare: local.size === file.entry.size,
    }
    return known === undefined ? again : { ...again, expected: expectedOf(known, local) }
  }

  private clearWay({ way }: PlannedFile): Promise<void> | undefined {
    const { ownership, writer, marks } = this.options
    return way?.clear(ownership, writer, marks)
  }

  private async fillTemporary(file: PlannedFile): Promise<FilledTemporary> {
    const { way } = file
    // An obstacle at the place of a folder goes before the folder is made. One at the file's own place goes at the
    // end.
    if (way !== undefined && way.segments.length < file.segments.length) await this.clearWay(file)
    return this.temporaries.fill(file, await this.beside.destination(file))
  }

  private async placeTemporary(filled: FilledTemporary): Promise<void> {
    const { file, large, segments, incoming } = filled
    try {
      await this.clearWay(file)
      const mark = await large.commit()
      await incoming?.placed(pathOf(segments))
      this.record(file, segments, mark)
    } catch (error) {
      await this.temporaries.drop(filled, error)
      throw error
    }
    await this.temporaries.placed(filled)
  }

  /**
   * The local file has the incoming content already. It gets the entry's time and executable bit, and is recorded
   * as ours.
   */
  private async takeOver(file: PlannedFile, before: Precondition, hash?: Uint8Array): Promise<void> {
    const { writer, marks, ownership, onBytes } = this.options
    const { entry, segments } = file
    const local = writer.stat(segments)
    if (before === 'absent' || local?.kind !== 'file') throw new WriteError('changed', file.path)
    if (hasAttributes(local, entry, ownership.record(file.path))) marks.compared(file, before, local, hash)
    else marks.written(file, writer.adjust(segments, before, attributesOf(entry)), hash)
    if (file.begun) this.options.onPlaced(file)
    onBytes(entry.size)
  }

  /** @param mark of the written file; undefined for a conflict copy that was there already */
  private record(file: PlannedFile, segments: readonly string[], mark?: FileMark, hash?: Uint8Array): void {
    if (!file.conflict) {
      if (mark !== undefined) this.options.marks.written(file, mark, hash)
      this.options.onPlaced(file)
      return
    }
    const copy = pathOf(segments)
    this.options.marks.conflict(file, copy, hash)
    this.options.onConflict(file, copy)
  }
}

function asConflict({ expected: _, ...file }: PlannedFile): PlannedFile {
  return { ...file, conflict: true, compare: false }
}
