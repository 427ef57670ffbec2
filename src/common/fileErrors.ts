/**
 * What a file system says, as errors for people. Each gives the advice that helps. Trying again helps with few of them.
 * It never helps when the cause is the name, something that has the place already, or how the disk is mounted.
 */
import { type ErrorCode, PeerfoldError } from './errors'

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'target-read-only',
  EPERM: 'target-read-only',
  EROFS: 'disk-read-only',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  ENOENT: 'target-vanished',
  ENAMETOOLONG: 'name-too-long',
  EINVAL: 'name-refused',
  EILSEQ: 'name-refused',
  ELOOP: 'link-loop',
  EISDIR: 'is-a-folder-here',
  EEXIST: 'file-in-the-way',
  ENOTDIR: 'file-in-the-way',
}

/**
 * @param error anything thrown; the code (`EROFS`) may be that of its cause
 * @param path what could not be made or written, when the error does not say
 */
export function toFileError(error: unknown, path?: string): PeerfoldError {
  if (error instanceof PeerfoldError) return error
  const known = BY_CODE[knownCode(error) ?? '']
  if (known !== undefined) return new PeerfoldError(known, path ?? pathOf(error) ?? '')
  return new PeerfoldError('io-failed', error instanceof Error ? error.message : String(error))
}

/** The code that an error carries: of a call of the system (`ENOENT`) or of a package. Undefined for anything else thrown. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function knownCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = systemCode(error)
  return code !== undefined && code in BY_CODE ? code : knownCode(error.cause)
}

function pathOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return 'path' in error && typeof error.path === 'string' ? error.path : pathOf(error.cause)
}
