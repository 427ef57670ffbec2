/**
 * Moves bytes of blocks into the database, or out of it, where a log keeps blocks as pieces of what lies elsewhere
 * (pieces.ts). The set of blocks that are here stays the same, and no peer is told. Read in hypercore 11.39.5: a
 * write of its state takes the state's own lock.
 */
import type Hypercore from 'hypercore'
import { throwIfAborted } from '../time'
import type { BlockRun } from './blockRuns'
import { piecesIn } from './pieces'

/**
 * Puts blocks that are here but lie elsewhere into the database. Throws PeerfoldError `cancelled`, and what
 * `assertRoom` throws. It can be repeated then.
 */
export async function storeBlocks(
  log: Hypercore,
  { start, end }: BlockRun,
  assertRoom: () => void,
  signal: AbortSignal,
): Promise<void> {
  const pieces = piecesIn(log)
  for (let index = start; index < end; index++) {
    throwIfAborted(signal)
    assertRoom()
    if (!log.core.bitfield.get(index) || (await pieces?.isStored(index)) !== false) continue
    const block = await log.get(index, { raw: true, wait: false })
    if (block !== null) await inOneWrite(log, index, writing => writing.putBlock(index, block))
  }
}

/** Puts a block in its stored form into the database, unless it is not here any more. */
export async function storeBlock(log: Hypercore, index: number, stored: Uint8Array): Promise<void> {
  await inOneWrite(log, index, writing => writing.putBlock(index, stored))
}

/** Takes blocks out of the database that lie elsewhere as well. They are read there from then on. */
export async function unstoreBlocks(log: Hypercore, { start, end }: BlockRun): Promise<void> {
  await inOneWrite(log, start, writing => writing.deleteBlockRange(start, end))
}

/** Does nothing if the first block is not here any more: it may have been cleared meanwhile. */
async function inOneWrite(
  { core: { state, bitfield } }: Hypercore,
  first: number,
  change: (writing: Hypercore.StorageWriting) => void,
): Promise<void> {
  await state.mutex.lock()
  try {
    if (!bitfield.get(first)) return
    change(state.createWriteBatch())
    await state.flush()
  } finally {
    state._unlock()
  }
}
