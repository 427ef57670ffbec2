/**
 * A local file in which pieces of new content are looked for. Anybody may change it meanwhile, so bytes read from
 * it prove nothing. The caller compares them with a hash, in the same memory that they were read into.
 */
import { close, read } from 'node:fs'
import { promisify } from 'node:util'
import type { OpenFile } from '../../disk/fileInPlace'
import { breathe } from '../../time'

const readAsync = promisify(read)
const closeAsync = promisify(close)

/** Bytes that are searched at a time. */
const AT_ONCE = 4 * 1024 * 1024
/** Bytes around the likely place that are searched first. */
const NEAR = 8 * 1024 * 1024
/** Bytes that are searched in total: searching a long file must not take longer than fetching it. */
const MOST_SEARCHED = 256 * 1024 * 1024

export class FormerFile {
  private searched = 0

  constructor(private readonly file: OpenFile) {}

  /** Length in bytes when it was opened. */
  get size(): number {
    return this.file.mark.size
  }

  /** Whether the file reached that far when it was opened. */
  has(position: number, length: number): boolean {
    return position >= 0 && position + length <= this.size
  }

  /** Fills `bytes` from `position` on. False where the file ends before. */
  async read(position: number, bytes: Buffer): Promise<boolean> {
    for (let filled = 0; filled < bytes.length; ) {
      const left = bytes.length - filled
      const { bytesRead } = await readAsync(this.file.fd, bytes, filled, left, position + filled)
      if (bytesRead === 0) return false
      filled += bytesRead
    }
    return true
  }

  /** Where these bytes lie, the surroundings of `near` first; undefined: not found. */
  async find(bytes: Buffer, near: number): Promise<number | undefined> {
    const start = Math.max(0, Math.min(near, this.size) - NEAR)
    const end = Math.min(this.size, near + NEAR)
    return (
      (await this.findBetween(bytes, start, end)) ??
      (await this.findBetween(bytes, end - bytes.length, this.size)) ??
      (await this.findBetween(bytes, 0, start + bytes.length))
    )
  }

  close(): Promise<void> {
    return closeAsync(this.file.fd)
  }

  private async findBetween(bytes: Buffer, start: number, end: number): Promise<number | undefined> {
    let room = Buffer.alloc(0)
    for (let at = Math.max(0, start); at + bytes.length <= end && this.searched < MOST_SEARCHED; ) {
      const length = Math.min(AT_ONCE, end - at)
      if (room.length < length) room = Buffer.allocUnsafeSlow(length)
      const part = room.subarray(0, length)
      if (!(await this.read(at, part))) return undefined
      const found = part.indexOf(bytes)
      if (found !== -1) return at + found
      this.searched += part.length
      at += part.length - bytes.length + 1
      await breathe()
    }
    return undefined
  }
}
