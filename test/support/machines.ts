/**
 * Machines with a store each, and lines between them that carry only so much, all in one process: enough to see who
 * sends which block to whom. A line takes what is written only as fast as its machine's uplink carries it, which all
 * lines of a machine share in turns.
 */
import { Duplex } from 'node:stream'
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { askWhatIsThere } from '../../src/peer/hypercore/haveUpdates'
import { schedule } from '../../src/peer/hypercore/scheduling'
import { temporaryFolder } from './folders'

/** Milliseconds. */
const TURN = 5
/** Bytes of one line in its turn. */
const PIECE = 16 * 1024

type LogOf = { readonly keyPair: KeyPair } | { readonly key: Uint8Array }

export class Machine {
  /** How often it sent each block. */
  readonly sent = new Map<number, number>()
  readonly log: Hypercore
  readonly uplink: Uplink

  private constructor(
    private readonly store: Corestore,
    log: Hypercore,
    rate: number,
    isStock: boolean,
  ) {
    this.log = log
    this.uplink = new Uplink(rate)
    if (!isStock) schedule(log)
    log.on('peer-add', (peer: ReplicatorPeer) => {
      if (!isStock) askWhatIsThere(log, peer)
    })
    log.on('upload', (index: number) => {
      this.sent.set(index, (this.sent.get(index) ?? 0) + 1)
    })
  }

  /**
   * @param rate bytes a second from this machine
   * @param log whose it is: machines with the same key pair that append the same blocks have the same log
   * @param isStock it lets Hypercore choose, as other Hyperdrive clients do
   */
  static async start(rate: number, log: LogOf, isStock = false): Promise<Machine> {
    const store = new Corestore(temporaryFolder('machine'))
    await store.ready()
    const opened = store.get(log)
    await opened.ready()
    return new Machine(store, opened, rate, isStock)
  }

  get blocksSent(): number {
    return [...this.sent.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Lays a line to another machine. → their two ends of it */
  connect(other: Machine): readonly [NoiseStream, NoiseStream] {
    const here = new End(this.uplink)
    const there = new End(other.uplink)
    here.other = there
    there.other = here
    const ends = [noise(true, here), noise(false, there)] as const
    this.store.replicate(ends[0])
    other.store.replicate(ends[1])
    return ends
  }

  async stop(): Promise<void> {
    this.uplink.close()
    await this.store.close()
  }
}

/** What a machine can send, shared by its lines. */
export class Uplink {
  private readonly waiting: { readonly to: End; bytes: Buffer; readonly done: () => void }[] = []
  private readonly timer: NodeJS.Timeout
  private last = performance.now()
  private allowed = 0

  /** @param rate bytes a second; may be changed */
  constructor(public rate: number) {
    this.timer = setInterval(() => this.turn(), TURN)
  }

  send(to: End, bytes: Buffer, done: () => void): void {
    this.waiting.push({ to, bytes, done })
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
      if (next === undefined || this.allowed < Math.min(PIECE, next.bytes.length)) return
      this.waiting.shift()
      const piece = next.bytes.subarray(0, PIECE)
      next.bytes = next.bytes.subarray(piece.length)
      this.allowed -= piece.length
      next.to.arrive(piece)
      if (next.bytes.length > 0) this.waiting.push(next)
      else next.done()
    }
  }
}

class End extends Duplex {
  other: End | undefined
  /** So far, as a socket counts them. */
  bytesRead = 0

  constructor(private readonly uplink: Uplink) {
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
    else this.uplink.send(this.other, bytes, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.other?.push(null)
    done(error)
  }
}

function noise(isInitiator: boolean, end: Duplex): NoiseStream {
  const made: unknown = new NoiseSecretStream(isInitiator, end)
  const stream = made as NoiseStream
  stream.on('error', () => {}) // the line is cut at the end
  return stream
}
