/**
 * Waits for the disk. RocksDB appends every write to its journal (`*.log`) and leaves it to the system when that
 * reaches the disk, half a minute later perhaps; its tables it syncs itself before it drops the journal they came
 * from. So a journal that is synced holds everything the database was given so far, whatever happens to the power.
 *
 * A trip to a thread costs more than what it does there, so only the wait for the disk itself is left to one.
 */
import { closeSync, fsync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const whenOnDisk = promisify(fsync)

/** By folder: the journals whose names are on the disk. */
const named = new Map<string, string>()

/**
 * Resolves when everything written to the database in this folder is on the disk. Where the system does not let
 * another handle do that (Windows may not), nothing happens.
 */
export async function syncDatabase(folder: string): Promise<void> {
  const journals = journalsIn(folder)
  for (const journal of journals) await syncFile(join(folder, journal), 'r+')
  const names = journals.join()
  if (named.get(folder) === names) return
  await syncFile(folder, 'r')
  named.set(folder, names)
}

function journalsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith('.log'))
      .sort()
  } catch {
    return [] // there is nothing yet
  }
}

async function syncFile(path: string, flags: string): Promise<void> {
  try {
    const file = openSync(path, flags)
    await whenOnDisk(file).finally(() => closeSync(file))
  } catch {
    // dropped meanwhile, or not allowed here
  }
}
