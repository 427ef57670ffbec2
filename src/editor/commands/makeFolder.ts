/** Makes the folder that a copy goes into, with a reason for people where that cannot be done. */
import { mkdir } from 'node:fs/promises'
import { type ErrorCode, PeerfoldError } from '../../common/errors'

/** @param folder absolute; folders above it are made too. Throws `PeerfoldError`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const known = REASONS[code]
    if (known !== undefined) throw new PeerfoldError(known, folder)
    throw new PeerfoldError('io-failed', error instanceof Error ? error.message : String(error))
  }
}

const REASONS: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'target-read-only',
  EPERM: 'target-read-only',
  EROFS: 'target-read-only',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  // A file has the place of the folder, or of one above it.
  EEXIST: 'not-a-folder',
  ENOTDIR: 'not-a-folder',
}
