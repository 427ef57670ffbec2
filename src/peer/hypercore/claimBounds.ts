/**
 * Bounds what a peer may claim to have. Hypercore believes any range of blocks, and sets a bit for each: one
 * message of fifteen bytes could fill all memory, or hold the thread for long. So:
 *
 * 1. Blocks far beyond the log's known end are cut off. They cannot be asked for anyway.
 * 2. A claim is processed in parts of a few milliseconds. A peer may claim a number of blocks at once that honest
 *    logs do not exceed. The rest is processed part by part, with pauses, in the order in which it came.
 * 3. Claims beyond the number that may wait are ignored. The peer is then asked for less.
 *
 * Read in hypercore 11.39.5: `onrange`, `onbitfield`, `onwant` and `onunwant` of a peer in lib/replicator.js, which
 * Protomux calls with its messages. A range that begins at 0 is kept as a number, and costs nothing until a block
 * of it is dropped. Then `onrange` sets a bit for each block behind.
 */
import type Hypercore from 'hypercore'
import type { BlockRange, ReplicatorPeer } from 'hypercore'

/** How many blocks beyond the verified end of a log a peer may name. */
const BEYOND = 2 ** 24
/** Blocks of one part: about three milliseconds. */
const PART = 2 ** 18
/** Blocks that are processed at once, and the pause between two parts of the rest (milliseconds). */
const AT_ONCE = 2 ** 21
const PART_EVERY = 60
/** The most claims that wait. */
const MOST_WAITING = 4_096

type HasRange = BlockRange & { readonly drop: boolean }

interface Claim {
  /** Blocks that it costs. */
  readonly cost: number
  readonly take: () => unknown
}

/** Must be called as soon as the peer is added, before any of its messages. */
export function boundClaims(peer: ReplicatorPeer, core: Hypercore): void {
  const { onrange, onbitfield, onwant, onunwant } = peer
  const claims = new Claims(
    () => core.peers.includes(peer),
    error => peer.stream.destroy(error),
  )
  const end = () => core.length + BEYOND
  const cut = <R extends BlockRange>(range: R): R | undefined => {
    if (range.start >= end()) return undefined
    return { ...range, length: Math.min(range.length, end() - range.start) }
  }
  const claimed = (range: HasRange): Claim[] => {
    const take = (part: HasRange, cost: number) => ({ cost, take: () => onrange.call(peer, part) })
    if (range.start === 0 && !range.drop) return [take(range, 0)]
    return [...partsOf(range)].map(part => take(part, part.length))
  }
  /** When blocks are dropped: the blocks behind them that were known as one number, as claims of single blocks. */
  const behindIn = ({ start, length }: HasRange): Claim[] => {
    const known = peer._remoteContiguousLength
    if (start >= known) return []
    peer._remoteContiguousLength = start
    return claimed({ drop: false, start: start + length, length: Math.max(0, known - start - length) })
  }
  peer.onrange = async range => {
    const within = cut(range)
    if (within === undefined) return
    if (within.drop) claims.add({ cost: 0, take: () => claims.first(behindIn(within)) })
    for (const each of claimed(within)) claims.add(each)
  }
  peer.onbitfield = part => {
    const length = part.bitfield.byteLength * 8
    if (part.start + length >= end()) return
    for (let at = 0; at < length; at += PART) {
      const bitfield = part.bitfield.subarray(at / 32, (at + PART) / 32)
      claims.add({
        cost: bitfield.byteLength * 8,
        take: () => onbitfield.call(peer, { start: part.start + at, bitfield }),
      })
    }
  }
  peer.onwant = range => {
    const within = cut(range)
    if (within !== undefined) onwant.call(peer, within)
  }
  peer.onunwant = range => {
    const within = cut(range)
    if (within !== undefined) onunwant.call(peer, within)
  }
}

/** Cuts a range into parts that are processed one by one. */
function* partsOf(range: HasRange): Generator<HasRange> {
  for (let at = 0; at < range.length; at += PART)
    yield { ...range, start: range.start + at, length: Math.min(PART, range.length - at) }
}

/** The waiting claims of a peer, in the order in which they came. */
class Claims {
  private readonly waiting: Claim[] = []
  private left = AT_ONCE
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly isThere: () => boolean,
    private readonly failed: (error: Error) => void,
  ) {}

  add(claim: Claim): void {
    if (this.waiting.length < MOST_WAITING) this.waiting.push(claim)
    this.takeSome()
  }

  /** Puts claims before all others that wait. */
  first(claims: readonly Claim[]): void {
    this.waiting.unshift(...claims)
  }

  private takeSome(): void {
    for (let next = this.waiting[0]; next !== undefined && next.cost <= this.left; next = this.waiting[0]) {
      this.waiting.shift()
      this.left -= next.cost
      this.take(next)
    }
    if (this.left < AT_ONCE) this.timer ??= setInterval(() => this.more(), PART_EVERY).unref()
  }

  private more(): void {
    if (this.waiting.length > 0 && !this.isThere()) this.waiting.length = 0
    this.left = Math.min(AT_ONCE, this.left + PART)
    this.takeSome()
    if (this.waiting.length > 0 || this.left < AT_ONCE) return
    clearInterval(this.timer)
    this.timer = undefined
  }

  private take({ take }: Claim): void {
    try {
      Promise.resolve(take()).catch(error => this.failed(error))
    } catch (error) {
      this.failed(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
