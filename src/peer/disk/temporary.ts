/**
 * Makes the names of Peerfold's own temporary files. They have 31 bytes, however long the final name is, because a
 * name of 255 bytes has no room for a suffix. The files lie beside the files they become, so that the rename stays
 * inside one folder.
 *
 * Several peer processes may write to a folder, each with a data folder of its own. So a name tells who made it: a
 * process, by its id, or a token, which the catalog of one data folder knows.
 */
import { createHash, randomBytes } from 'node:crypto'
import { systemCode } from '../../common/fileErrors'

/** Names in use by this process. A sweep leaves them alone, whichever writer they belong to. */
const inUse = new Set<string>()

/** Begins the names made by a process, and no token's. Six digits of the process id follow, and eight of a counter. */
const OF_PROCESS = '00'
const IDS = 0x1000000
let counter = randomBytes(4).readUInt32BE()

/** A temporary name that this process has not used before. */
export function freshTemporaryName(): string {
  counter = (counter + 1) >>> 0
  return `.peerfold-${OF_PROCESS}${hex(process.pid % IDS, 6)}${hex(counter, 8)}.part`
}

/** The temporary name that belongs to a resume token, the same in every process. */
export function temporaryNameOf(token: string): string {
  const digest = createHash('sha256').update(token).digest('hex').slice(0, 16)
  return `.peerfold-${digest.replace(/^00/, '11')}.part`
}

/** Whether another running process made this name. A process on another machine or in a container is not seen. */
export function isOfOtherProcess(name: string): boolean {
  const digits = name.slice('.peerfold-'.length)
  if (!digits.startsWith(OF_PROCESS)) return false
  const id = Number.parseInt(digits.slice(OF_PROCESS.length, OF_PROCESS.length + 6), 16)
  return id !== process.pid % IDS && isRunning(id)
}

/** Whether a token made this name. */
export function isOfToken(name: string): boolean {
  return !name.slice('.peerfold-'.length).startsWith(OF_PROCESS)
}

/** Takes a name while its file is being written. False: it is taken already. */
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

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function isRunning(id: number): boolean {
  if (id === 0) return false
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM' // another user's
  }
}
