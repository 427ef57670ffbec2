/**
 * Machines with a store each, and lines of limited speed between them, all in one process: enough to see which machine
 * sends which block to whom. A line takes bytes only as fast as its machine's uplink carries them. All lines of a machine
 * share the uplink, in turns or by the size of their windows, like TCP behind one queue.
 */
import { Duplex } from 'node:stream'
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { noteCrowd } from '../../src/peer/hypercore/crowd'
import type { Taker } from '../../src/peer/hypercore/flow'
import { askWhatIsThere } from '../../src/peer/hypercore/haveUpdates'
import { unreadBytes } from '../../src/peer/hypercore/peerLoad'
import { schedule } from '../../src/peer/hypercore/scheduling'
import { Turns } from '../../src/peer/hypercore/turns'
import { receivedBytes } from '../../src/peer/rate'
import { temporaryFolder } from './folders'

/** Milliseconds between two looks at what may leave. */
const TURN = 5
/** Bytes that leave at once. */
const PIECE = 16 * 1024

type LogOf = { readonly keyPair: KeyPair } | { readonly key: Uint8Array }

export class Machine {
  /** How often it sent each block. */
  readonly sent = new Map<number, number>()
  readonly log: Hypercore
  readonly uplink: Uplink
  /** The same on all its lines, as that of a peer is: receivers draw lots by it. */
  private readonly keyPair = NoiseSecretStream.keyPair()
  private readonly takers = new WeakMap<NoiseStream, Taker>()
  private readonly turns = new Turns(({ stream }) => this.takers.get(stream))

  private constructor(
    private readonly store: Corestore,
    log: Hypercore,
    rate: number,
    isStock: boolean,
  ) {
    this.log = log
    this.uplink = new Uplink(rate)
    if (!isStock) {
      this.turns.of(log)
      schedule(log)
    }
    log.on('peer-add', (peer: ReplicatorPeer) => {
      if (!isStock) askWhatIsThere(log, peer)
    })
    log.on('upload', (index: number) => {
      this.sent.set(index, (this.sent.get(index) ?? 0) + 1)
    })
  }

  /**
   * @param rate bytes a second from this machine
   * @param log machines with the same key pair that append the same blocks have the same log
   * @param isStock the machine lets Hypercore choose what to ask whom for, as other Hyperdrive clients do
   */
  static async start(rate: number, log: LogOf, isStock = false): Promise<Machine> {
    const store = new Corestore(temporaryFolder('machine'))
    await store.ready()
    const opened = store.get(log)
    await opened.ready()
    return new Machine(store, opened, rate, isStock)
  }

  get bytesReceived(): number {
    return this.log.peers.reduce((sum, { stream }) => sum + receivedBytes(stream), 0)
  }

  get blocksSent(): number {
    return [...this.sent.values()].reduce((sum, count) => sum + count, 0)
  }

  /**
   * Lays a line to another machine.
   * @param window bytes of this line that may wait in the other's uplink, among those of its other lines
   * @returns the end here, and the other one
   */
  connect(other: Machine, window = PIECE): readonly [NoiseStream, NoiseStream] {
    const here = new End(this.uplink)
    const there = new End(other.uplink, window)
    here.other = there
    there.other = here
    const ends = [noise(true, here, this.keyPair), noise(false, there, other.keyPair)] as const
    this.takers.set(ends[0], takerOver(ends[0], ends[1]))
    other.takers.set(ends[1], takerOver(ends[1], ends[0]))
    this.store.replicate(ends[0])
    other.store.replicate(ends[1])
    return ends
  }

  async stop(): Promise<void> {
    this.uplink.close()
    this.turns.close()
    await this.store.close()
  }
}

/** What a machine can send, shared by its lines. */
export class Uplink {
  private readonly waiting: { readonly to: End; readonly bytes: Buffer; readonly left: () => void }[] = []
  private readonly timer: NodeJS.Timeout
  private last = performance.now()
  private allowed = 0

  /** @param rate bytes a second; may be changed */
  constructor(public rate: number) {
    this.timer = setInterval(() => this.turn(), TURN)
  }

  /** @param window the most of these bytes that wait here at once */
  send(to: End, bytes: Buffer, window: number, done: () => void): void {
    let at = 0
    let under = 0
    const more = () => {
      while (at < bytes.length && (under === 0 || under + PIECE <= window)) {
        const piece = bytes.subarray(at, at + PIECE)
        at += piece.length
        under += piece.length
        this.waiting.push({ to, bytes: piece, left: () => left(piece.length) })
      }
      if (at === bytes.length && under === 0) done()
    }
    const left = (length: number) => {
      under -= length
      more()
    }
    more()
  }

  close(): void {
    clearInterval(this.timer)
  }

  private turn(): void {
    const now = performance.now()
    this.allowed = Math.min(
      this.allowed + (this.rate * (now - this.last)) / 1_000,
      Math.max(PIECE, this.rate / 10),
    )
    this.last = now
    for (;;) {
      const next = this.waiting[0]
      if (next === undefined || this.allowed < next.bytes.length) return
      this.waiting.shift()
      this.allowed -= next.bytes.length
      next.to.arrive(next.bytes)
      next.left()
    }
  }
}

class End extends Duplex {
  other: End | undefined
  /** So far, as a socket counts them. */
  bytesRead = 0

  constructor(
    private readonly uplink: Uplink,
    private readonly window = PIECE,
  ) {
    super()
  }

  arrive(bytes: Buffer): void {
    if (this.destroyed) return
    this.bytesRead += bytes.length
    this.push(bytes)
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    if (this.other === undefined) done()
    else this.uplink.send(this.other, bytes, this.window, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.other?.push(null)
    done(error)
  }
}

function takerOver(stream: NoiseStream, otherEnd: NoiseStream): Taker {
  return {
    get unsent() {
      return unreadBytes(stream)
    },
    get isGone() {
      return stream.destroyed
    },
    tellCrowd: waiting => noteCrowd(otherEnd, waiting),
  }
}

function noise(isInitiator: boolean, end: Duplex, keyPair: KeyPair): NoiseStream {
  const made: unknown = new NoiseSecretStream(isInitiator, end, { keyPair })
  const stream = made as NoiseStream
  stream.on('error', () => {}) // the line is cut at the end
  return stream
}
