/**
 * Takes over copies that an earlier version made: blocks of large files that the copy is shown to hold are freed in
 * the store.
 */
import { contentId, type DriveEntry } from '../drive/format/entry'
import { isLarge } from '../drive/format/largeFile'
import type { ShareDrive } from '../drive/shareDrive'
import type { CopiedFiles } from '../inPlace/copiedFiles'
import type { Catalog } from '../store/catalog'
import { throwIfAborted } from '../time'
import { targetKey } from './plan'

/**
 * May be repeated. The share's version must be known. Throws `cancelled`, and errors of the system for a folder
 * that is gone.
 *
 * @param storedUpTo files up to this size (bytes) stay in the store as well
 */
export async function takeOverCopy(
  share: ShareDrive,
  folder: string,
  copied: CopiedFiles,
  catalog: Catalog,
  storedUpTo: number,
  signal: AbortSignal,
): Promise<void> {
  const byContent = new Map<string, DriveEntry>()
  for (const entry of share.version?.index.entries() ?? [])
    if (entry.blob !== undefined && isLarge(entry.blob, entry.size) && entry.size > storedUpTo)
      byContent.set(contentId(entry), entry)
  if (byContent.size === 0) return
  const found: [path: string, entry: DriveEntry][] = []
  await catalog.each('copied', targetKey(share.id, folder, share.bytes?.fork ?? 0), (path, record) => {
    const entry = byContent.get(record.content)
    if (entry !== undefined && record.conflict === undefined && record.away !== true)
      found.push([path, entry])
  })
  for (const [path, entry] of found) {
    throwIfAborted(signal)
    await copied.adopt(entry, folder, path)
  }
}
