/** Fetches everything of a share, so that it can be served from here when nobody else is there. */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import type { TransferResult } from '../../common/model'
import type { ShareDrive } from '../drive/shareDrive'
import { assertContentWithin } from '../limits'
import type { StoreSpace } from '../storeSpace'
import { unlessAborted } from '../time'
import { resultOf, type Transfer } from '../transfers'

/** Resolves when both logs are here as far as they were known at the start. Waits for peers as long as it takes. */
export async function runSeed(
  share: ShareDrive,
  transfer: Transfer,
  space: StoreSpace,
  fetched: () => number,
): Promise<TransferResult> {
  const { signal } = transfer.abort
  const { index } = share
  if (index === undefined) throw new PeerfoldError('not-listed')
  const bytes = await share.bytesReady(signal)
  // The log of bytes may be longer than what any entry names; its length is known once a peer has told it.
  if (bytes.length === 0 && index.bytes > 0) await unlessAborted(bytes.update({ wait: true }), signal)
  assertContentWithin(share.limits(), bytes.byteLength)
  const before = fetched()
  transfer.files = { done: 0, total: index.files }
  transfer.bytes = { done: 0, total: index.bytes }
  const onDownload = (_index: number, length: number) => {
    const room = index.bytes - transfer.bytes.done
    transfer.progress(0, Math.max(0, Math.min(length, room)))
  }
  bytes.on('download', onDownload)
  try {
    while (!(await fetchAll(share, bytes, space, signal))) {
      if (space.shortage !== undefined) transfer.pause(space.shortage)
      await space.room(signal)
      transfer.resume()
    }
  } finally {
    bytes.off('download', onDownload)
  }
  transfer.files.done = index.files
  transfer.progress(0, index.bytes - transfer.bytes.done)
  return resultOf({ files: index.files, bytes: index.bytes, fetched: Math.max(0, fetched() - before) })
}

/** False: the disk of the store was full before all was here. */
async function fetchAll(
  share: ShareDrive,
  bytes: Hypercore,
  space: StoreSpace,
  signal: AbortSignal,
): Promise<boolean> {
  const ranges = [
    share.paths.download({ start: 0, end: share.paths.length }),
    bytes.download({ start: 0, end: bytes.length }),
  ]
  const ended = new AbortController()
  try {
    const full = space.none(AbortSignal.any([signal, ended.signal])).then(() => false)
    full.catch(() => {}) // all was here before
    const all = Promise.all(ranges.map(range => range.done())).then(() => true)
    return await unlessAborted(Promise.race([all, full]), signal)
  } finally {
    ended.abort()
    for (const range of ranges) range.destroy()
  }
}
