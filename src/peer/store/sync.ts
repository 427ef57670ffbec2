/**
 * Waits for the disk. RocksDB appends every write to its journal (`*.log`). The system decides when that reaches the
 * disk, perhaps half a minute later. RocksDB syncs its tables itself before it drops the journal they came from. So
 * once the journals are synced, no loss of power takes anything that the database was given so far.
 *
 * Only the wait for the disk itself is left to another thread: for the other calls the trip there costs more than they.
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
