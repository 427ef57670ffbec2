/**
 * Makes the names of Peerfold's own temporary files: 31 bytes whatever the final name is, because a name of 255 bytes
 * has no room for a suffix. They lie beside the file they become, so that the rename stays inside one folder.
 */
import { createHash, randomBytes } from 'node:crypto'

/** Names in use by this process. A sweep leaves them alone, whichever writer they belong to. */
const inUse = new Set<string>()

const session = randomBytes(4).toString('hex')
let counter = 0

/** A temporary name that this process has not used before. */
export function freshTemporaryName(): string {
  counter = (counter + 1) >>> 0
  return `.peerfold-${session}${counter.toString(16).padStart(8, '0')}.part`
}

/** The temporary name that belongs to a resume token, the same in every process. */
export function temporaryNameOf(token: string): string {
  return `.peerfold-${createHash('sha256').update(token).digest('hex').slice(0, 16)}.part`
}

/** Takes a name for as long as its file is being written. False: somebody has it already. */
export function holdTemporary(name: string): boolean {
  if (inUse.has(name)) return false
  inUse.add(name)
  return true
}

export function releaseTemporary(name: string): void {
  inUse.delete(name)
}

export function isTemporaryInUse(name: string): boolean {
  return inUse.has(name)
}
