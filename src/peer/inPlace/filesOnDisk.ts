/** The files of copies as they lie on the disk now, where anybody may change them. */
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOCK_BYTES, pieceAt } from '../drive/format/largeFile'
import type { HolderFile } from '../store/catalog'
import { OpenFiles } from './openFiles'

export class FilesOnDisk {
  private readonly folders = new Map<string, OpenFiles>()

  /** The bytes of a file at the place of one of its blocks. Null when they cannot be read. */
  async read({ folder, path, temporary, size }: HolderFile, block: number): Promise<Buffer | null> {
    const files = this.filesIn(folder)
    const piece = pieceAt(block, size)
    // In this order, since the temporary becomes the file.
    const written = temporary === undefined ? null : await files.read(temporary, undefined, piece)
    const whole = written ?? (await files.read(path, size, piece))
    if (whole !== null) return whole
    files.reopen(path) // another file may lie there by now
    return files.read(path, size, piece)
  }

  /** How many blocks, from its first one on, a file can hold by its length. */
  async extentOf({ folder, path, begun, temporary, scattered, size, blocks }: HolderFile): Promise<number> {
    if (begun === undefined) return (await lengthOf(join(folder, path))) === size ? blocks : 0
    if (scattered !== undefined) return 0
    const length = temporary === undefined ? 0 : ((await lengthOf(join(folder, temporary))) ?? 0)
    return length >= size ? blocks : Math.floor(length / BLOCK_BYTES)
  }

  /**
   * A text that differs after each change of the file that its stat shows; undefined: it has another size, or is
   * gone.
   */
  async stampOf({ folder, path, size }: HolderFile): Promise<string | undefined> {
    const found = await lstat(join(folder, path)).catch(isGone)
    if (found?.isFile() !== true || found.size !== size) return undefined
    return `${found.dev}:${found.ino}:${found.mtimeMs}:${found.ctimeMs}`
  }

  /** Resolves when the file is on the disk. Throws when it is not there, or may not be opened. */
  async sync({ folder, path }: HolderFile): Promise<void> {
    // On Windows only a descriptor that may write can sync.
    const file = await open(join(folder, path), process.platform === 'win32' ? 'r+' : 'r')
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** Opens the file again at the next read, since another one may lie there by now. */
  reopen({ folder, path, temporary }: HolderFile): void {
    const files = this.filesIn(folder)
    files.reopen(path)
    if (temporary !== undefined) files.reopen(temporary)
  }

  /** Closes all files that are not being read. */
  close(): void {
    for (const files of this.folders.values()) files.close()
  }

  private filesIn(folder: string): OpenFiles {
    const known = this.folders.get(folder)
    if (known !== undefined) return known
    const files = new OpenFiles(() => folder)
    this.folders.set(folder, files)
    return files
  }
}

async function lengthOf(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch(isGone)
  return found?.isFile() === true ? found.size : undefined
}

/** The file or its disk is gone, or may not be looked at. It cannot be read then, either. */
function isGone(): undefined {
  return undefined
}
