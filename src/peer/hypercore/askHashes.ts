/**
 * Asks peers for the hashes of blocks, without the blocks. Every Hypercore peer answers that, because seeking in a
 * log works this way. A hash comes with its proof, is checked and kept as that of a block is, and is then found by
 * `leafOf`. A block and its neighbour in the tree prove each other, so one question brings the hashes of both.
 *
 * A peer can only be asked for the hash of a block that it has: it does not answer for others.
 *
 * Read in hypercore 11.39.5: `_requestSeek`, `_canRequest`, `_makeRequest`, `_send`, `_hashes`, `_onnodata` and
 * `_removePeer` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { HashRequest, ReplicatorPeer, RequestRef } from 'hypercore'
import { receivedBytes } from '../rate'
import { throwIfAborted } from '../time'
import { leafOf } from './leaf'
import { Pace } from './pace'

/** Questions that are open at a time. */
const AT_ONCE = 64
/** Milliseconds without anything from the asked peers. They answer earlier requests first. */
const PATIENCE = 3_000
/** Milliseconds in all, even while other bytes come. */
const LONGEST = 30_000
const LOOK_EVERY = 100
/** Bytes that count as something. Fewer show only that a peer is alive. */
const SOMETHING = 1_024

/**
 * Resolves when everything is asked and answered. `leafOf` then tells which hashes are here.
 * @returns false when a peer did not answer: no more should be asked then
 */
export async function askForHashes(
  log: Hypercore,
  blocks: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  const pairs = [...new Set(blocks.map(block => block - (block % 2)))]
  for (let at = 0; at < pairs.length; at += AT_ONCE) {
    const asked: Question[] = []
    try {
      for (const [turn, pair] of pairs.slice(at, at + AT_ONCE).entries()) {
        throwIfAborted(signal)
        const question = await ask(log, pair, turn)
        if (question !== undefined) asked.push(question)
      }
      if (!(await answered(asked, signal))) return false
    } finally {
      for (const { ref } of asked) ref.context?.detach(ref) // nobody waits for missing answers any more
    }
  }
  return true
}

interface Question {
  readonly peer: ReplicatorPeer
  readonly wanted: HashRequest
  readonly ref: RequestRef
}

/** Undefined: the hashes are known, or no peer can be asked. */
async function ask(log: Hypercore, pair: number, turn: number): Promise<Question | undefined> {
  const { length, fork, core } = log
  const known = await Promise.all(
    [pair, pair + 1].filter(block => block < length).map(block => leafOf(log, block)),
  )
  if (known.every(leaf => leaf !== null)) return undefined
  for (const block of [pair, pair + 1]) {
    if (block >= length) continue
    const peers = core.replicator.peers.filter(
      peer => isAsked(peer, fork) && peer._remoteHasBlock(block) && peer._canRequest(block, false),
    )
    const peer = peers[turn % Math.max(1, peers.length)]
    const request = peer?._makeRequest(false, 0, block + 1)
    if (peer === undefined || request === undefined || request === null) continue
    const wanted = core.replicator._hashes.add(block, 0, false)
    const ref = wanted.attach([])
    const done = Pace.of(peer.stream).asksShort()
    ref.promise.then(done, done)
    if (wanted.inflight.length === 0) {
      request.hash = { index: 2 * block, nodes: 0 }
      wanted.inflight.push(request)
      peer._send(request)
    }
    return { peer, wanted, ref }
  }
  return undefined
}

function isAsked(peer: ReplicatorPeer, fork: number): boolean {
  return peer.isActive() && peer.remoteUploading && peer.remoteFork === fork
}

/** @returns false as soon as one question is not answered */
async function answered(asked: readonly Question[], signal: AbortSignal): Promise<boolean> {
  const open = new Set(asked)
  const peers = new Set(asked.map(({ peer }) => peer))
  const began = performance.now()
  let last = began
  let heard = bytesFrom(peers)
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise(resolve => {
      for (const question of asked) {
        const done = () => {
          open.delete(question)
          last = performance.now()
          if (open.size === 0) resolve(true)
        }
        question.ref.promise.then(done, () => resolve(false))
      }
      if (open.size === 0) resolve(true)
      timer = setInterval(() => {
        const now = performance.now()
        const bytes = bytesFrom(peers)
        if (bytes - heard > SOMETHING) {
          heard = bytes
          last = now
        }
        const isSilent = now - last > PATIENCE || now - began > LONGEST
        if (isSilent || signal.aborted || [...open].some(isLost)) resolve(false)
      }, LOOK_EVERY)
    })
  } finally {
    clearInterval(timer)
  }
}

function bytesFrom(peers: Iterable<ReplicatorPeer>): number {
  let bytes = 0
  for (const { stream } of peers) bytes += receivedBytes(stream)
  return bytes
}

/** Whether the peer left, or said that it cannot answer. */
function isLost({ wanted }: Question): boolean {
  return wanted.inflight.length === 0 && !wanted.processing
}
