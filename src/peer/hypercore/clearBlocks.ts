/**
 * Clears blocks of a log: their bytes are deleted, and connected peers are told that they are not here any more.
 * Their hashes stay, a hundred bytes each, because they prove the neighbouring blocks.
 *
 * Hypercore's own `clear()` is not used, because it deletes hashes too. A reader whose copy of the log ends among
 * the cleared blocks needs some of them to learn that the log is longer. Without them it never follows the share
 * again. (Read in hypercore 11.39.5. Up to 11.37.1 it also deleted hashes of blocks that stay.) This module is
 * needed as long as a test beside it shows that `clear()` loses such a hash. Everything else is done as there: bits
 * and bytes go in one write to the database, so a kill leaves both or neither, and other changes of the log wait.
 */
import type Hypercore from 'hypercore'
import { breathe } from '../time'
import { type BlockRun, type BlockRuns, slicesOf } from './blockRuns'
import { tellWhatIsThere } from './haveUpdates'

/** Blocks and runs of one write. */
const MAX_BLOCKS = 4_096
const MAX_RUNS = 1_024
/** Bits in one bitfield record of the database. */
const PAGE_BITS = 32_768

/**
 * Clears runs slice by slice. Stops before a slice when `mayGoOn` says no or `signal` is aborted.
 * @returns bytes that were cleared, as they were stored
 */
export async function clearBlocks(
  log: Hypercore,
  runs: BlockRuns,
  signal: AbortSignal,
  mayGoOn: () => boolean,
): Promise<number> {
  let bytes = 0
  for (const slice of slicesOf(runs, MAX_BLOCKS, MAX_RUNS)) {
    if (signal.aborted || !mayGoOn()) break
    bytes += await clearSlice(log, slice)
    await breathe()
  }
  if (bytes > 0) tellWhatIsThere(log)
  return bytes
}

/** Marks blocks as here, whose bytes were found outside of the database (pieces.ts), and tells connected peers. */
export async function restoreBlocks(log: Hypercore, runs: BlockRuns): Promise<void> {
  for (const slice of slicesOf(runs, MAX_BLOCKS, MAX_RUNS)) await restoreSlice(log, slice)
}

async function restoreSlice({ core }: Hypercore, runs: readonly BlockRun[]): Promise<void> {
  const { state } = core
  await state.mutex.lock()
  try {
    const { pages } = await read(core, runs)
    const write = state.createWriteBatch()
    for (const { start, end } of runs)
      forEachPage(start, end, (page, from, to) => setBits(pages.get(page), from, to, true))
    for (const [page, bits] of pages) write.putBitfieldPage(page, bits)
    await state.flush()
    for (const { start, end } of runs) {
      const length = end - start
      core._setBitfieldRanges(start, end, true)
      core.updateContiguousLength({ start, length, drop: false })
      core.replicator.onhave(start, length, false)
    }
    await core.flushHints()
  } finally {
    state._unlock()
  }
}

async function clearSlice({ core }: Hypercore, runs: readonly BlockRun[]): Promise<number> {
  const { state, header } = core
  await state.mutex.lock()
  try {
    const { bytes, pages } = await read(core, runs)
    const write = state.createWriteBatch()
    for (const { start, end } of runs) {
      write.deleteBlockRange(start, end)
      forEachPage(start, end, (page, from, to) => setBits(pages.get(page), from, to, false))
    }
    for (const [page, bits] of pages) write.putBitfieldPage(page, bits)
    const first = runs[0]?.start ?? 0
    if (first < header.hints.contiguousLength) write.setHints({ ...header.hints, contiguousLength: first })
    await state.flush()
    for (const { start, end } of runs) {
      const length = end - start
      core.updateContiguousLength({ start, length, drop: true })
      core._setBitfieldRanges(start, end, false)
      core.replicator.onhave(start, length, true)
    }
    await core.flushHints()
    return bytes
  } finally {
    state._unlock()
  }
}

/** Reads from the database how long the blocks are together, and the bitfield records that they are in. */
async function read(
  { state }: Hypercore['core'],
  runs: readonly BlockRun[],
): Promise<{ bytes: number; pages: Map<number, Buffer> }> {
  const reading = state.storage.read()
  const leaves: Promise<{ readonly size: number } | null>[] = []
  const pages = new Map<number, Promise<Buffer | null>>()
  for (const { start, end } of runs) {
    for (let block = start; block < end; block++) leaves.push(reading.getTreeNode(2 * block))
    forEachPage(start, end, page => {
      if (!pages.has(page)) pages.set(page, reading.getBitfieldPage(page))
    })
  }
  reading.tryFlush()
  const bytes = (await Promise.all(leaves)).reduce((sum, leaf) => sum + (leaf?.size ?? 0), 0)
  const found = new Map<number, Buffer>()
  for (const [page, bits] of pages) found.set(page, Buffer.from((await bits) ?? Buffer.alloc(PAGE_BITS / 8)))
  return { bytes, pages: found }
}

/** Calls `visit` with each bitfield record, and its range of bits `from` to `to` (exclusive). */
function forEachPage(
  start: number,
  end: number,
  visit: (page: number, from: number, to: number) => void,
): void {
  for (let page = Math.floor(start / PAGE_BITS); page * PAGE_BITS < end; page++) {
    const first = page * PAGE_BITS
    visit(page, Math.max(0, start - first), Math.min(PAGE_BITS, end - first))
  }
}

/** Bit n of a record is bit n % 8 of its byte n / 8. */
function setBits(bits: Buffer | undefined, from: number, to: number, value: boolean): void {
  if (bits === undefined) return
  for (let bit = from; bit < to; bit++) {
    const byte = bit >> 3
    if ((bit & 7) === 0 && bit + 8 <= to) {
      bits[byte] = value ? 0xff : 0
      bit += 7
    } else {
      const mask = 1 << (bit & 7)
      bits[byte] = value ? (bits[byte] ?? 0) | mask : (bits[byte] ?? 0) & ~mask
    }
  }
}
