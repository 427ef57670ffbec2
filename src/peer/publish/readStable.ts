/**
 * Reading a file that somebody may be writing: nothing torn is ever taken. Its stats are compared before and after;
 * when they differ the file is read again, and left for the next scan when it does not come to rest.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const ATTEMPTS = 3
/** Never through a link; never waiting, as opening a FIFO would: a name may turn into one at any moment. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** How a file looked when it was read. */
export interface FileStats {
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
}

/** A file that keeps changing while it is read. */
export class FileBusyError extends Error {}

/**
 * All of a small file. Synchronous: for small files the calls are far cheaper than handing them to a thread.
 *
 * @param seen how it looked a moment ago; a file that still looks so when it was read is taken at once
 */
export function readSmallStable(
  path: string,
  limit: number,
  seen: FileStats,
): { bytes: Buffer; stats: FileStats } {
  const bytes = readAsSeen(path, seen)
  if (bytes !== undefined) return { bytes, stats: { size: seen.size, mtimeMs: seen.mtimeMs, ino: seen.ino } }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fd = openSync(path, READ)
    try {
      const before = fstatSync(fd)
      if (!before.isFile() || before.size > limit) throw new FileBusyError(path)
      const bytes = Buffer.allocUnsafe(before.size)
      const length = fill(bytes, fd)
      const after = fstatSync(fd)
      if (length === before.size && after.size === before.size && after.mtimeMs === before.mtimeMs) {
        return { bytes, stats: { size: after.size, mtimeMs: after.mtimeMs, ino: after.ino } }
      }
    } finally {
      closeSync(fd)
    }
  }
  throw new FileBusyError(path)
}

/** Undefined when it does not look as it did, or cannot be read: a closer look will tell. */
function readAsSeen(path: string, { size, mtimeMs, ino }: FileStats): Buffer | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, READ)
    const bytes = Buffer.allocUnsafe(size)
    const length = fill(bytes, fd)
    const now = fstatSync(fd)
    const isSame = now.isFile() && now.size === size && now.mtimeMs === mtimeMs && now.ino === ino
    return isSame && length === size ? bytes : undefined
  } catch {
    return undefined // the closer look throws it again
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

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
      const { size, mtimeMs, ino } = stats
      return new StableReader(handle, path, { size, mtimeMs, ino })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * Every byte in order. Throws FileBusyError when the file got shorter.
   *
   * @param room bytes in front of each piece in its memory, which is nobody else's
   */
  async *pieces(pieceBytes: number, room = 0): AsyncGenerator<Buffer> {
    let next = this.piece(0, pieceBytes, room)
    for (let at = 0; at < this.stats.size; ) {
      const piece = await next
      if (piece.length === 0) throw new FileBusyError(this.path)
      at += piece.length
      next = this.piece(at, pieceBytes, room)
      next.catch(() => {}) // rejects again where it is awaited
      yield piece
    }
  }

  /** Throws FileBusyError when the file changed since it was opened. */
  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.handle.stat()
    if (size !== this.stats.size || mtimeMs !== this.stats.mtimeMs) throw new FileBusyError(this.path)
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  private async piece(position: number, pieceBytes: number, room: number): Promise<Buffer> {
    const length = Math.min(pieceBytes, this.stats.size - position)
    if (length <= 0) return Buffer.alloc(0)
    const buffer = Buffer.allocUnsafeSlow(room + length).subarray(room)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.handle.read(buffer, filled, length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }
}
