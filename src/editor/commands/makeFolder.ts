/** Makes the folder that a copy goes into, with a reason for people where that cannot be done. */
import { toFileError } from '../../common/fileErrors'
import { makeFolders } from '../../wire/makeFolders'

/** @param folder absolute; folders above it are made too. Throws `PeerfoldError`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    makeFolders(folder)
  } catch (error) {
    throw toFileError(error, folder)
  }
}
