/**
 * Sends the first blocks of a log without a question for each. A reader that has nothing of a log says so in its
 * greeting. A peer that has the log sends it a proof of the length and the blocks that it needs first, as soon as
 * the log is open on both sides. That is one or two round trips faster than waiting for requests.
 *
 * 1. The blocks come as messages of an extension. The reader accepts the proof only while nothing of the log is
 *    here, and a block only while it is missing. Late messages are dropped, and count as no offence.
 * 2. The reader may have asked for the same blocks meanwhile. The giver holds such a request until the reader has
 *    said that it took or dropped the message. A reader that took it cancels its request first, so nothing travels
 *    twice.
 *
 * Hypercore's own pushes do not serve here. To a peer that allows them Hypercore answers every question for a proof
 * with one that begins elsewhere, and it takes a pushed proof that comes late for a second history of the log.
 *
 * Read in hypercore 11.39.5: `push`, `_handleRequest`, `_handleData`, `_fulfillRequest`, `_ondata`, `_rxLock` and
 * `_upgrade` of lib/replicator.js, `checkConflict` and `verify` of lib/core.js, `data` of lib/messages.js and
 * `maxMissingNodes` of lib/merkle-tree.js.
 */
import c from 'compact-encoding'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { MerkleTree } from 'hypercore/lib/merkle-tree'
import { wire } from 'hypercore/lib/messages'

const NAME = 'peerfold/first'
/** The message that says that the last one was taken or dropped. */
const DONE = Buffer.alloc(0)
/** The most bytes of messages that are taken for one log. */
const MOST_TAKEN = 1024 * 1024
/** How long a request is held (milliseconds), and how many may be held. */
const HELD_FOR = 3_000
const MOST_HELD = 16

/** Gives first blocks of a log, and takes them. */
export class FirstBlocks {
  private readonly given = new Map<ReplicatorPeer, GivenBlocks>()
  private readonly extension: ReturnType<Hypercore['registerExtension']>
  private taken = 0

  /** @param isExpected whether a peer was told that nothing of the log is here */
  constructor(
    private readonly log: Hypercore,
    private readonly isExpected: (peer: ReplicatorPeer) => boolean,
  ) {
    this.extension = log.registerExtension(NAME, {
      encoding: c.raw,
      onmessage: (message, peer) => {
        if (message.length === 0) this.given.get(peer)?.next()
        else void this.onGiven(message, peer)
      },
    })
    log.on('peer-remove', this.forget)
  }

  close(): void {
    this.log.off('peer-remove', this.forget)
    this.extension.destroy()
  }

  /** Gives the blocks that are here to a peer that has said that it has nothing of the log. */
  async give(peer: ReplicatorPeer, blocks: readonly number[]): Promise<void> {
    const { log } = this
    const { length, fork } = log
    const here = blocks.filter(block => log.core.bitfield.get(block))
    if (here.length === 0) return
    const given = new GivenBlocks(peer, here)
    this.given.set(peer, given)
    for (const [at, index] of here.entries()) {
      const isFirst = at === 0
      const proof = await log.proof({
        block: { index, nodes: isFirst ? 0 : MerkleTree.maxMissingNodes(2 * index, length) },
        hash: null,
        seek: null,
        upgrade: isFirst ? { start: 0, length } : null,
      })
      const value = proof.block?.value
      if (!value || peer.removed || log.fork !== fork) {
        given.end()
        return
      }
      const manifest = isFirst && !log.core.compat ? log.manifest : null
      peer.extension(NAME, c.encode(wire.data, { ...proof, request: 0, fork, manifest }))
      log.core.replicator._onupload(index, value.byteLength, peer)
    }
  }

  private readonly forget = (peer: ReplicatorPeer) => {
    this.given.get(peer)?.end()
    this.given.delete(peer)
  }

  private async onGiven(message: Uint8Array, peer: ReplicatorPeer): Promise<void> {
    if (this.isExpected(peer)) this.taken += message.length
    try {
      if (this.isExpected(peer) && this.taken <= MOST_TAKEN) await this.take(message, peer)
    } catch {
      // The block is then asked for as usual, which finds out any lie.
    }
    if (!peer.removed) peer.extension(NAME, DONE)
  }

  private async take(message: Uint8Array, peer: ReplicatorPeer): Promise<void> {
    const data = c.decode(wire.data, message)
    const { core } = this.log
    const { replicator, state } = core
    const { block, upgrade, fork } = data
    if (block === null || data.hash !== null || data.seek !== null) return
    await replicator._rxLock.lock()
    try {
      const isAwaited =
        upgrade === null
          ? block.index < state.length && !core.bitfield.get(block.index)
          : upgrade.start === 0 && state.length === 0
      if (!isAwaited || fork !== state.fork || core._repairMode || this.log.closing !== null) return
      if (!(await core.verify(data, peer))) return
      if (upgrade !== null)
        for (const request of [...(replicator._upgrade?.inflight ?? [])]) {
          request.peer._cancelRequest(request)
          if (request.block !== null) replicator._clearInflightBlock(replicator._blocks, request) // may be another one
        }
      replicator._ondata(peer, null, data)
    } finally {
      replicator._rxLock.unlock()
    }
  }
}

/** Blocks on their way to a peer, in the order in which they were given. Holds the peer's requests for them. */
class GivenBlocks {
  private readonly held = new Map<number, { readonly block: number; readonly answer: () => void }>()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly peer: ReplicatorPeer,
    private readonly blocks: number[],
  ) {
    const { onrequest, oncancel } = peer
    peer.onrequest = async request => {
      const block = request.block?.index
      const isHeld = block !== undefined && this.blocks.includes(block) && this.held.size < MOST_HELD
      if (!isHeld || this.held.has(request.id)) return onrequest.call(peer, request)
      this.timer ??= setTimeout(() => this.end(), HELD_FOR).unref()
      const answer = () => {
        onrequest.call(peer, request).catch(error => peer.stream.destroy(error))
      }
      this.held.set(request.id, { block, answer })
    }
    peer.oncancel = cancel => {
      if (!this.held.delete(cancel.request)) oncancel.call(peer, cancel)
    }
  }

  /** The peer has taken or dropped the next block. If it still asks for it, it dropped it. */
  next(): void {
    this.blocks.shift()
    this.answer()
  }

  /** Answers all held requests, and holds no more. */
  end(): void {
    clearTimeout(this.timer)
    this.blocks.length = 0
    this.answer()
  }

  private answer(): void {
    for (const [id, { block, answer }] of this.held) {
      if (this.blocks.includes(block)) continue
      this.held.delete(id)
      if (!this.peer.removed) answer()
    }
  }
}
