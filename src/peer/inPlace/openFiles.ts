/**
 * Reads pieces of files in a folder that anybody may change meanwhile. The bytes prove nothing: the caller compares
 * them with a hash.
 *
 * - Only regular files are read, never through a link, not even one in place of a folder on the way. Nothing
 *   blocks, as opening a FIFO would. (Whoever swaps a folder for a link in between gains nothing: other bytes have
 *   another hash.)
 * - A file stays open while it is read again and again, and a moment longer. After that it can be deleted on every
 *   system, and its disk can be unmounted.
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { join } from 'node:path'

const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** How long a file stays open after the last read (milliseconds). */
const OPEN_FOR = 500
/** Files that are open at a time. */
const MAX_OPEN = 16

/** In bytes. */
export interface PieceOfFile {
  readonly position: number
  readonly length: number
}

interface OpenHandle {
  readonly handle: Promise<FileHandle>
  reads: number
  closing: NodeJS.Timeout | undefined
}

export class OpenFiles {
  private readonly files = new Map<string, OpenHandle>()

  /** @param root the current path of the folder; absolute */
  constructor(private readonly root: () => string) {}

  /**
   * A piece of a file. Null when there is no such file, it has another size, or it cannot be read.
   *
   * @param path inside the folder, beginning with '/'
   * @param size of the whole file, in bytes; undefined: it is still being written
   */
  async read(
    path: string,
    size: number | undefined,
    { position, length }: PieceOfFile,
  ): Promise<Buffer | null> {
    const file = this.open(path)
    file.reads++
    try {
      const handle = await file.handle
      const stats = await handle.stat()
      if (!stats.isFile() || (size !== undefined && stats.size !== size)) {
        this.forget(path, file)
        return null
      }
      const bytes = Buffer.allocUnsafeSlow(length)
      for (let filled = 0; filled < length; ) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
        if (bytesRead === 0) return null
        filled += bytesRead
      }
      return bytes
    } catch {
      this.forget(path, file)
      return null // the next look at the file finds the cause
    } finally {
      file.reads--
      this.closeLater(path, file)
    }
  }

  /** Opens the file again at the next read, since another one may lie there by now. */
  reopen(path: string): void {
    const file = this.files.get(path)
    if (file !== undefined) this.forget(path, file)
  }

  /** Closes all files that are not being read. */
  close(): void {
    for (const [path, file] of this.files) this.forget(path, file)
  }

  private open(path: string): OpenHandle {
    const known = this.files.get(path)
    if (known !== undefined) {
      clearTimeout(known.closing)
      return known
    }
    for (const [other, file] of this.files) {
      if (this.files.size < MAX_OPEN) break
      if (file.reads === 0) this.forget(other, file)
    }
    const file: OpenHandle = { handle: openInside(this.root(), path), reads: 0, closing: undefined }
    file.handle.catch(() => {}) // rejects again where it is read
    this.files.set(path, file)
    return file
  }

  private closeLater(path: string, file: OpenHandle): void {
    if (file.reads > 0) return
    if (this.files.get(path) !== file) void close(file)
    else file.closing = setTimeout(() => this.forget(path, file), OPEN_FOR).unref()
  }

  private forget(path: string, file: OpenHandle): void {
    clearTimeout(file.closing)
    if (this.files.get(path) === file) this.files.delete(path)
    if (file.reads === 0) void close(file)
  }
}

/** Opens a regular file of a folder, never through a link. Throws where there is none. */
export async function openInside(root: string, path: string): Promise<FileHandle> {
  let folder = root
  const names = path.slice(1).split('/')
  for (const name of names.slice(0, -1)) {
    folder = join(folder, name)
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${path} lies behind a link`)
  }
  const file = join(root, path)
  // On Windows a file cannot be opened on condition that it is not a link.
  if (!(await lstat(file)).isFile()) throw new Error(`${path} is no regular file`)
  return open(file, READ)
}

async function close({ handle }: OpenHandle): Promise<void> {
  await handle.then(
    opened => opened.close(),
    () => {}, // it was never open
  )
}
