/**
 * The first blocks of a log without a question for each. A reader of whom nothing is here says so with its greeting, and
 * is given what it needs first with the answer: so the proof of the log's length and these blocks are here one or two
 * round trips sooner than when they are asked for.
 *
 * Hypercore knows blocks that nobody asked for (`push`). Both sides keep to what was agreed on here: they are given once,
 * and taken only while a log begins.
 *
 * Read in hypercore 11.39.5: `push`, `_handleRequest`, `_handleData`, `_matchingRequest` and `isAllowingPush` of
 * lib/replicator.js, and `verify` of lib/core.js, which takes a proof of what is proven already.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'

/** Milliseconds after the first of them in which others are taken, and bytes of all. */
const TAKEN_WITHIN = 3_000
const MOST_TAKEN = 1024 * 1024
/** Milliseconds in which a peer that asks for what is on its way to it may take that back; so many requests may wait. */
const TAKES_BACK_WITHIN = 3_000
const MOST_WAITING = 16

/** Takes blocks that were not asked for while a log of which nothing is here begins. */
export function takePushes(log: Hypercore): void {
  const { replicator } = log.core
  if (log.length > 0 || replicator.allowPush) return
  replicator.allowPush = true
  let bytes = 0
  const onBlock = (_index: number, length: number) => {
    bytes += length
    if (bytes > MOST_TAKEN) end()
  }
  const end = () => {
    log.off('download', onBlock)
    if (log.closing === null) replicator.setAllowPush(false)
  }
  log.on('download', onBlock)
  log.once('append', () => setTimeout(end, TAKEN_WITHIN).unref())
}

/** Gives blocks, as far as they are here, to a peer that has said that it has nothing of the log. */
export async function push(log: Hypercore, peer: ReplicatorPeer, blocks: readonly number[]): Promise<void> {
  const here = blocks.filter(block => log.core.bitfield.get(block))
  if (here.length === 0) return
  peer.remoteAllowPush = true // as it will say when it hears that the log is open here
  waitForCancel(peer, new Set(here))
  for (const block of here) await peer.push(block)
}

/** The peer asks for a block before it is there, and takes that back when it is: it is not to be given twice. */
function waitForCancel(peer: ReplicatorPeer, given: ReadonlySet<number>): void {
  const { onrequest, oncancel } = peer
  const waiting = new Map<number, NodeJS.Timeout>()
  peer.onrequest = async request => {
    const isGiven = request.block !== null && given.has(request.block.index)
    if (!isGiven || waiting.size >= MOST_WAITING || waiting.has(request.id))
      return onrequest.call(peer, request)
    const timer = setTimeout(() => {
      waiting.delete(request.id)
      if (!peer.stream.destroyed) onrequest.call(peer, request).catch(error => peer.stream.destroy(error))
    }, TAKES_BACK_WITHIN)
    waiting.set(request.id, timer.unref())
  }
  peer.oncancel = cancel => {
    clearTimeout(waiting.get(cancel.request))
    if (!waiting.delete(cancel.request)) oncancel.call(peer, cancel)
  }
}
