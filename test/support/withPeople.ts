/**
 * The scene of a suite: people with data folders of their own, and the private DHT through which they find each other.
 * Called in a `describe`, before its own hooks. Everybody leaves when all its tests and hooks are done, and the DHT, one
 * for all of a file, ends with the file.
 */
import { temporaryFolder } from './folders'
import { type LocalDht, startLocalDht } from './localDht'
import { PeerProcess, type PeerProcessOptions } from './peerProcess'
import { Person, type PersonOptions } from './person'

let network: Promise<LocalDht> | undefined

after('the private DHT ends', async () => (await network)?.stop())

export function withPeople(): People {
  const people = new People()
  before('a private DHT', async function () {
    network ??= startLocalDht()
    people.bootstrap = (await network).bootstrap
    // Registered here, so that it runs after the suite's own hooks.
    this.test?.parent?.afterAll('everybody leaves', () => people.leave())
  })
  return people
}

/** Everybody a suite has started, so that it can send them home together. */
export class People {
  /** `host:port` of the private DHT; empty before it runs. */
  bootstrap = ''
  private readonly leaving: (() => Promise<void>)[] = []

  /** Starts somebody's peer process, or joins it, with a client that follows what it says. */
  async start(options: Partial<PersonOptions> = {}): Promise<Person> {
    const person = await Person.start({ bootstrap: this.bootstrap, ...options })
    this.leaving.push(() => person.leave())
    return person
  }

  /** Starts a peer process without a client that follows it: it only answers requests. */
  async process(options: Partial<PeerProcessOptions> = {}): Promise<PeerProcess> {
    const peer = await PeerProcess.start({
      bootstrap: this.bootstrap,
      ...options,
      storage: options.storage ?? temporaryFolder('peer'),
    })
    this.leaving.push(() => peer.stop())
    return peer
  }

  /** A new data folder and the DHT, for a peer that is started in another way. */
  place(name: string): { readonly storage: string; readonly bootstrap: string } {
    return { storage: temporaryFolder(name), bootstrap: this.bootstrap }
  }

  /** Ends all that were started. May be called again. */
  async leave(): Promise<void> {
    await Promise.all(this.leaving.splice(0).map(leave => leave()))
  }
}
