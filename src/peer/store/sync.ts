/**
 * Waits for the disk. RocksDB appends every write to its journal (`*.log`) and leaves it to the system when that
 * reaches the disk, half a minute later perhaps; its tables it syncs itself before it drops the journal they came
 * from. So a journal that is synced holds everything the database was given so far, whatever happens to the power.
 */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Resolves when everything written to the database in this folder is on the disk. Where the system does not let
 * another handle do that (Windows may not), nothing happens.
 */
export async function syncDatabase(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const journals = names.filter(name => name.endsWith('.log')).sort()
  for (const path of [...journals.map(name => join(folder, name)), folder]) {
    await syncFile(path, path === folder ? 'r' : 'r+').catch(() => {}) // dropped meanwhile, or not allowed here
  }
}

async function syncFile(path: string, flags: string): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
