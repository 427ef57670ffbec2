/** Fetches everything of a share, so that it can be served from here when nobody else is there. */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import type { TransferResult } from '../../common/model'
import type { ShareDrive } from '../drive/shareDrive'
import { isWhole } from '../drive/whoHas'
import { contentBeyond } from '../limits'
import type { StoreBudget } from '../storeBudget'
import type { StoreSpace } from '../storeSpace'
import { unlessAborted } from '../time'
import { resultOf, type Transfer } from '../transfers'

export interface SeedRoom {
  readonly space: StoreSpace
  readonly budget: StoreBudget
}

/** Resolves when both logs are here as far as they were known at the start. Waits for peers, for room and for the user
 *  to raise a limit as long as it takes. */
export async function runSeed(
  share: ShareDrive,
  transfer: Transfer,
  { space, budget }: SeedRoom,
  fetched: () => number,
): Promise<TransferResult> {
  const { signal } = transfer.abort
  const { index } = share
  if (index === undefined) throw new PeerfoldError('not-listed')
  const bytes = await share.bytesReady(signal)
  // The log of bytes may be longer than what any entry names; its length is known once a peer has told it.
  if (bytes.length === 0 && index.bytes > 0) await unlessAborted(bytes.update({ wait: true }), signal)
  for (;;) {
    const beyond = contentBeyond(share.limits(), bytes.byteLength)
    if (beyond === undefined) break
    transfer.pause(beyond.toUserError())
    await budget.next(signal)
  }
  transfer.resume()
  const before = fetched()
  transfer.files = { done: 0, total: index.files }
  transfer.bytes = { done: 0, total: index.bytes }
  const onDownload = (_index: number, length: number) => {
    const room = index.bytes - transfer.bytes.done
    transfer.progress(0, Math.max(0, Math.min(length, room)))
  }
  bytes.on('download', onDownload)
  try {
    while (!(await fetchAll(share, bytes, { space, budget }, signal))) {
      const shortage = space.shortage ?? budget.shortage?.toUserError()
      if (shortage !== undefined) transfer.pause(shortage)
      await space.room(signal)
      await budget.room(signal)
      transfer.resume()
    }
  } finally {
    bytes.off('download', onDownload)
  }
  transfer.files.done = index.files
  transfer.progress(0, index.bytes - transfer.bytes.done)
  return resultOf({ files: index.files, bytes: index.bytes, fetched: Math.max(0, fetched() - before) })
}

/** False: there was no room left before all was here. */
async function fetchAll(
  share: ShareDrive,
  bytes: Hypercore,
  { space, budget }: SeedRoom,
  signal: AbortSignal,
): Promise<boolean> {
  if (isWhole(share.paths) && isWhole(bytes)) return true
  const ranges = [
    share.paths.download({ start: 0, end: share.paths.length }),
    bytes.download({ start: 0, end: bytes.length }),
  ]
  const ended = new AbortController()
  try {
    const either = AbortSignal.any([signal, ended.signal])
    const full = Promise.any([space.none(either), budget.none(either)]).then(() => false)
    full.catch(() => {}) // all was here before
    const all = Promise.all(ranges.map(range => range.done())).then(() => true)
    return await unlessAborted(Promise.race([all, full]), signal)
  } finally {
    ended.abort()
    for (const range of ranges) range.destroy()
  }
}
