import type Corestore from 'corestore'
import type Hypercore from 'hypercore'

/**
 * Deletes logs from the store, in this order. Their sessions must be closed. Hypercore's own `purge()` is not used,
 * because it refuses a closed log. A log with two histories closes by itself, and must still be removable.
 *
 * Read in hypercore 11.39.5: `purge` of index.js, and lib/core.js.
 */
export async function deleteLogs(
  storage: Corestore['storage'],
  logs: readonly Hypercore['core'][],
): Promise<void> {
  for (const log of logs) {
    // Replication has sessions of its own, and the store keeps a log open for a while after its last session.
    await log.closeAllSessions(null)
    await log.close()
    await storage.deleteCore(log.storage.core)
  }
  // Deleted data stays in the database's files until they are compacted.
  if (logs.length > 0) await storage.compact()
}
