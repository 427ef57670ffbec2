/** The files of copies as they lie on the disk now, where anybody may change them. */
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOCK_BYTES, pieceAt } from '../drive/format/largeFile'
import type { HolderFile } from '../store/catalog'
import { OpenFiles } from './openFiles'

export class FilesOnDisk {
  private readonly folders = new Map<string, OpenFiles>()

  /** What a file has in the place of one of its blocks. Null when that cannot be read. */
  async read({ folder, path, temporary, size }: HolderFile, block: number): Promise<Buffer | null> {
    const files = this.filesIn(folder)
    const piece = pieceAt(block, size)
    // In this order, since the one becomes the other.
    const written = temporary === undefined ? null : await files.read(temporary, undefined, piece)
    const whole = written ?? (await files.read(path, size, piece))
    if (whole !== null) return whole
    files.reopen(path) // another file may have come to lie there
    return files.read(path, size, piece)
  }

  /** How many blocks a file can hold by its length, from its first one on. */
  async extentOf({ folder, path, begun, temporary, scattered, size, blocks }: HolderFile): Promise<number> {
    if (begun === undefined) return (await lengthOf(join(folder, path))) === size ? blocks : 0
    if (scattered !== undefined) return 0
    const length = temporary === undefined ? 0 : ((await lengthOf(join(folder, temporary))) ?? 0)
    return length >= size ? blocks : Math.floor(length / BLOCK_BYTES)
  }

  /** A text that is another one after a change of the file, as far as its stat shows it; undefined: it has another size. */
  async stampOf({ folder, path, size }: HolderFile): Promise<string | undefined> {
    const found = await lstat(join(folder, path)).catch(isGone)
    if (found?.isFile() !== true || found.size !== size) return undefined
    return `${found.dev}:${found.ino}:${found.mtimeMs}:${found.ctimeMs}`
  }

  /** Resolves when the file is on the disk. Throws when it is not there, or may not be opened. */
  async sync({ folder, path }: HolderFile): Promise<void> {
    // Windows lets only those wait who may write.
    const file = await open(join(folder, path), process.platform === 'win32' ? 'r+' : 'r')
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** Opens a file again for the next read, since it may be another one by now. */
  reopen({ folder, path, temporary }: HolderFile): void {
    const files = this.filesIn(folder)
    files.reopen(path)
    if (temporary !== undefined) files.reopen(temporary)
  }

  /** Nothing is open afterwards but what is being read. */
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

/** Or its disk is, or nobody may look: it cannot be read either. */
function isGone(): undefined {
  return undefined
}
