/**
 * Where a run works. A file system on which thousands of files were just deleted is many times slower for a while
 * (ext4: 4.7 s instead of 0.3 s for 10,000 files), so it is memory when that has room, which is always fresh, and
 * says nothing about disks; else the system's temporary folder.
 */
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** The source, two stores and the result, and something over. */
const COPIES = 4.3
/** Memory that the tools and the rest of the machine need besides. */
const MEMORY_FOR_PROCESSES = 3e9

/** A new folder with room for a workload of so many bytes, removed when this process ends. */
export function makePlace(bytes: number, wanted: string | undefined): string {
  const place = wanted ?? (hasRoomInMemory(bytes * COPIES) ? MEMORY : tmpdir())
  const { bavail, bsize } = statfsSync(place)
  if (bavail * bsize < bytes * COPIES)
    throw new Error(
      `${place} has no room for ${Math.ceil((bytes * COPIES) / 1e9)} GB: name another by --folder`,
    )
  const folder = mkdtempSync(join(place, 'peerfold-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

function hasRoomInMemory(bytes: number): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    const [, available] = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return bavail * bsize > bytes && Number(available) * 1024 > bytes + MEMORY_FOR_PROCESSES
  } catch {
    return false // not Linux
  }
}
