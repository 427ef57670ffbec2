/** Which files some program has open for writing, where the system tells: on Linux, of programs of the same user. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { breathe, slicer, throwIfAborted } from '../../time'

/** The bits of a descriptor's flags that are set when it was opened for writing. */
const WRITES = 0o3

/** @param paths real, absolute. → those of them; undefined: the system does not tell */
export async function openForWriting(
  paths: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  if (process.platform !== 'linux') return undefined
  const open = new Set<string>()
  const due = slicer()
  for (const pid of namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const path = leadingTo(`/proc/${pid}/fd/${fd}`)
      if (path !== undefined && paths.has(path) && isToWrite(`/proc/${pid}/fdinfo/${fd}`)) open.add(path)
    }
    if (due()) await breathe()
    throwIfAborted(signal)
  }
  return open
}

/** Empty for a process that is another user's, or over. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function leadingTo(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    return undefined // closed meanwhile
  }
}

function isToWrite(info: string): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(readFileSync(info, 'latin1')) ?? []
    return (Number.parseInt(flags, 8) & WRITES) !== 0
  } catch {
    return false
  }
}
