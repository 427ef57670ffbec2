/**
 * How many of the bytes sent to a peer have arrived. The system accepts megabytes of a stream before any of them is on
 * its way, and over TCP it does not say how many are. So each side tells now and then how much came; a sender with
 * several readers takes turns by it (turns.ts). For peers that do not tell, the bytes waiting in this process count.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import { isCount } from '../drive/format/entry'
import type { Taker } from '../hypercore/flow'
import { unreadBytes, waitingBytes } from '../hypercore/peerLoad'
import type { Path } from './pathChoice'

/** Bytes after which a message is due, and the fewest milliseconds between two messages. */
const STEP = 128 * 1024
const TELL_EVERY = 100
/** Such messages that are accepted from a peer: a burst of this many, then this many a second. */
export const DELIVERY_MESSAGES = 64
export const DELIVERY_MESSAGES_PER_SECOND = 20

export type DeliveryMessage =
  /** Bytes that came so far over each stream. */
  | { readonly type: 'came'; readonly udx: number; readonly tcp: number }
  /** The sender gives to others as well, and this many requests of the peer wait for their turn. */
  | { readonly type: 'crowd'; readonly waiting: number }

export class Delivered implements Taker {
  /** Whether the peer knows such messages. */
  isKnown = false
  isGone = false
  private readonly streams = new Map<Path, NoiseStream>()
  private readonly came = { udx: 0, tcp: 0 }
  private told = 0
  private toldAt = 0
  private telling: NodeJS.Timeout | undefined
  private heard: Readonly<Record<Path, number>> | undefined

  constructor(private readonly say: (message: DeliveryMessage) => void) {}

  watch(path: Path, stream: NoiseStream): void {
    this.streams.set(path, stream)
    this.came[path] = 0
    stream.rawStream.on('data', bytes => {
      this.came[path] += bytes.length
      if (this.isKnown && this.came.udx + this.came.tcp - this.told >= STEP) this.tellSoon()
    })
    stream.once('close', () => {
      if (this.streams.get(path) === stream) this.streams.delete(path)
    })
  }

  hear({ udx, tcp }: Readonly<Record<string, unknown>>): void {
    if (isCount(udx) && isCount(tcp)) this.heard = { udx, tcp }
  }

  /** Bytes that were written to the peer and have not arrived, as far as is known. */
  get unsent(): number {
    let unsent = 0
    for (const [path, stream] of this.streams) {
      if (this.heard === undefined) unsent += unreadBytes(stream)
      else unsent += waitingBytes(stream) + Math.max(0, stream.rawBytesWritten - this.heard[path])
    }
    return unsent
  }

  tellCrowd(waiting: number): void {
    if (this.isKnown && !this.isGone) this.say({ type: 'crowd', waiting })
  }

  close(): void {
    this.isGone = true
    clearTimeout(this.telling)
  }

  private tellSoon(): void {
    const pause = this.toldAt + TELL_EVERY - performance.now()
    if (pause > 0) {
      this.telling ??= setTimeout(() => this.tell(), pause).unref()
      return
    }
    this.tell()
  }

  private tell(): void {
    clearTimeout(this.telling)
    this.telling = undefined
    this.told = this.came.udx + this.came.tcp
    this.toldAt = performance.now()
    this.say({ type: 'came', ...this.came })
  }
}
