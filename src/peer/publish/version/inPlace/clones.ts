/**
 * Clones of large files, where the file system makes them (APFS, Btrfs, XFS): a second file that shares its bytes with
 * the first until one of them changes, so it costs nothing. They keep former versions of a share's large files, which
 * are not in the store.
 *
 * A clone is named by its first block and its size, and nothing else is noted of it. Each block is compared with its
 * hash before it is used. A clone that a kill left half-made is too short, and is made again.
 */
import { constants, readdirSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../../../common/fileErrors'
import { BLOCK_BYTES } from '../../../drive/format/largeFile'
import { openInside } from '../../../inPlace/openFiles'
import type { SharedLargeFile } from './largeFiles'

/** A clone, as the blocks that it has. */
export interface Clone {
  readonly first: number
  /** Bytes. */
  readonly size: number
  readonly blocks: number
}

/** Errors of one file, or of one moment. With any other, the disk makes no clones. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'ENOENT', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'EBUSY'])

export class Clones {
  private readonly clones = new Map<number, Clone>()
  private isPossible = process.platform !== 'win32'

  /**
   * @param folder of the clones of one share; it is made with the first
   * @param root the shared folder, as it is now
   * @param isWanted whether former versions of large files are to be kept here
   */
  constructor(
    private readonly folder: string,
    private readonly root: () => string,
    private readonly isWanted: () => boolean,
  ) {
    for (const name of namesIn(folder)) {
      const [first = -1, size = -1] = name.split('-').map(Number)
      if (statSync(join(folder, name), { throwIfNoEntry: false })?.size === size) this.note(first, size)
    }
  }

  /** Makes clones of files that have none, as far as the files are there and the disk makes clones. */
  async make(files: Iterable<SharedLargeFile>, signal: AbortSignal): Promise<void> {
    for (const { path, first, size } of files) {
      if (!this.isPossible || !this.isWanted() || signal.aborted) return
      const known = this.clones.get(first)
      if (known?.size === size) continue
      try {
        if (await this.clone(path, first, size)) this.note(first, size)
      } catch (error) {
        await rm(this.pathOf({ first, size }), { force: true }).catch(() => {}) // what stays is too short to count
        const code = systemCode(error)
        this.isPossible = code === undefined || PASSING.has(code)
      }
    }
  }

  /** The clone that has a block. */
  having(index: number): Clone | undefined {
    let found: Clone | undefined
    for (const clone of this.clones.values())
      if (clone.first <= index && index < clone.first + clone.blocks) found = clone
    return found
  }

  has(first: number): boolean {
    return this.clones.has(first)
  }

  /** Bytes of a block. Null where they cannot be read. */
  async read(index: number): Promise<Uint8Array | null> {
    const clone = this.having(index)
    if (clone === undefined) return null
    const position = (index - clone.first) * BLOCK_BYTES
    const bytes = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, clone.size - position))
    try {
      const handle = await open(this.pathOf(clone), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
      try {
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, position)
        return bytesRead === bytes.length ? bytes : null
      } finally {
        await handle.close()
      }
    } catch {
      return null // whoever asked finds out that it is not here
    }
  }

  /** Removes clones that nobody needs. */
  async keepOnly(isNeeded: (clone: Clone) => boolean): Promise<void> {
    for (const clone of [...this.clones.values()]) if (!isNeeded(clone)) await this.remove(clone)
  }

  async remove(clone: Clone): Promise<void> {
    this.clones.delete(clone.first)
    await rm(this.pathOf(clone), { force: true })
  }

  async removeAll(): Promise<void> {
    this.clones.clear()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** False: the file is another one by now. */
  private async clone(path: SharedLargeFile['path'], first: number, size: number): Promise<boolean> {
    const handle = await openInside(this.root(), path)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size !== size) return false
      await mkdir(this.folder, { recursive: true, mode: 0o700 })
      const target = this.pathOf({ first, size })
      await rm(target, { force: true })
      // The very file that was looked at, where the system can name it.
      const source =
        process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : join(this.root(), path.slice(1))
      await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE)
      await chmod(target, 0o600)
      return true
    } finally {
      await handle.close()
    }
  }

  private note(first: number, size: number): void {
    this.clones.set(first, { first, size, blocks: Math.ceil(size / BLOCK_BYTES) })
  }

  private pathOf({ first, size }: Pick<Clone, 'first' | 'size'>): string {
    return join(this.folder, `${first}-${size}`)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // there was none yet
  }
}
