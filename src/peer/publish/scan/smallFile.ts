/**
 * Reads a small regular file, or the head of a larger one, without ever waiting on it.
 *
 * Opening a FIFO blocks until somebody writes, and a name may turn into one between the look and the open: so the
 * file is opened non-blocking, and looked at through the open handle.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { systemCode } from '../../../common/fileErrors'

/** The errno code of a failed file system call, such as `ENOENT`. */
export function errorCode(error: unknown): string {
  return systemCode(error) ?? 'unknown'
}

export type SmallFile =
  | { readonly kind: 'content'; readonly bytes: Buffer; readonly complete: boolean }
  /** No such file, or not a regular file. */
  | { readonly kind: 'absent' }
  /** `why` is an errno code such as EACCES. */
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Reads at most `limit` bytes. `complete` says whether that was all.
 *
 * @param options.follow whether a link may be followed to the file; default no (a link is then `absent`)
 */
export function readSmallFile(path: string, limit: number, options: { follow?: boolean } = {}): SmallFile {
  // Windows knows neither flag: there they are undefined, and links to files are rare.
  const noFollow = options.follow ? 0 : (constants.O_NOFOLLOW ?? 0)
  let handle: number
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | noFollow)
  } catch (error) {
    const code = errorCode(error)
    const absent = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(code)
    return absent ? { kind: 'absent' } : { kind: 'unreadable', why: code }
  }
  try {
    const stats = fstatSync(handle)
    if (!stats.isFile()) return { kind: 'absent' }
    const { size } = stats
    const bytes = Buffer.allocUnsafe(Math.min(size, limit))
    let read = 0
    while (read < bytes.length) {
      const got = readSync(handle, bytes, read, bytes.length - read, read)
      if (got === 0) break
      read += got
    }
    return { kind: 'content', bytes: bytes.subarray(0, read), complete: size <= limit }
  } catch (error) {
    return { kind: 'unreadable', why: errorCode(error) }
  } finally {
    closeSync(handle)
  }
}
