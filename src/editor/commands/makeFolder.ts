/** Makes the folder that a copy goes into, with a reason for people where that cannot be done. */
import { mkdir } from 'node:fs/promises'
import { toFileError } from '../../common/fileErrors'

/** @param folder absolute; folders above it are made too. Throws `PeerfoldError`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw toFileError(error, folder)
  }
}
