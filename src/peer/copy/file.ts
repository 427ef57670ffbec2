/**
 * One file of a copy: from bytes to its place, or beside it when the user changed what lies there. A local file that
 * nobody recorded is compared with what comes in, and taken over as it is when it is the same.
 */
import { closeSync, read, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { PeerfoldError } from '../../common/errors'
import { conflictName, isConflictName } from '../disk/conflicts'
import type { Attributes } from '../disk/fileInPlace'
import { WriteError } from '../disk/writeErrors'
import type { FileMark, LargeFile, Precondition, SafeWriter } from '../disk/writer'
import { isOther, passing } from '../drive/absentBytes'
import { withTrueSize } from '../drive/blockMap'
import type { ReadOptions } from '../drive/blocks'
import type { DriveEntry } from '../drive/format/entry'
import { readBlocks, readMapped, readWhole } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { Decrypter } from '../hypercore/decrypter'
import type { CopiedFiles } from '../inPlace/copiedFiles'
import type { IncomingFile } from '../inPlace/incomingFile'
import type { TargetRules } from '../names/rules'
import { attributesOf, hasAttributes } from './attributes'
import { hashToKeep } from './contentProof'
import type { FormerSearch } from './former/formerSearch'
import type { CopyMarks } from './marks'
import { heldBy, type Ownership } from './ownership'
import type { PartialFiles } from './partialFiles'
import type { PlannedFile } from './planned'

const readAsync = promisify(read)

/** Files up to this size (bytes) are fetched whole before they are written. */
const WHOLE_BYTES = 4 * 1024 * 1024

/** Looks at a local file that is being changed, before the incoming one goes beside it. */
const ATTEMPTS = 4

export interface FileCopierOptions {
  readonly share: ShareDrive
  /** Absolute. */
  readonly folder: string
  readonly copied: CopiedFiles | undefined
  /** Files up to this size (bytes) are in the store also where the copy holds them. */
  readonly storedUpTo: number
  readonly writer: SafeWriter
  readonly ownership: Ownership
  readonly rules: TargetRules
  readonly marks: CopyMarks
  readonly partials: PartialFiles
  /** The process ends: what is not done continues with the next one. */
  readonly isEnding: () => boolean
  readonly read: ReadOptions & { readonly signal: AbortSignal }
  /** Bytes of the file that are done; negative when they must be done again. */
  readonly onBytes: (bytes: number) => void
  readonly former: FormerSearch
  /** Waits until reading may succeed again. Throws when it should not be tried. */
  readonly whenOffline: (error: PeerfoldError) => Promise<void>
  /** A newer version of what lies beside a file of the user's takes its place, if nobody changed it there. */
  readonly replacesConflicts: boolean
  /** It lies at its place, where other content was before, or nothing. */
  readonly onPlaced: (file: PlannedFile) => void
  /** It lies beside, at `copy` inside the target. */
  readonly onConflict: (file: PlannedFile, copy: string) => void
}

/** How far a file is written. */
interface Position {
  bytes: number
  blocks: number
}

interface Opened {
  readonly large: LargeFile
  /** Undefined for a file that is not resumed. */
  readonly token: string | undefined
  readonly progress: Position
}

/** A temporary that holds all of a file. */
interface Filled {
  readonly segments: readonly string[]
  readonly large: LargeFile
  readonly progress: Position
  incoming: IncomingFile | undefined
}

/** A file whose bytes are here, and that has not its place yet. */
export interface FetchedFile {
  /** With its true size. */
  readonly entry: DriveEntry
  /** Undefined for one whose bytes are in a temporary, or in the store alone. */
  readonly bytes?: Buffer
  temporary?: { readonly file: PlannedFile; readonly filled: Filled }
}

export class FileCopier {
  constructor(private readonly options: FileCopierOptions) {}

  /**
   * Brings the bytes of a file here, and touches nothing at its place. Undefined for a large one that goes beside a file
   * of the user’s, so that nothing is replaced by it, or that may not have a temporary. Throws as `copy`.
   *
   * @param takeTemporary asked before a temporary is made, which stays open
   */
  async fetch(planned: PlannedFile, takeTemporary: () => boolean): Promise<FetchedFile | undefined> {
    const { share, former, onBytes } = this.options
    const file = await this.withTrueSize(planned)
    const { entry, way, segments } = file
    if (entry.size <= WHOLE_BYTES) {
      await former.find(file, this.readOf(entry), {})
      const bytes = await readWhole(share, entry, this.readOf(entry))
      onBytes(bytes.length)
      return { entry, bytes }
    }
    const now = await this.judged(file)
    if (now.conflict) return undefined
    if (way === undefined || way.segments.length === segments.length) {
      if (!takeTemporary()) return undefined
      return { entry, temporary: { file: now, filled: await this.fillTemporary(now) } }
    }
    // Its folder cannot be made yet.
    for await (const block of this.blocksOf(file, 0, 0)) onBytes(block.length)
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
    delete fetched.temporary // whatever comes of it
    try {
      await this.placeTemporary(temporary.file, temporary.filled)
    } catch (error) {
      if (!(error instanceof WriteError) || error.code !== 'changed') throw error
      await this.copy(file)
    }
  }

  /** It is not placed after all. */
  async drop({ temporary }: FetchedFile, error: unknown): Promise<void> {
    if (temporary !== undefined) await this.leaveTemporary(temporary.file, temporary.filled, error)
  }

  /** Fetches and writes a file. Throws WriteError, or PeerfoldError (`bad-entry`, `offline`, `cancelled`). */
  async copy(planned: PlannedFile): Promise<void> {
    const { share } = this.options
    const file = await this.withTrueSize(planned)
    if (file.entry.size <= WHOLE_BYTES) {
      const incoming = await this.begin(file, file.segments)
      try {
        const onComing = (index: number) => incoming?.expects(index)
        await this.options.former.find(file, this.readOf(file.entry, incoming), { onComing })
        const bytes = await readWhole(share, file.entry, this.readOf(file.entry, incoming))
        return await this.write(file, bytes, incoming)
      } finally {
        await incoming?.end()
      }
    }
    await this.untilUnchanged(file, async now => {
      if (now.compare && (await this.isSame(now, now.segments))) {
        await this.takeOver(now, now.precondition)
        return this.options.copied?.adopt(now.entry, this.options.folder, now.path, true)
      }
      const beside = now.conflict
        ? await this.besides(now, segments => this.isSame(now, segments))
        : undefined
      if (beside === undefined) return this.stream(now)
      this.record(now, beside)
      this.options.onBytes(now.entry.size)
    })
  }

  private async withTrueSize(file: PlannedFile): Promise<PlannedFile> {
    const { share } = this.options
    const entry = await withTrueSize(share, file.entry, this.readOf(file.entry))
    if (entry === file.entry) return file
    const sameSize = file.precondition !== 'absent' && file.precondition.size === entry.size
    return { ...file, entry, compare: file.conflict && sameSize }
  }

  /** Writes a file whose bytes are here. @param incoming of one that has blocks of its own */
  async write(file: PlannedFile, bytes: Buffer, incoming?: IncomingFile): Promise<void> {
    const { writer, onBytes } = this.options
    await this.untilUnchanged(file, async now => {
      const hash = hashToKeep(bytes)
      const holds = (segments: readonly string[]) => this.holds(segments, bytes)
      if (now.compare && holds(now.segments)) {
        await this.takeOver(now, now.precondition, hash)
        return incoming?.placed(now.path)
      }
      const beside = now.conflict ? await this.besides(now, holds) : undefined
      if (beside !== undefined) {
        this.record(now, beside, undefined, hash)
        await incoming?.placed(pathOf(beside))
      } else {
        await this.clearWay(now)
        const place = await this.destination(now)
        const { segments } = place
        const mark = await writer.writeSmall(segments, bytes, placing(now, place))
        await incoming?.placed(pathOf(segments))
        this.record(now, segments, mark, hash)
      }
      onBytes(bytes.length)
    })
  }

  /** Does the work with what is known of the local file, and looks at that again when it was changed meanwhile. */
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
        // Who saves it again and again keeps it.
        file = attempt === ATTEMPTS - 1 ? asConflict(file) : this.lookAnew(file)
      }
    }
  }

  /** Finds out whether what lies there may be replaced, where its stat does not tell. */
  private async judged({ held, ...file }: PlannedFile): Promise<PlannedFile> {
    if (held === undefined) return file
    if (await this.options.ownership.isOurs(file.segments, held)) return file
    const { precondition, entry } = file
    const sameSize = precondition !== 'absent' && precondition.size === entry.size
    return { ...file, conflict: true, compare: sameSize }
  }

  /** The user saved the file between the plan and the write, or another program wrote the same copy. */
  private lookAnew(planned: PlannedFile): PlannedFile {
    const { writer, ownership } = this.options
    const { held: _, ...file } = planned
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
    return known === undefined ? again : { ...again, held: heldBy(known, local) }
  }

  /** A conflict copy that holds the incoming bytes already: another program made it, for a copy of its own. */
  private async besides(
    { segments, entry }: PlannedFile,
    holds: (segments: readonly string[]) => boolean | Promise<boolean>,
  ): Promise<readonly string[] | undefined> {
    const { writer } = this.options
    const folder = segments.slice(0, -1)
    const name = segments.at(-1) ?? ''
    for (const other of writer.namesIn(folder)) {
      if (!isConflictName(other, name)) continue
      const beside = [...folder, other]
      if (writer.stat(beside)?.size === entry.size && (await holds(beside))) return beside
    }
    return undefined
  }

  private clearWay({ way }: PlannedFile): Promise<void> | undefined {
    const { ownership, writer, marks } = this.options
    return way?.clear(ownership, writer, marks)
  }

  private async stream(file: PlannedFile): Promise<void> {
    await this.placeTemporary(file, await this.fillTemporary(file))
  }

  private async fillTemporary(file: PlannedFile): Promise<Filled> {
    const { way } = file
    // What stands where a folder should goes before the folder is made, what has the place itself at the end.
    if (way !== undefined && way.segments.length < file.segments.length) await this.clearWay(file)
    const place = await this.destination(file)
    const { segments } = place
    const { large, token, progress } = await this.open(file, place)
    const filled: Filled = { segments, large, progress, incoming: undefined }
    try {
      this.options.onBytes(progress.bytes)
      const incoming = await this.begin(file, segments, large.temporaryName)
      filled.incoming = incoming
      const found = await this.findInFormers(large, file, incoming)
      await this.fill(large, file, token, progress, found, incoming)
    } catch (error) {
      await this.leaveTemporary(file, filled, error)
      throw error
    }
    return filled
  }

  private async placeTemporary(file: PlannedFile, filled: Filled): Promise<void> {
    const { large, segments, incoming } = filled
    try {
      await this.clearWay(file)
      const mark = await large.commit()
      await incoming?.placed(pathOf(segments))
      this.record(file, segments, mark)
    } catch (error) {
      await this.leaveTemporary(file, filled, error)
      throw error
    }
    await incoming?.end()
    await this.options.partials.forget(file)
  }

  private async leaveTemporary(
    file: PlannedFile,
    { large, progress, incoming }: Filled,
    error: unknown,
  ): Promise<void> {
    this.options.onBytes(-progress.bytes)
    const isLeft = await this.leave(large, file, error)
    await incoming?.end(isLeft ? 'goes-on' : 'over')
  }

  /** Writes what of the content is on this machine already. → lengths of these blocks, by their numbers in the file */
  private async findInFormers(
    large: LargeFile,
    file: PlannedFile,
    incoming: IncomingFile | undefined,
  ): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>()
    const first = file.entry.blob?.blockOffset ?? 0
    await this.options.former.find(file, this.readOf(file.entry, incoming), {
      onComing: index => incoming?.expects(index),
      onHere: async (index, position, bytes) => {
        await incoming?.scatter()
        await large.write(position, bytes)
        await incoming?.written(index, position)
        found.set(index - first, bytes.length)
      },
    })
    return found
  }

  /** @param temporary its name, in the folder of the file */
  private async begin(
    { entry }: PlannedFile,
    segments: readonly string[],
    temporary?: string,
  ): Promise<IncomingFile | undefined> {
    const { copied, folder, storedUpTo } = this.options
    if (entry.size <= storedUpTo) return undefined
    const beside = temporary === undefined ? undefined : pathOf([...segments.slice(0, -1), temporary])
    return copied?.begin(entry, folder, pathOf(segments), beside)
  }

  /** Nobody waits for what was superseded and is gone. What goes into a file needs no room in the store. */
  private readOf(entry: DriveEntry, incoming?: IncomingFile): ReadOptions & { readonly signal: AbortSignal } {
    const { assertRoom = () => {}, ...read } = this.options.read
    const isSuperseded = () => isOther(this.options.share, entry)
    if (incoming === undefined) return { ...read, assertRoom, isSuperseded }
    return { ...read, isSuperseded, onAsk: index => incoming.expects(index) }
  }

  /** Opens the temporary that an earlier run left, if it is known how far that is whole; else a new one. */
  private async open(file: PlannedFile, place: Destination): Promise<Opened> {
    const { writer, partials } = this.options
    const { segments } = place
    const options = { size: file.entry.size, ...placing(file, place) }
    const isKnown = partials.has(file)
    const token = partials.tokenOf(file)
    if (token === undefined)
      return { large: await writer.openLarge(segments, options), token, progress: { bytes: 0, blocks: 0 } }
    const large = await writer.openLarge(segments, { ...options, resumeToken: token })
    if (!isKnown) return { large, token, progress: { bytes: 0, blocks: 0 } }
    try {
      const progress = await this.progressOf(file, large)
      if (progress !== undefined) return { large, token, progress }
    } catch (error) {
      await this.leave(large, file, error)
      throw error
    }
    // Whatever lies there is not ours to write to.
    await large.abort()
    await partials.forget(file)
    return this.open(file, place)
  }

  /** How far a temporary is whole: up to its mark, if the last block before that is what it should be. */
  private async progressOf(file: PlannedFile, large: LargeFile): Promise<Position | undefined> {
    const marked = this.options.partials.progressOf(file, large)
    if (marked === undefined) return undefined
    for await (const block of this.blocksOf(file, marked.blocks - 1, 0)) {
      const start = marked.bytes - block.length
      if (start < 0 || !(await large.read(start, block.length)).equals(block)) return undefined
      large.markPresent(0, marked.bytes)
      return { ...marked }
    }
    return undefined
  }

  /** After a failure: leaves a temporary to whoever continues with it (true), removes any other. */
  private async leave(large: LargeFile, file: PlannedFile, error: unknown): Promise<boolean> {
    const { partials, isEnding } = this.options
    const passes = passing(error) !== undefined
    if (partials.has(file) && (passes || isEnding())) {
      await large.suspend()
      return true
    }
    await large.abort()
    await partials.forget(file)
    return false
  }

  /** Writes block after block; when nobody has the next, waits and continues there. */
  private async fill(
    large: LargeFile,
    file: PlannedFile,
    token: string | undefined,
    progress: Position,
    found: ReadonlyMap<number, number>,
    incoming: IncomingFile | undefined,
  ): Promise<void> {
    const { entry } = file
    const passFound = () => {
      for (let bytes = found.get(progress.blocks); bytes !== undefined; bytes = found.get(progress.blocks)) {
        progress.bytes += bytes
        progress.blocks++
        this.options.onBytes(bytes)
      }
    }
    for (;;) {
      try {
        const { blocks, bytes } = progress
        for await (const block of this.blocksOf(file, blocks, bytes, incoming, at => found.has(at))) {
          passFound()
          if (progress.bytes + block.length > entry.size) throw new PeerfoldError('bad-entry', entry.path)
          await large.write(progress.bytes, block)
          await incoming?.written((entry.blob?.blockOffset ?? 0) + progress.blocks, progress.bytes)
          progress.bytes += block.length
          progress.blocks++
          this.options.onBytes(block.length)
          if (token !== undefined) await this.options.partials.written(file, token, large, progress)
        }
        passFound()
        if (progress.bytes !== entry.size) throw new PeerfoldError('bad-entry', entry.path)
        return
      } catch (error) {
        if (!(error instanceof PeerfoldError) || passing(error) === undefined) throw error
        await this.options.whenOffline(error)
      }
    }
  }

  /** Each holds until the next is asked for. */
  private async *blocksOf(
    file: PlannedFile,
    block: number,
    position: number,
    incoming?: IncomingFile,
    isLeftOut?: (block: number) => boolean,
  ): AsyncGenerator<Buffer> {
    const { share } = this.options
    const { entry } = file
    const read = this.readOf(entry, incoming)
    if (entry.blob?.blockMap) return yield* readMapped(share, entry, position, entry.size - position, read)
    const core = await share.bytesReady(read.signal)
    yield* readBlocks(core, entry, block, read, Decrypter.of(core), isLeftOut)
  }

  private holds(segments: readonly string[], bytes: Buffer): boolean {
    const opened = this.options.writer.openFile(segments)
    if (opened === undefined) return false
    try {
      return opened.mark.size === bytes.length && readFileSync(opened.fd).equals(bytes)
    } finally {
      closeSync(opened.fd)
    }
  }

  private async isSame(file: PlannedFile, segments: readonly string[]): Promise<boolean> {
    const { writer, former } = this.options
    const toProve = writer.openFile(segments)
    const proof =
      toProve === undefined ? 'other' : await former.prove(file.entry, toProve, this.readOf(file.entry))
    if (proof !== 'unknown') return proof === 'same'
    const opened = writer.openFile(segments)
    if (opened === undefined) return false
    try {
      let position = 0
      for await (const block of this.blocksOf(file, 0, 0)) {
        const local = Buffer.allocUnsafe(block.length)
        const { bytesRead } = await readAsync(opened.fd, local, 0, block.length, position)
        if (bytesRead !== block.length || !local.equals(block)) return false
        position += block.length
      }
      return position === file.entry.size
    } finally {
      closeSync(opened.fd)
    }
  }

  /** The local file has the incoming content already: it gets its time and executable bit, and from now on is known. */
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

  private async destination(file: PlannedFile): Promise<Destination> {
    const { rules, writer } = this.options
    const { segments, precondition } = file
    if (!file.conflict) return { segments, precondition }
    const earlier = await this.earlierBeside(file)
    if (earlier !== undefined) return earlier
    const isTaken = (other: readonly string[]) => writer.stat(other) !== undefined
    return { segments: conflictName(segments, new Date(), rules, isTaken), precondition: 'absent' }
  }

  /** What came in before and was laid beside the same file of the user's, if it still is what it was. */
  private async earlierBeside({ path }: PlannedFile): Promise<Destination | undefined> {
    const { replacesConflicts, ownership, writer } = this.options
    const known = ownership.record(path)
    if (!replacesConflicts || known?.conflict === undefined) return undefined
    const { content, path: copy } = known.conflict
    const segments = copy.slice(1).split('/')
    const local = writer.stat(segments)
    if (local?.kind !== 'file') return undefined
    const held = { content, ...(known.hash === undefined ? {} : { hash: known.hash }) }
    const isAsLeft = (await ownership.prove(segments, held)) === 'same'
    return isAsLeft ? { segments, precondition: local } : undefined
  }

  /** @param mark of what was written; undefined for a conflict copy that was there already */
  private record(file: PlannedFile, segments: readonly string[], mark?: FileMark, hash?: Uint8Array): void {
    if (!file.conflict) {
      if (mark !== undefined) this.options.marks.written(file, mark, hash)
      this.options.onPlaced(file)
      return
    }
    const copy = `/${segments.join('/')}`
    this.options.marks.conflict(file, copy, hash)
    this.options.onConflict(file, copy)
  }
}

/** Where a file is written, and what has to be there. */
interface Destination {
  readonly segments: readonly string[]
  readonly precondition: Precondition
}

function placing(
  file: PlannedFile,
  { precondition }: Destination,
): Attributes & { precondition: Precondition; isBlocked?: boolean } {
  return { ...attributesOf(file.entry), precondition, ...(file.way === undefined ? {} : { isBlocked: true }) }
}

function pathOf(segments: readonly string[]): string {
  return `/${segments.join('/')}`
}

function asConflict({ held: _, ...file }: PlannedFile): PlannedFile {
  return { ...file, conflict: true, compare: false }
}
