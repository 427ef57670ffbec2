/**
 * The folder that a whole share is saved in: one of its own inside the chosen folder. A folder that this share was saved
 * in before is used again, also when it is the chosen one. A folder that another share was saved in is not used.
 */
import * as path from 'node:path'
import type { ShareId } from '../../common/brand'

/** @param ownerOf the share that was last saved in a folder (absolute path), as far as is known */
export function copyFolder(
  chosen: string,
  name: string,
  id: ShareId,
  ownerOf: (folder: string) => ShareId | undefined,
): string {
  if (ownerOf(chosen) === id) return chosen
  for (let number = 1; ; number++) {
    const folder = path.join(chosen, number === 1 ? name : `${name} ${number}`)
    if ((ownerOf(folder) ?? id) === id) return folder
  }
}
