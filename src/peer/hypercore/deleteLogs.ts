import type Corestore from 'corestore'
import type Hypercore from 'hypercore'

/**
 * Deletes logs from the store, in this order. Their sessions are closed already. Not by Hypercore's own `purge()`, which
 * refuses a log that is closed: one with two histories closes by itself, and must be removable.
 *
 * Read in hypercore 11.39.5: `purge` of index.js, and lib/core.js.
 */
export async function deleteLogs(
  storage: Corestore['storage'],
  logs: readonly Hypercore['core'][],
): Promise<void> {
  for (const log of logs) {
    // Replication keeps sessions of its own, and the store keeps a log open for a while after its last session.
    await log.closeAllSessions(null)
    await log.close()
    await storage.deleteCore(log.storage.core)
  }
  // What is deleted lies in the database's files until these are gone through.
  if (logs.length > 0) await storage.compact()
}
