/**
 * Where a peer really is. The address of a UDX stream is what the other side, or a node that relayed its handshake,
 * said it is: datagrams go there, but they are accepted from anywhere. So a peer could name the address of a third
 * party, and talk without ever hearing an answer.
 *
 * Such a peer cannot repeat a secret that was sent there. Each side puts a random challenge in its hello, and the other
 * sends it back over the same encrypted stream. Only then is the address proven. An address that another stream goes to
 * as well may be that of a relay, which passes everything on. It counts as unproven while that lasts.
 */
import { randomBytes } from 'node:crypto'
import type { RawUdxStream } from '@hyperswarm/secret-stream'
import { Signal } from '../../../common/signal'

/** Bytes of a challenge. */
const CHALLENGE = 16
/** How often one connection may go to another address. Each costs a message, and peers count them. */
const MAX_CHANGES = 3

export class ProvenAddress {
  readonly changed = new Signal<void>()
  private asked: { readonly challenge: string; readonly place: string } | undefined
  private answered: string | undefined
  private changes = 0
  private readonly awaited = new WeakSet<RawUdxStream>()

  /**
   * @param streams all that are open, this one among them
   * @param ask sends a challenge to the peer; called when the stream goes to another address
   */
  constructor(
    private readonly stream: RawUdxStream,
    private readonly streams: () => Iterable<RawUdxStream>,
    ask: (challenge: string) => void,
  ) {
    stream.on('remote-changed', () => {
      this.changed.emit()
      if (++this.changes <= MAX_CHANGES) ask(this.challenge())
    })
  }

  /** Makes a challenge for the address that the stream goes to now. It must be sent over this stream. */
  challenge(): string {
    const challenge = randomBytes(CHALLENGE).toString('base64url')
    this.asked = { challenge, place: placeOf(this.stream) }
    return challenge
  }

  /** The peer has sent this. → false: nobody had asked for it. */
  answer(challenge: string): boolean {
    if (this.asked?.challenge !== challenge) return false
    this.prove(this.asked.place)
    return true
  }

  /** The peer repeated something else that was secret and sent to this address (`placeOf`). */
  prove(place: string): void {
    this.answered = place
    this.changed.emit()
  }

  /** Undefined: it is not proven. */
  get host(): string | undefined {
    const place = placeOf(this.stream)
    if (this.answered !== place || this.stream.remoteHost === null) return undefined
    const others = [...this.streams()].filter(other => other !== this.stream && placeOf(other) === place)
    for (const other of others) this.await(other)
    return others.length === 0 ? this.stream.remoteHost : undefined
  }

  get isProven(): boolean {
    return this.host !== undefined
  }

  /** Looks again when another stream to the same place closes, as one of two does when both sides connect at once. */
  private await(other: RawUdxStream): void {
    if (this.awaited.has(other)) return
    this.awaited.add(other)
    other.on('close', () => this.changed.emit())
  }
}

export function placeOf({ remoteHost, remotePort }: RawUdxStream): string {
  return `${remoteHost} ${remotePort}`
}
