/**
 * Opens the store and the catalog, and gets over their damage. All logs lie in one database and fail together, so a
 * damaged one is set aside whole, never deleted, and an empty one takes its place. The catalog beside it tells which
 * opened shares to fetch again. Own shares are lost: a key whose log is gone must never sign a second one.
 *
 * Damage that shows only when a block is read is noted in the data folder, and the process ends; the next one
 * finds the note first. So there is one restart and never a loop. A store that was copied from elsewhere counts as
 * damaged: two writers with one key would be the end of both.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Corestore from 'corestore'
import CorestoreStorage from 'hypercore-storage'
import type { DataFolderPaths } from '../../wire/dataFolder'
import { Catalog, type Write } from './catalog'
import { storeTrouble } from './trouble'

/**
 * The store's defaults are made for many small logs; ours carry gigabytes.
 *
 * - `writeBufferSize` (bytes, of which there are up to two): with 64 MiB a peer peaks 100 MB higher and is no faster.
 *   The journal takes 1.1 times as much of the disk ahead.
 * - `blobGarbageCollectionAgeCutOff` 0: otherwise every compaction copies the oldest quarter of all content to new
 *   files (of 3 GB, 9 GB were written, and it grows with the square). Files without use are removed all the same.
 * - `maxOpenFiles`: without a limit every file of the store is held open, one for each 16 MB of content.
 */
const STORE_OPTIONS = {
  writeBufferSize: 5 * 1024 * 1024,
  blobGarbageCollectionAgeCutOff: 0,
  maxOpenFiles: 512,
}

export interface Opened {
  readonly store: Corestore
  readonly catalog: Catalog
  /** Where damaged databases were put. */
  readonly storeAside: string | undefined
  readonly catalogAside: string | undefined
}

/** Rejects when something else than damage is in the way: rights, a full disk. */
export async function openDatabases(paths: DataFolderPaths, log: (line: string) => void): Promise<Opened> {
  const noted = existsSync(paths.damageNote)
  const [[catalog, catalogAside], [store, storeAside]] = await Promise.all([
    openOrReplace(paths.catalog, false, Catalog.open, log),
    openOrReplace(paths.store, noted, openStore, log),
  ])
  if (storeAside !== undefined) await giveUpOwnLogs(catalog)
  rmSync(paths.damageNote, { force: true })
  return { store, catalog, storeAside, catalogAside }
}

/**
 * Whether an error says that what the database holds cannot be trusted any more. RocksDB reports a wrong checksum, a
 * file it cannot make sense of and a disk that fails as EIO, and a missing file as ENOENT; unlike errors of Node's file
 * system, they name no system call.
 */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || 'syscall' in error) return false
  if (storeTrouble(error) !== undefined) return false // it could not write, and what it wrote before is whole
  return error.code === 'EIO' || error.code === 'ENOENT' || error.code === 'DEVICE_FILE'
}

/** The store is set aside when the next process opens it. */
export function noteDamage(paths: DataFolderPaths, error: unknown): void {
  writeFileSync(paths.damageNote, `${new Date().toISOString()} ${String(error)}\n`, { mode: 0o600 })
}

async function openOrReplace<T>(
  folder: string,
  isDamaged: boolean,
  open: (folder: string) => Promise<T>,
  log: (line: string) => void,
): Promise<[opened: T, aside: string | undefined]> {
  if (!isDamaged) {
    try {
      return [await open(folder), undefined]
    } catch (error) {
      if (!isDamage(error)) throw error
      log(`damaged: ${String(error)}`)
    }
  }
  const aside = setAside(folder)
  log(`${basename(folder)} was set aside at ${aside}`)
  return [await open(folder), aside]
}

async function openStore(folder: string): Promise<Corestore> {
  const store = new Corestore(new CorestoreStorage(folder, STORE_OPTIONS))
  try {
    await store.ready()
  } catch (error) {
    await store.close().catch(() => {}) // it never opened
    throw error
  }
  return store
}

async function giveUpOwnLogs(catalog: Catalog): Promise<void> {
  const lost: Write[] = []
  for await (const [key, record] of catalog.list('share')) {
    lost.push({ table: 'share', key, value: { ...record, lost: true } })
  }
  if (lost.length > 0) await catalog.write(lost)
  await catalog.deleteAll('kept', '')
}

function setAside(folder: string): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  for (let attempt = 0; ; attempt++) {
    const aside = join(
      dirname(folder),
      `${basename(folder)}.damaged-${time}${attempt === 0 ? '' : `-${attempt}`}`,
    )
    if (existsSync(aside)) continue
    if (existsSync(folder)) renameSync(folder, aside)
    return aside
  }
}
