/**
 * Waits for the disk. RocksDB appends every write to its journal (`*.log`). The system decides when that reaches the
 * disk, perhaps half a minute later. RocksDB syncs its tables itself before it drops the journal they came from. So
 * once the journals are synced, no loss of power takes anything that the database was given so far.
 *
 * A sync that failed is not repeated. The system may have given up what it could not write, and then calls the journal
 * synced. So next RocksDB writes all of it to tables.
 *
 * Only the wait for the disk itself is left to another thread: for the other calls the trip there costs more than they.
 */
import { closeSync, fsync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'

/** Errors of file systems that cannot sync files or folders. */
const CANNOT = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
/** Errors of Windows for a folder, and for a file that the database has open. */
const CANNOT_ON_WINDOWS = new Set(['EPERM', 'EACCES', 'EBUSY', 'EISDIR'])

const TROUBLES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'store-full',
  EDQUOT: 'store-quota',
  EROFS: 'store-read-only',
  EACCES: 'store-read-only',
  EPERM: 'store-read-only',
}

/** Whether an error of syncing says that this system or file system cannot do it. Nothing is lost by that. */
export function cannotSync(error: unknown): boolean {
  const code = systemCode(error)
  if (code === undefined) return false
  return CANNOT.has(code) || (process.platform === 'win32' && CANNOT_ON_WINDOWS.has(code))
}

export class StoreSync {
  /** The journals whose names are on the disk. */
  private named = ''
  private failure: PeerfoldError | undefined

  /**
   * @param folder of the database
   * @param dataFolder named in errors
   * @param writeTables resolves when everything in the database is in its tables, on the disk
   */
  constructor(
    private readonly folder: string,
    private readonly dataFolder: string,
    private readonly writeTables: () => Promise<void>,
  ) {}

  /**
   * Resolves when everything written to the database is on the disk, as far as the system can do that. Throws
   * `store-…`; then the next call makes up for it.
   */
  async sync(): Promise<void> {
    if (this.failure !== undefined) {
      await this.writeTables()
      this.failure = undefined
    }
    try {
      await this.syncJournals()
    } catch (error) {
      this.failure = new PeerfoldError(TROUBLES[systemCode(error) ?? ''] ?? 'store-failing', this.dataFolder)
    }
    // It may have failed for another caller, who was the only one that the system told.
    if (this.failure !== undefined) throw this.failure
  }

  private async syncJournals(): Promise<void> {
    const journals = this.journals()
    for (const journal of journals) {
      try {
        await syncFile(join(this.folder, journal), 'r+')
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error // dropped meanwhile
      }
    }
    const names = journals.join()
    if (this.named === names) return
    await syncFile(this.folder, 'r')
    this.named = names
  }

  private journals(): string[] {
    try {
      return readdirSync(this.folder)
        .filter(name => name.endsWith('.log'))
        .sort()
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [] // there is nothing yet
      throw error
    }
  }
}

async function syncFile(path: string, flags: string): Promise<void> {
  try {
    const file = openSync(path, flags)
    await promisify(fsync)(file).finally(() => closeSync(file))
  } catch (error) {
    if (!cannotSync(error)) throw error
  }
}
