/**
 * Whether a process that a file names is the peer process of a data folder. The file may be left over, and the id
 * another program's by now, so the system is asked who holds the lock. On Linux /proc shows the open files of this
 * user's processes, and the locks on them. Elsewhere Node cannot ask: no process is signalled there, and only one that
 * proves itself over the socket is believed.
 */
import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { basename } from 'node:path'
import { systemCode } from '../common/fileErrors'
import { dataFolderPaths } from '../wire/dataFolder'
import { type Endpoint, processSpace } from '../wire/endpoint'

export type Holding = 'held' | 'not-held' | 'unknown'

type Named = Pick<Endpoint, 'pid' | 'processes'>

/** Whether the process that the endpoint names holds the lock of the data folder now. */
export function holdingOf(storage: string, { pid, processes }: Named): Holding {
  const space = processSpace()
  if (space === undefined || (processes !== undefined && processes !== space)) return 'unknown'
  const { lock } = dataFolderPaths(storage)
  try {
    const file = statSync(lock)
    const descriptors = readdirSync(`/proc/${pid}/fd`)
    return descriptors.some(fd => holds(pid, fd, file, basename(lock))) ? 'held' : 'not-held'
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'not-held' : 'unknown' // EACCES: a process that shows nothing, perhaps this user's
  }
}

/**
 * Asks the process that the endpoint names to end in order. → false: it is not shown to hold the lock, and was left
 * alone.
 */
export function endHolder(storage: string, endpoint: Named): boolean {
  if (holdingOf(storage, endpoint) !== 'held') return false
  try {
    process.kill(endpoint.pid, 'SIGTERM')
    return true
  } catch {
    return false // it ended just now
  }
}

function holds(pid: number, fd: string, lock: Stats, name: string): boolean {
  try {
    const path = `/proc/${pid}/fd/${fd}`
    if (basename(readlinkSync(path)) !== name) return false // and a file system that hangs is not asked
    const open = statSync(path)
    if (open.dev !== lock.dev || open.ino !== lock.ino) return false
    return /^lock:.*\bWRITE\b/m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))
  } catch {
    return false // closed meanwhile
  }
}
