/**
 * Reading a file that somebody may be writing: nothing torn is ever taken. Its stats are compared before and after;
 * when they differ the file is read again, and left for the next scan when it does not come to rest.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { areFresh } from './freshTimes'

const ATTEMPTS = 3
/** Never through a link; never waiting, as opening a FIFO would: a name may turn into one at any moment. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What tells a file from what it was. */
export interface FileStats {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: number
}

/** How a file looked when it was read. */
export interface NotedStats extends FileStats {
  /** See `PublishedFile`. */
  readonly fresh?: true
}

/** A file that keeps changing while it is read. */
export class FileBusyError extends Error {}

/** A file that holds more or less than its size says, as those that the system makes up when they are read. */
export class UntrueSizeError extends Error {}

export const UNTRUE_SIZE =
  'It holds something else than its size says, as files do that the system makes up when they are read (in /proc, for instance).'

/**
 * All of a small file. Synchronous: for small files the calls are far cheaper than handing them to a thread.
 *
 * @param seen how it looked a moment ago; a file that still looks so when it was read is taken at once
 * @throws FileBusyError, UntrueSizeError
 */
export function readSmallStable(
  path: string,
  limit: number,
  seen?: FileStats,
): { bytes: Buffer; stats: NotedStats } {
  const asSeen = seen === undefined ? undefined : readAsSeen(path, seen)
  if (asSeen !== undefined) return asSeen
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fd = openSync(path, READ)
    try {
      const before = fstatSync(fd)
      if (!before.isFile() || before.size > limit) throw new FileBusyError(path)
      const { bytes, length } = readBytes(fd, before.size)
      const readAt = Date.now()
      const after = fstatSync(fd)
      if (!isSame(after, before)) continue
      if (length !== before.size) throw new UntrueSizeError(path)
      return { bytes, stats: noted(after, readAt) }
    } finally {
      closeSync(fd)
    }
  }
  throw new FileBusyError(path)
}

/** Undefined when it does not look as it did, or cannot be read: a closer look will tell. */
function readAsSeen(path: string, seen: FileStats): { bytes: Buffer; stats: NotedStats } | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, READ)
    const { bytes, length } = readBytes(fd, seen.size)
    const readAt = Date.now()
    const now = fstatSync(fd)
    const isAsSeen = now.isFile() && isSame(now, seen) && length === seen.size
    return isAsSeen ? { bytes, stats: noted(now, readAt) } : undefined
  } catch {
    return undefined // the closer look throws it again
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function isSame(a: FileStats, b: FileStats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino
}

/** @param readAt milliseconds since 1970, before the stats were taken and after the content was read */
function noted({ size, mtimeMs, ctimeMs, ino }: FileStats, readAt: number): NotedStats {
  const isFresh = areFresh({ mtimeMs, ctimeMs }, readAt)
  return { size, mtimeMs, ctimeMs, ino, ...(isFresh ? { fresh: true } : {}) }
}

/** Whether a file that says it is empty holds something all the same. */
export function isFalselyEmpty(path: string): boolean {
  try {
    readSmallStable(path, 0)
    return false
  } catch (error) {
    return error instanceof UntrueSizeError
  }
}

/** `length` is how many bytes there were, as far as `size`. An empty file is asked for one byte more. */
function readBytes(fd: number, size: number): { bytes: Buffer; length: number } {
  if (size === 0) return { bytes: NOTHING, length: fill(Buffer.allocUnsafe(1), fd) }
  const bytes = Buffer.allocUnsafe(size)
  return { bytes, length: fill(bytes, fd) }
}

const NOTHING = Buffer.alloc(0)

/** Answers how many bytes there were, at most as many as have room. */
function fill(bytes: Buffer, fd: number): number {
  let length = 0
  while (length < bytes.length) {
    const read = readSync(fd, bytes, length, bytes.length - length, length)
    if (read === 0) break
    length += read
  }
  return length
}

/** A file opened for reading in order, in pieces of `pieceBytes`; the next piece is read while one is used. */
export class StableReader {
  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
    readonly stats: FileStats,
  ) {}

  static async open(path: string): Promise<StableReader> {
    const handle = await open(path, READ)
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) throw new FileBusyError(path)
      const { size, mtimeMs, ctimeMs, ino } = stats
      return new StableReader(handle, path, { size, mtimeMs, ctimeMs, ino })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * Every byte in order. Throws FileBusyError when the file got shorter.
   *
   * @param prefix bytes of memory in front of each piece that belong to it alone
   */
  async *pieces(pieceBytes: number, prefix = 0): AsyncGenerator<Buffer> {
    let next = this.piece(0, pieceBytes, prefix)
    for (let at = 0; at < this.stats.size; ) {
      const piece = await next
      if (piece.length === 0) throw new FileBusyError(this.path)
      at += piece.length
      next = this.piece(at, pieceBytes, prefix)
      next.catch(() => {}) // rejects again where it is awaited
      yield piece
    }
  }

  /**
   * How the file looks after it was read. Throws FileBusyError when it changed since it was opened.
   *
   * @param mayHaveGrown one that only got longer is taken as it was when it was opened
   */
  async assertUnchanged(mayHaveGrown = false): Promise<NotedStats> {
    const readAt = Date.now()
    const stats = await this.handle.stat()
    if (mayHaveGrown && stats.size > this.stats.size) return noted(this.stats, readAt)
    if (!isSame(stats, this.stats)) throw new FileBusyError(this.path)
    return noted(stats, readAt)
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  private async piece(position: number, pieceBytes: number, prefix: number): Promise<Buffer> {
    const length = Math.min(pieceBytes, this.stats.size - position)
    if (length <= 0) return Buffer.alloc(0)
    const buffer = Buffer.allocUnsafeSlow(prefix + length).subarray(prefix)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.handle.read(buffer, filled, length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }
}
