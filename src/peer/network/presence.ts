/**
 * Whether others can still find this machine. An announcement lies in the memory of other nodes, and is lost with them:
 * when a private DHT restarts, when the few nodes near a topic leave, or when this machine was cut off from the
 * network. Hyperswarm announces only every ten minutes. So one share after another is looked up, and when the network
 * answers and does not know this machine, everything is announced again.
 */
import type Hyperswarm from 'hyperswarm'

/** Milliseconds. A look costs a few dozen datagrams. */
const LOOK_EVERY = 15_000
/** A node names at most this many announcers of a topic: one that it does not name may be known all the same. */
const NAMED = 20

export interface Announced {
  readonly topic: Buffer
  /** Announces it now. */
  announce(): void
}

export class Presence {
  private timer: NodeJS.Timeout | undefined
  private looking = false
  private turn = 0

  constructor(
    private readonly announced: () => readonly Announced[],
    private readonly log: (line: string) => void,
  ) {}

  start(swarm: Hyperswarm): void {
    this.timer = setInterval(() => {
      if (this.looking) return
      this.looking = true
      this.look(swarm)
        .catch(error => this.log(`looking for oneself failed: ${String(error)}`))
        .finally(() => {
          this.looking = false
        })
    }, LOOK_EVERY).unref()
  }

  close(): void {
    clearInterval(this.timer)
  }

  private async look(swarm: Hyperswarm): Promise<void> {
    const all = this.announced()
    const one = all[this.turn++ % all.length]
    if (one === undefined || (await isKnown(swarm, one.topic))) return
    this.log('the network has forgotten this machine: everything is announced anew')
    for (const each of this.announced()) each.announce()
  }
}

/** False: nodes answered, and none of them knows that this machine announced the topic. */
async function isKnown({ dht, keyPair }: Hyperswarm, topic: Buffer): Promise<boolean> {
  const query = dht.lookup(topic)
  for await (const { peers } of query)
    if (peers.length >= NAMED || peers.some(({ publicKey }) => publicKey.equals(keyPair.publicKey)))
      return true
  return query.closestNodes.length === 0
}
