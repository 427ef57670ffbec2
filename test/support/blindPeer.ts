/**
 * A peer that says it is somewhere else. A connection between two peers begins with a message that another node passes
 * on and says where it comes from. This peer plays that node and names another place for its own message. The other side
 * then sends everything to that place. What this peer sends still arrives, but it never hears an answer.
 */
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import { hash } from 'hypercore-crypto'
import DHT from 'hyperdht'
import { handshake as passedOn } from 'hyperdht/lib/messages.js'
import NoiseWrap from 'hyperdht/lib/noise-wrap.js'

export interface Place {
  readonly host: string
  readonly port: number
}

/** Of hyperdht: a command, and the mode of a message that a relay passes on. */
const PEER_HANDSHAKE = 0
const FROM_RELAY = 2
/** Milliseconds after which an unanswered message is sent again. Nothing else repeats it. */
const SEND_AGAIN = 1_000

/** It says that it has no firewall, so the other side need not find out its address. */
const OPEN = 1

export class BlindPeer {
  private readonly streams: NoiseStream[] = []
  private constructor(private readonly dht: DHT) {}

  static async start(bootstrap: string): Promise<BlindPeer> {
    const [host = '', port] = bootstrap.split(':')
    const dht = new DHT({ bootstrap: [{ host, port: Number(port) }] })
    await dht.fullyBootstrapped()
    return new BlindPeer(dht)
  }

  /** Whether a peer's node listens there. A connection may also come from a port that was opened for it alone. */
  isNodeAt(place: Place): Promise<boolean> {
    return this.dht.ping(place).then(
      () => true,
      () => false,
    )
  }

  /**
   * Connects, and is taken for a peer at another place.
   * @param at where the other peer is
   * @param claimed where this one says it is; somewhere else each time
   */
  async connect(
    remote: Buffer,
    at: Place,
    claimed: Place,
    keyPair: KeyPair = DHT.keyPair(),
  ): Promise<NoiseStream> {
    const noise = new NoiseWrap(keyPair, remote)
    const raw = this.dht.createRawStream({ framed: true, firewall: () => false })
    const first = await noise.send({
      error: 0,
      firewall: OPEN,
      holepunch: null,
      addresses4: [],
      addresses6: [],
      udx: { reusableSocket: false, id: raw.id, seq: 0 },
      secretStream: {},
      relayThrough: null,
    })
    const value = c.encode(passedOn, {
      mode: FROM_RELAY,
      noise: first,
      peerAddress: claimed,
      relayAddress: null,
    })
    const answer = new Promise<Buffer>(resolve => {
      this.dht._router.onpeerhandshake = async request => {
        if (request.value === null) return
        const { noise: second, peerAddress } = c.decode(passedOn, request.value)
        // An earlier message that was sent again may be answered again.
        if (peerAddress?.host === claimed.host && peerAddress.port === claimed.port) resolve(second)
      }
    })
    const target = hash(remote)
    // The answer comes as a message to pass on, not as one to this request.
    const send = () => void this.dht.request({ command: PEER_HANDSHAKE, target, value }, at).catch(() => {})
    send()
    const again = setInterval(send, SEND_AGAIN)
    const second = await answer.finally(() => clearInterval(again))
    const { udx } = await noise.recv(second)
    raw.connect(this.dht.socket, udx.id, at.port, at.host)
    const stream: unknown = new NoiseSecretStream(true, raw, { handshake: noise.final() })
    this.streams.push(stream as NoiseStream)
    this.streams.at(-1)?.on('error', () => {})
    return stream as NoiseStream
  }

  async close(): Promise<void> {
    for (const stream of this.streams) stream.destroy()
    await this.dht.destroy()
  }
}
