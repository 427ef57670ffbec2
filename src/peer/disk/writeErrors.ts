/**
 * Errors of writing under a user's folder, as one type. Its code says what to do: skip the entry, write a conflict
 * copy, or pause the transfer until the cause is gone.
 */
import { systemCode } from '../../common/fileErrors'

export type WriteErrorCode =
  /** A folder on the way is a link, or was swapped for one. Skip. */
  | 'outside'
  /** Something else has the place of the file or folder: a folder, link or special file, or a file. Skip. */
  | 'exists'
  /** A folder that holds more than the copy made has the place of a file or link. Skip. */
  | 'kept-folder'
  /** The file there is not the one that was expected: the user changed it. Write a conflict copy. */
  | 'changed'
  /** The file system does not take this name. Skip. */
  | 'name'
  /** The bytes do not have the announced length. Skip. */
  | 'length'
  /** Pause, and retry when there is room. */
  | 'no-space'
  | 'read-only'
  /** The target folder itself is gone. Pause. */
  | 'vanished'
  /** Another program holds the file open, or its folder keeps moving. Retry. */
  | 'busy'
  | 'too-many-files'
  | 'permission'
  | 'io'

const SENTENCES: Readonly<Record<WriteErrorCode, string>> = {
  outside: 'A folder on its way is a link that leads elsewhere.',
  exists: 'Something that is not a file of this copy has its place.',
  'kept-folder': 'A folder with things of yours has its place.',
  changed: 'The file there was changed on this machine.',
  name: 'This file system does not take its name.',
  length: 'It is not as long as the share says.',
  'no-space': 'The disk is full.',
  'read-only': 'The disk is read-only.',
  vanished: 'The target folder is gone.',
  busy: 'Another program is using it.',
  'too-many-files': 'Too many files are open.',
  permission: 'Writing it is not permitted.',
  io: 'Writing failed.',
}

export class WriteError extends Error {
  override readonly name = 'WriteError'

  constructor(
    readonly code: WriteErrorCode,
    /** Path inside the target folder, components separated by '/'; empty: the target folder itself. */
    readonly path: string,
    options?: { readonly detail?: string; readonly cause?: unknown },
  ) {
    super(SENTENCES[code] + (options?.detail ? ` (${options.detail})` : ''), { cause: options?.cause })
  }
}

/** Whether the cause lies with the disk or folder and not with one entry: the whole transfer pauses and retries. */
export function pausesTransfer(error: WriteError): boolean {
  return ['no-space', 'read-only', 'vanished', 'too-many-files'].includes(error.code)
}

const CODES: Readonly<Record<string, WriteErrorCode>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EROFS: 'read-only',
  EBUSY: 'busy',
  ETXTBSY: 'busy',
  EAGAIN: 'busy',
  // The folder was there a moment ago. The writer checks for a vanished root before it asks this table.
  ENOENT: 'busy',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
  EACCES: 'permission',
  EPERM: 'permission',
  ELOOP: 'outside',
  ENOTDIR: 'exists',
  EISDIR: 'exists',
  EEXIST: 'exists',
  ENAMETOOLONG: 'name',
  EILSEQ: 'name',
  EINVAL: 'name',
}

/** Any thrown value as a WriteError. */
export function toWriteError(error: unknown, path: string): WriteError {
  if (error instanceof WriteError) return error
  const system = systemCode(error)
  return new WriteError((system && CODES[system]) || 'io', path, {
    detail: system ?? String(error),
    cause: error,
  })
}
