/** What a command's exit code tells. Scripts rely on these. */
import type { ErrorCode } from '../common/errors'

export const DONE = 0
export const FAILED = 1
/** Wrong usage, or a link that is none. */
export const USAGE = 2
/** Nobody was found who has what was asked for, or nobody is left who has the rest. */
export const NOBODY = 3
/** The copy is done, but entries of the share could not be written here. */
export const INCOMPLETE = 4
export const INTERRUPTED = 130
/** The reader of the output went away before its end, as `head` does. Programs that SIGPIPE ends have this code. */
export const READER_GONE = 141

export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'bad-link':
      return USAGE
    case 'nobody-found':
    case 'stalled':
    case 'offline':
    case 'not-listed':
    case 'version-not-here':
      return NOBODY
    case 'cancelled':
      return INTERRUPTED
    default:
      return FAILED
  }
}
