/** Describes write errors for people. */
import { PeerfoldError } from '../../common/errors'
import { toFileError } from '../../common/fileErrors'
import { WriteError } from '../disk/writeErrors'

export function describeWriteError(error: WriteError, folder: string): PeerfoldError {
  switch (error.code) {
    case 'no-space':
      return new PeerfoldError('no-space', folder)
    case 'vanished':
      return new PeerfoldError('target-vanished', folder)
    case 'read-only':
      return new PeerfoldError('disk-read-only', folder)
    default:
      return new PeerfoldError('io-failed', error.message)
  }
}

/** Describes any error of work on one file. @param path of the file, absolute */
export function describeFileTrouble(error: unknown, folder: string, path: string): PeerfoldError {
  return error instanceof WriteError ? describeWriteError(error, folder) : toFileError(error, path)
}
