/**
 * Large files are written to a temporary in the folder where they will lie, block after block, beginning with the
 * blocks that are on this machine already. When the copy ends early, a temporary that has a token is left there,
 * and the next run continues in it (partialFiles.ts). Any other is removed.
 */
import { PeerfoldError } from '../../common/errors'
import type { LargeFile, SafeWriter } from '../disk/writer'
import { passing } from '../drive/absentBytes'
import type { IncomingFile } from '../inPlace/incomingFile'
import type { FileBytes } from './fileBytes'
import type { PartialFiles } from './partialFiles'
import { type Destination, type PlannedFile, placing } from './planned'

export interface TemporariesOptions {
  readonly writer: SafeWriter
  readonly partials: PartialFiles
  /** The process ends. Unfinished work continues in the next one. */
  readonly isEnding: () => boolean
  /** Bytes of the file that are done; negative when they have to be done again. */
  readonly onBytes: (bytes: number) => void
  /** Waits until reading may succeed again. Throws when the file should not be retried now. */
  readonly whenOffline: (error: PeerfoldError) => Promise<void>
}

/** A temporary that holds all of a file. */
export interface FilledTemporary {
  readonly file: PlannedFile
  /** Where it will lie. */
  readonly segments: readonly string[]
  readonly large: LargeFile
  readonly incoming: IncomingFile | undefined
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

export class Temporaries {
  constructor(
    private readonly options: TemporariesOptions,
    private readonly bytes: FileBytes,
  ) {}

  /** Waits where nobody has the next block. Throws WriteError, or PeerfoldError (`bad-entry`, `cancelled`). */
  async fill(file: PlannedFile, place: Destination): Promise<FilledTemporary> {
    const { segments } = place
    const opened = await this.open(file, place)
    const { large, progress } = opened
    let incoming: IncomingFile | undefined
    try {
      this.options.onBytes(progress.bytes)
      incoming = await this.bytes.begin(file, segments, large.temporaryName)
      const found = await this.findHere(large, file, incoming)
      await this.writeBlocks(file, opened, found, incoming)
      await large.finish()
      return { file, segments, large, incoming }
    } catch (error) {
      await this.leave(file, large, progress.bytes, incoming, error)
      throw error
    }
  }

  /** Removes a temporary that is not placed, or leaves it to the next run. */
  async drop({ file, large, incoming }: FilledTemporary, error: unknown): Promise<void> {
    await this.leave(file, large, file.entry.size, incoming, error)
  }

  /** The temporary became the file. */
  async placed({ file, incoming }: FilledTemporary): Promise<void> {
    await incoming?.end()
    await this.options.partials.forget(file)
  }

  /** @param bytes in the temporary, which do not count as done any more */
  private async leave(
    file: PlannedFile,
    large: LargeFile,
    bytes: number,
    incoming: IncomingFile | undefined,
    error: unknown,
  ): Promise<void> {
    this.options.onBytes(-bytes)
    const isLeft = await this.suspendOrRemove(large, file, error)
    await incoming?.end(isLeft ? 'goes-on' : 'over')
  }

  /** After a failure: leaves a temporary that a later run can continue (true), removes any other (false). */
  private async suspendOrRemove(large: LargeFile, file: PlannedFile, error: unknown): Promise<boolean> {
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

  /** Opens the temporary that an earlier run left, if it is known how far it is whole; else a new one. */
  private async open(file: PlannedFile, place: Destination): Promise<Opened> {
    const { writer, partials } = this.options
    const { segments } = place
    const options = { size: file.entry.size, ...placing(file, place) }
    const isKnown = partials.has(file)
    const token = partials.tokenOf(file)
    if (token === undefined)
      return { large: await writer.openLarge(segments, options), token, progress: { bytes: 0, blocks: 0 } }
    const large = await writer.openLarge(segments, { ...options, resumeToken: token })
    try {
      if (!isKnown) {
        await partials.begun(file, token, large)
        return { large, token, progress: { bytes: 0, blocks: 0 } }
      }
      const progress = await this.progressOf(file, large)
      if (progress !== undefined) return { large, token, progress }
    } catch (error) {
      await this.suspendOrRemove(large, file, error)
      throw error
    }
    // The file there is not ours to write to.
    await large.abort()
    await partials.forget(file)
    return this.open(file, place)
  }

  /** How far a temporary is whole: up to its note, if the last block before that is right. */
  private async progressOf(file: PlannedFile, large: LargeFile): Promise<Position | undefined> {
    const marked = this.options.partials.progressOf(file, large)
    if (marked === undefined) return undefined
    for await (const block of this.bytes.blocks(file, marked.blocks - 1)) {
      const start = marked.bytes - block.length
      if (start < 0 || !(await large.read(start, block.length)).equals(block)) return undefined
      large.markPresent(0, marked.bytes)
      return { ...marked }
    }
    return undefined
  }

  /** Writes the blocks that are on this machine already. → their lengths, by their numbers in the file */
  private async findHere(
    large: LargeFile,
    file: PlannedFile,
    incoming: IncomingFile | undefined,
  ): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>()
    const first = file.entry.blob?.blockOffset ?? 0
    await this.bytes.find(file, incoming, async (index, position, bytes) => {
      await incoming?.scatter()
      await large.write(position, bytes)
      await incoming?.written(index, position)
      found.set(index - first, bytes.length)
    })
    return found
  }

  /** Writes block after block. When nobody has the next one, waits and continues there. */
  private async writeBlocks(
    file: PlannedFile,
    { large, token, progress }: Opened,
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
        for await (const block of this.bytes.blocks(file, blocks, bytes, incoming, at => found.has(at))) {
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
}
