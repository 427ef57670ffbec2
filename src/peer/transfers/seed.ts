/**
 * Fetches everything of a share's newest version, so that it can be served from here when nobody else is there. Blocks
 * that no entry names are left out: those of former versions may have been cleared everywhere.
 */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import type { TransferResult } from '../../common/model'
import { existingRuns } from '../drive/absentBytes'
import { BlockReferences } from '../drive/blockReferences'
import type { PathIndex } from '../drive/pathIndex'
import type { ShareDrive } from '../drive/shareDrive'
import { isWhole } from '../drive/whoHas'
import { type BlockRuns, missingRuns } from '../hypercore/blockRuns'
import { contentBeyond } from '../limits'
import type { StoreBudget } from '../store/budget'
import type { StoreSpace } from '../store/space'
import { breathe, delay, slicer, unlessAborted } from '../time'
import { resultOf, type Transfer } from '../transfer'

export interface SeedRoom {
  readonly space: StoreSpace
  readonly budget: StoreBudget
}

/** Ranges asked for at once. */
const RANGES_AT_ONCE = 64
/** Milliseconds between two looks for a newer version. */
const LOOK_EVERY = 1_000
/** Milliseconds to wait for content that the listing is ahead of. After that its publisher counts as gone. */
const REST_WITHIN = 90_000

/**
 * Resolves when the path log and all bytes of the newest version known by then are here. Waits for peers, for room and
 * for the user to raise a limit as long as it takes.
 */
export async function runSeed(
  share: ShareDrive,
  transfer: Transfer,
  { space, budget }: SeedRoom,
  fetched: () => number,
): Promise<TransferResult> {
  const { signal } = transfer.abort
  const index = () => newestIndex(share)
  index() // throws when there is none
  const bytes = await share.bytesReady(signal)
  // The log of bytes may be longer than what any entry names; its length is known once a peer has told it.
  if (bytes.length === 0 && index().bytes > 0) await unlessAborted(bytes.update({ wait: true }), signal)
  for (;;) {
    const beyond = contentBeyond(share.limits(), bytes.byteLength)
    if (beyond === undefined) break
    transfer.pause(beyond.toUserError())
    await budget.next(signal)
  }
  transfer.resume()
  const before = fetched()
  transfer.files = { done: 0, total: index().files }
  transfer.bytes = { done: 0, total: index().bytes }
  const onDownload = (_index: number, length: number) => {
    const room = index().bytes - transfer.bytes.done
    transfer.progress(0, Math.max(0, Math.min(length, room)))
  }
  bytes.on('download', onDownload)
  try {
    const end = performance.now() + REST_WITHIN
    for (;;) {
      if (await fetchAll(share, bytes, { space, budget }, signal)) {
        if (!share.version?.isListingFirst || share.paths.peers.length === 0 || performance.now() > end) break
        await delay(LOOK_EVERY, signal)
      }
      const shortage = space.shortage ?? budget.shortage?.toUserError()
      if (shortage !== undefined) transfer.pause(shortage)
      await space.room(signal)
      await budget.room(signal)
      transfer.resume()
    }
  } finally {
    bytes.off('download', onDownload)
  }
  const { files, bytes: size } = index()
  transfer.files.done = files
  transfer.progress(0, size - transfer.bytes.done)
  return resultOf({ files, bytes: size, fetched: Math.max(0, fetched() - before) })
}

function newestIndex({ version }: ShareDrive): PathIndex {
  if (version === undefined) throw new PeerfoldError('not-listed')
  return version.index
}

/** False when room ran out first, or a newer version came. */
async function fetchAll(
  share: ShareDrive,
  bytes: Hypercore,
  { space, budget }: SeedRoom,
  signal: AbortSignal,
): Promise<boolean> {
  const { version } = share
  const runs = missingRuns(bytes.core.bitfield, await neededRuns(version, bytes))
  const isNewest = () => share.version === version
  if (isWhole(share.paths) && runs.length === 0) return isNewest()
  const ended = new AbortController()
  try {
    const either = AbortSignal.any([signal, ended.signal])
    const full = Promise.any([space.none(either), budget.none(either)]).then(() => false)
    const other = until(() => !isNewest(), either).then(() => false)
    for (const late of [full, other]) late.catch(() => {}) // rejected when aborted below
    const all = fetchRuns(share, bytes, runs, either).then(isNewest)
    return await unlessAborted(Promise.race([all, full, other]), signal)
  } finally {
    ended.abort()
  }
}

/** Blocks of the log of bytes that a version needs; all of them when that is not known. */
async function neededRuns(version: ShareDrive['version'], bytes: Hypercore): Promise<BlockRuns> {
  const references = new BlockReferences()
  const due = slicer()
  for (const entry of version?.index.entries() ?? []) {
    references.add(entry)
    if (due()) await breathe()
  }
  if (version?.listing !== undefined) references.addBlob(version.listing.chunks)
  if (references.isIncomplete) return [{ start: 0, end: bytes.length }]
  return existingRuns(bytes, references.runs())
}

async function fetchRuns(
  share: ShareDrive,
  bytes: Hypercore,
  runs: BlockRuns,
  signal: AbortSignal,
): Promise<void> {
  await fetchRanges([share.paths.download({ start: 0, end: share.paths.length })], signal)
  for (let at = 0; at < runs.length; at += RANGES_AT_ONCE) {
    const ranges = runs.slice(at, at + RANGES_AT_ONCE).map(run => bytes.download(run))
    await fetchRanges(ranges, signal)
  }
}

async function fetchRanges(ranges: readonly Hypercore.Download[], signal: AbortSignal): Promise<void> {
  try {
    await unlessAborted(Promise.all(ranges.map(range => range.done())), signal)
  } finally {
    for (const range of ranges) range.destroy()
  }
}

async function until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo()) await delay(LOOK_EVERY, signal)
}
