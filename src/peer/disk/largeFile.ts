/**
 * One large file on its way to the disk. It is written into a temporary beside its final name, at any position, in
 * any order, several writes at once. It gets its name when every announced byte is there. A temporary with a resume
 * token keeps its name over restarts, so that a copy that was killed continues where it stopped.
 */
import { close, fdatasync, fstatSync, ftruncateSync, read, type Stats, unlinkSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { systemCode } from '../../common/fileErrors'
import { setExecutable } from './fileInPlace'
import type { Folders } from './folders'
import { piecesToWrite } from './holes'
import { type FileMark, giveName, markOf, type Place } from './placing'
import { Ranges } from './ranges'
import { retrying } from './retrying'
import { releaseTemporary } from './temporary'
import { type LargeFileOptions, type OpenTemporary, setTime } from './temporaryFile'
import { toWriteError, WriteError } from './writeErrors'

const writeAsync = promisify(write)
const readAsync = promisify(read)
const syncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

export class LargeFile {
  readonly #folders: Folders
  readonly #temporary: OpenTemporary
  readonly #options: LargeFileOptions
  readonly #retryDelaysMs: readonly number[]
  readonly #onEnd: (file: LargeFile) => void
  readonly #present = new Ranges()
  readonly #inFlight = new Set<Promise<unknown>>()
  #hasHoles = false
  #state: 'writing' | 'written' | 'ended' = 'writing'
  #stats: Stats | undefined

  constructor(
    folders: Folders,
    temporary: OpenTemporary,
    options: LargeFileOptions,
    retryDelaysMs: readonly number[],
    onEnd: (file: LargeFile) => void,
  ) {
    this.#folders = folders
    this.#temporary = temporary
    this.#options = options
    this.#retryDelaysMs = retryDelaysMs
    this.#onEnd = onEnd
    folders.pin(temporary.place.folder)
  }

  /**
   * Length (bytes) of the temporary as an earlier run left it. The caller has to know or check which of these bytes
   * are right.
   */
  get resumedSize(): number {
    return this.#temporary.resumedSize
  }

  /** Tells the temporary from any other file: its inode, and when it was made (milliseconds since 1970). */
  get identity(): { readonly ino: number; readonly birthtimeMs: number } {
    return this.#temporary
  }

  /** Name of the temporary, in the folder of the file. */
  get temporaryName(): string {
    return this.#temporary.name
  }

  /** Whether the temporary is left for another run: it has a resume token. */
  get resumable(): boolean {
    return this.#options.resumeToken !== undefined
  }

  /** Bytes that were written by this run or marked present. */
  get bytes(): number {
    return this.#present.bytes
  }

  /**
   * Marks the bytes from `start` to `end` (exclusive) of a resumed temporary as right.
   * @throws WriteError 'length' when the temporary is not that long
   */
  markPresent(start: number, end: number): void {
    if (start < 0 || end > this.#temporary.resumedSize) throw this.#error('length')
    this.#present.add(start, end)
  }

  /** Reads from the temporary, to check a resumed one. @returns fewer bytes at its end */
  async read(position: number, length: number): Promise<Buffer> {
    this.#checkWriting()
    const buffer = Buffer.allocUnsafe(length)
    const { bytesRead } = await this.#track(readAsync(this.#temporary.fd, buffer, 0, length, position))
    return buffer.subarray(0, bytesRead)
  }

  /**
   * Writes `bytes` at `position`. Any order, several at once. After an error the file is as usable as before.
   * @throws WriteError 'length' beyond the announced size, 'no-space' and whatever the disk says
   */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.#checkWriting()
    const end = position + bytes.length
    if (!Number.isSafeInteger(position) || position < 0 || end > this.#options.size)
      throw this.#error('length')
    try {
      await this.#track(this.#writeAll(position, bytes))
    } catch (error) {
      throw toWriteError(error, this.#temporary.place.path)
    }
    this.#present.add(position, end)
    this.#reach()
  }

  /**
   * Closes the descriptor of a file that is whole. It can be committed, suspended or aborted at any time later.
   * @throws WriteError 'length' when bytes are missing
   */
  async finish(): Promise<void> {
    if (this.#state === 'writing') await this.#finishWriting()
  }

  /**
   * Gives the file its final name, or with `name` another one in the same folder, which must then be free.
   * Can be called again after an error, for instance with a conflict name after 'changed'.
   * @throws WriteError 'length' when bytes are missing, 'changed', 'exists', 'busy'
   */
  async commit(name?: string): Promise<FileMark> {
    await this.finish()
    const stats = this.#stats
    if (this.#state !== 'written' || !stats) throw new Error('This file was committed or aborted already')
    const { place } = this.#temporary
    const target = name === undefined ? place : renamed(place, name)
    const expected = name === undefined ? this.#options.precondition : 'absent'
    const mark = await retrying(this.#retryDelaysMs, target.path, () => {
      // The writer, and the folder with it, may have been closed between two tries.
      if (this.#state === 'ended') throw new WriteError('vanished', target.path)
      return giveName(this.#folders, this.#temporary.name, target, expected, markOf(stats))
    })
    this.#end()
    return mark
  }

  /** Gives up and removes the temporary. */
  async abort(): Promise<void> {
    if (this.#state === 'ended') return
    await this.#closeFile()
    try {
      unlinkSync(this.#temporary.place.folder.prefix + this.#temporary.name)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toWriteError(error, this.#temporary.place.path)
    } finally {
      this.#end()
    }
  }

  /** Resolves when all bytes written so far are on the disk. */
  async sync(): Promise<void> {
    this.#checkWriting()
    await this.#track(syncAsync(this.#temporary.fd))
  }

  /** Stops, and leaves the temporary to a later run with the same token. Does not wait for the disk. */
  async suspend(): Promise<void> {
    if (this.#state === 'ended') return
    try {
      await this.#closeFile()
    } finally {
      this.#end()
    }
  }

  async #finishWriting(): Promise<void> {
    await this.#settleWrites()
    const { fd, place } = this.#temporary
    const { size, executable, mtimeMs } = this.#options
    if (!this.#present.covers(size) || fstatSync(fd).size !== size) throw this.#error('length')
    try {
      // A continued temporary may have been made for a version with the other executable bit.
      setExecutable(fd, executable)
      if (mtimeMs !== undefined) setTime(fd, mtimeMs)
      this.#stats = fstatSync(fd)
    } catch (error) {
      throw toWriteError(error, place.path)
    }
    await this.#closeFile()
    this.#state = 'written'
  }

  /** Leaves out zeros beyond the resumed length: unwritten parts of a file read as zeros. */
  async #writeAll(position: number, bytes: Uint8Array): Promise<void> {
    const { fd, resumedSize } = this.#temporary
    const pieces = position < resumedSize ? [{ start: 0, end: bytes.length }] : piecesToWrite(bytes)
    for (const { start, end } of pieces) {
      for (let at = start; at < end; ) {
        const { bytesWritten } = await writeAsync(fd, bytes, at, end - at, position + at)
        at += bytesWritten
      }
    }
    if ((pieces.at(-1)?.end ?? 0) < bytes.length) this.#hasHoles = true
  }

  /** Extends a file that ends in a hole to its written length. Only while no write is on its way. */
  #reach(): void {
    if (!this.#hasHoles || this.#inFlight.size > 0) return
    const { fd } = this.#temporary
    if (fstatSync(fd).size < this.#present.end) ftruncateSync(fd, this.#present.end)
  }

  /** Keeps the descriptor open while a write is on its way: its number could be given to another file. */
  async #track<T>(work: Promise<T>): Promise<T> {
    this.#inFlight.add(work)
    try {
      return await work
    } finally {
      this.#inFlight.delete(work)
    }
  }

  async #settleWrites(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
  }

  async #closeFile(): Promise<void> {
    if (this.#state !== 'writing') return
    this.#state = 'written'
    await this.#settleWrites()
    await closeAsync(this.#temporary.fd)
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    releaseTemporary(this.#temporary.name)
    this.#folders.unpin(this.#temporary.place.folder)
    this.#onEnd(this)
  }

  #checkWriting(): void {
    if (this.#state !== 'writing') throw new Error('This file is not open for writing any more')
  }

  #error(code: 'length'): WriteError {
    return new WriteError(code, this.#temporary.place.path)
  }
}

function renamed(place: Place, name: string): Place {
  const parent = place.path.slice(0, place.path.lastIndexOf('/') + 1)
  return { folder: place.folder, name, path: parent + name }
}
