/**
 * Reads the path log in the order in which it was written, block by block. It never uses the search tree that
 * Hyperbee keeps in the same blocks: in a forged log the tree may lead in a circle, and walking it would never end.
 */

import { Header } from 'hyperbee/lib/messages.js'
import type Hypercore from 'hypercore'
import { breathe, slicer, throwIfAborted, unlessAborted } from '../time'
import { askingAgain } from './blocks'
import { type PathChange, parseBlock } from './format/pathBlock'

/** Blocks read ahead of the one being looked at. */
const AHEAD = 64

/**
 * The changes of the blocks from `from` to `to` (exclusive). All blocks are fetched before the first change is
 * yielded.
 */
export async function* readPathLog(
  core: Hypercore,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<PathChange> {
  const range = core.download({ start: from, end: to })
  try {
    await unlessAborted(askingAgain(core, range.done()), signal)
  } finally {
    range.destroy()
  }
  const due = slicer()
  const ahead: Promise<Buffer | null>[] = []
  let next = Math.max(1, from) // the first block is the header
  for (let at = next; at < to; at++) {
    while (next < to && ahead.length < AHEAD) {
      const block = core.get(next++)
      block.catch(() => {}) // rejects again where it is awaited, below
      ahead.push(block)
    }
    throwIfAborted(signal)
    const change = parseBlock(await unlessAborted(ahead.shift() ?? core.get(at), signal))
    if (change !== undefined) yield change
    if (due()) await breathe()
  }
}

/** Whether a log begins as a path log does. False for one that is encrypted with a key that is unknown here. */
export async function beginsAsPathLog(
  core: Hypercore,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const block = await unlessAborted(askingAgain(core, core.get(0, { timeout })), signal)
  try {
    return block !== null && Header.decode(block).protocol === 'hyperbee'
  } catch {
    return false
  }
}

/**
 * The change that one block made; undefined when it is no block of a path log. Waits at most `timeout`
 * milliseconds.
 */
export async function readPathChange(
  core: Hypercore,
  seq: number,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<PathChange | undefined> {
  if (seq < 1) return undefined
  return parseBlock(await unlessAborted(askingAgain(core, core.get(seq, { timeout })), signal))
}
