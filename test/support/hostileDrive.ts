/**
 * Drives made by hand, as an attacker makes them: any bytes as a key, any text as a value, any block in either log.
 * A `HostilePublisher` serves them as every Hyperdrive client does, with the stock swarm and store.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import Corestore from 'corestore'
import { Header, Node, YoloIndex } from 'hyperbee/lib/messages.js'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import type { DriveKey } from '../../src/common/brand'
import { formatLink } from '../../src/common/link'
import { ABOUT, FILES } from '../../src/peer/drive/format/about'
import type { BlobRef } from '../../src/peer/drive/format/entry'
import { temporaryFolder } from './folders'

const deflated = promisify(deflateRaw)
const VALUES_AS_TEXT = { valueEncoding: 'utf-8' }

/** What the files' sub-space puts before every path. */
const PREFIX = FILES.encode('')

export class HostileDrive {
  constructor(readonly drive: Hyperdrive) {}

  get key(): DriveKey {
    return this.drive.key.toString('hex') as DriveKey
  }

  get link(): string {
    return formatLink({ key: this.key, isFile: false })
  }

  /** An entry with any path and any value that JSON can say. */
  async entry(path: string, value: unknown): Promise<void> {
    await this.text(path, JSON.stringify(value))
  }

  /** An entry with any text as its value. */
  async text(path: string, value: string): Promise<void> {
    await this.drive.db.put(path, value, { keyEncoding: FILES, ...VALUES_AS_TEXT })
  }

  /** An entry whose path is bytes that need not be UTF-8. */
  async bytesKey(path: Buffer, value: unknown): Promise<void> {
    const key = Buffer.concat([PREFIX, path])
    await this.drive.db.put(key, JSON.stringify(value), { keyEncoding: 'binary', ...VALUES_AS_TEXT })
  }

  /** An entry of the sub-space in which Peerfold keeps what it says of a share. */
  async about(name: string, value: unknown): Promise<void> {
    await this.drive.db.put(name, JSON.stringify(value), { keyEncoding: ABOUT, ...VALUES_AS_TEXT })
  }

  /** An honest file under any path. */
  async file(path: string, content: string | Uint8Array, more: Record<string, unknown> = {}): Promise<void> {
    const blob = await this.blob(content)
    await this.entry(path, { executable: false, linkname: null, blob, metadata: null, ...more })
  }

  async symlink(path: string, target: unknown): Promise<void> {
    await this.entry(path, { executable: false, linkname: target, blob: null, metadata: null })
  }

  /**
   * Withholds a block of the log of bytes from all who ask for it, until the function is called that this resolves with.
   * Readers wait as long as that takes, since other messages of the log keep arriving.
   */
  async withhold(index: number): Promise<() => void> {
    const { core } = await this.drive.getBlobs()
    let release = () => {}
    const filler = setInterval(() => {
      for (const peer of core.peers) peer.extension('filler', Buffer.alloc(16 * 1024))
    }, 5_000).unref()
    const released = new Promise<void>(resolve => {
      release = resolve
    }).finally(() => clearInterval(filler))
    core.on('peer-add', (peer: ReplicatorPeer) => {
      const answer = peer.onrequest.bind(peer)
      peer.onrequest = async request => {
        if (request.block?.index === index) await released
        await answer(request)
      }
    })
    return () => release()
  }

  /** Appends a chunk of a list of files: any text. */
  async chunk(text: string): Promise<BlobRef> {
    return this.blob(await deflated(Buffer.from(text)))
  }

  /** A chunk of any rows. */
  rows(list: readonly unknown[]): Promise<BlobRef> {
    return this.chunk(JSON.stringify(list))
  }

  /** Appends blocks to the log of bytes. */
  async blob(...blocks: (string | Uint8Array)[]): Promise<BlobRef> {
    const { core } = await this.drive.getBlobs()
    const buffers = blocks.map(block => (typeof block === 'string' ? Buffer.from(block) : block))
    const start = { blockOffset: core.length, byteOffset: core.byteLength }
    if (buffers.length > 0) await core.append(buffers)
    return { ...start, blockLength: buffers.length, byteLength: core.byteLength - start.byteOffset }
  }
}

/** What a share of two files says of itself when it has a list of them, with anything in the list's head. */
export function aboutListed(head: object): unknown {
  return {
    name: 'x',
    isFile: false,
    listing: { format: 1, version: 4, files: 2, bytes: 8, ...head },
  }
}

export class HostilePublisher {
  readonly store: Corestore
  readonly swarm: Hyperswarm
  private drives = 0

  private constructor(bootstrap: string, primaryKey: Buffer | undefined) {
    const options = primaryKey === undefined ? {} : { primaryKey, unsafe: true }
    this.store = new Corestore(temporaryFolder('hostile-store'), options)
    this.swarm = new Hyperswarm({ bootstrap: [bootstrap] })
    this.swarm.on('connection', stream => {
      stream.on('error', ignoreBrokenConnection)
      this.store.replicate(stream)
    })
  }

  /** @param primaryKey two publishers with the same one make drives with the same keys. */
  static async start(bootstrap: string, primaryKey?: Buffer): Promise<HostilePublisher> {
    const publisher = new HostilePublisher(bootstrap, primaryKey)
    await publisher.store.ready()
    return publisher
  }

  /** A new drive; nobody can find it before `serve`. */
  async drive(): Promise<HostileDrive> {
    const drive = new Hyperdrive(this.store.namespace(`drive ${this.drives++}`))
    await drive.ready()
    await drive.getBlobs()
    return new HostileDrive(drive)
  }

  /** A drive whose path log names as the log of its bytes: any key, its own, one that is nowhere, or one too short. */
  async driveWithFeed(feed: Buffer | 'self' | 'nowhere' | 'short'): Promise<HostileDrive> {
    const core = this.store.get({ name: `drive ${this.drives++}` })
    await core.ready()
    const keys = { self: core.key, nowhere: Buffer.alloc(32, 9), short: Buffer.from('short') }
    const contentFeed = typeof feed === 'string' ? keys[feed] : feed
    await core.append(Header.encode({ protocol: 'hyperbee', metadata: { contentFeed } }))
    return this.driveOn(core)
  }

  /** A drive whose path log is any log. */
  async driveOn(core: Hypercore): Promise<HostileDrive> {
    const drive = new Hyperdrive(this.store.session(), core.key)
    await drive.ready().catch(ignoreWhatItIsNot)
    return new HostileDrive(drive)
  }

  /** Announces a drive; resolves when it can be found. With `client` it also looks for those who have it. */
  async serve({ drive }: HostileDrive, client = false): Promise<void> {
    const discovery = this.swarm.join(drive.discoveryKey, { server: true, client })
    await discovery.flushed()
  }

  async close(): Promise<void> {
    await this.swarm.destroy()
    await this.store.close()
  }
}

/** A short name for content, to tell which of two was written. */
export function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12)
}

/** A block of a path log whose search tree has no end: each child of it is itself. */
export function cyclicBlock(seq: number, path: string, value: string): Buffer {
  const index = YoloIndex.encode({ levels: [{ keys: [seq], children: [seq, 0, seq, 0] }] })
  return Node.encode({ index, key: FILES.encode(path), value: Buffer.from(value) })
}

/** Hyperdrive cannot read such a log, which is its purpose. */
function ignoreWhatItIsNot(): void {}

function ignoreBrokenConnection(): void {}
