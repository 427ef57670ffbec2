/** Logs over a line that takes longer for what is asked for than a reader waits in silence. */
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import NoiseSecretStream, { type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../src/common/brand'
import { Blocks } from '../../src/peer/drive/blocks'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import { encodeListing } from '../../src/peer/drive/format/listing'
import { PartialIndex } from '../../src/peer/drive/partialIndex'
import { readListing } from '../../src/peer/drive/readListing'
import { NO_LIMITS } from '../../src/peer/limits'
import { randomBytes, temporaryFolder } from '../support/folders'

const BLOCK = Buffer.from(randomBytes(300_000))
/** Milliseconds: less than the block takes. */
const SILENCE = 1_000

describe('a slow line', () => {
  const stores: Corestore[] = []
  const sockets = new Set<Socket>()
  let theirs: Hypercore
  let ours: Hypercore

  before(async () => {
    for (const name of ['theirs', 'ours']) {
      const store = new Corestore(temporaryFolder(name))
      await store.ready()
      stores.push(store)
    }
    const [from, to] = stores
    assert.ok(from && to)
    theirs = from.get({ name: 'log' })
    await theirs.ready()
    await theirs.append([BLOCK])
    ours = to.get({ key: theirs.key })
    await ours.ready()
    const line = await slowLine(100_000, sockets)
    from.replicate(stream(false, line.theirs))
    to.replicate(stream(true, line.ours))
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    for (const store of stores) await store.close()
  })

  it('delivers a block that takes longer than silence may last', async () => {
    const blocks = new Blocks(ours, '/file', { timeout: SILENCE })
    const started = performance.now()
    assert.ok(BLOCK.equals(await blocks.get(0)))
    blocks.close()
    assert.ok(performance.now() - started > 2 * SILENCE, 'the line was not slow')
  })

  it('delivers a list of files that takes longer than silence may last', async () => {
    const entries = [
      ...Buffer.from(randomBytes(40_000 * 8))
        .toString('hex')
        .matchAll(/.{16}/g),
    ]
      .map(([name]) => fileOf(`/${name}` as DrivePath))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
    const list = []
    for await (const chunk of encodeListing(entries)) list.push(chunk)
    const { length: blockOffset, byteLength: byteOffset } = theirs
    await theirs.append(list)
    await ours.update({ wait: true })
    const chunks = {
      blockOffset,
      blockLength: list.length,
      byteOffset,
      byteLength: theirs.byteLength - byteOffset,
    }
    const head = { format: 2, version: 2, files: entries.length, bytes: 0, chunks } as const
    const nothing = { paths: new Map<string, never>(), info: undefined, listing: undefined }
    const coming = new PartialIndex(2, nothing, () => NO_LIMITS)
    const started = performance.now()
    const index = await readListing(head, ours, coming, () => {}, { timeout: SILENCE })
    assert.ok(performance.now() - started > 2 * SILENCE, 'the line was not slow')
    assert.equal(index.files, entries.length)
  })

  it('is given up when it falls silent', async () => {
    await theirs.append([BLOCK])
    await ours.update({ wait: true })
    const blocks = new Blocks(ours, '/file', { timeout: SILENCE })
    const block = blocks.get(theirs.length - 1)
    for (const socket of sockets) socket.pause()
    await assert.rejects(block, { code: 'offline' })
    blocks.close()
  })
})

function fileOf(path: DrivePath): DriveEntry {
  return { path, kind: 'file', size: 0, mtime: 0, executable: false }
}

function stream(isInitiator: boolean, socket: Socket): NoiseStream {
  const made: unknown = new NoiseSecretStream(isInitiator, socket)
  const stream = made as NoiseStream
  stream.on('error', () => {}) // the line is cut at the end
  return stream
}

/** Two ends of a TCP connection that carries so many bytes a second, in pieces, each way. */
async function slowLine(rate: number, sockets: Set<Socket>): Promise<{ theirs: Socket; ours: Socket }> {
  const [near, theirs] = await pair(sockets)
  const [far, ours] = await pair(sockets)
  const piece = rate / 20
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    const turn = setInterval(() => {
      const bytes = from.read(Math.min(piece, from.readableLength))
      if (bytes !== null) to.write(bytes)
    }, 50)
    from.once('close', () => clearInterval(turn))
  }
  return { theirs, ours }
}

async function pair(sockets: Set<Socket>): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  await new Promise(resolve => server.once('listening', resolve))
  const dialled = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const ends: [Socket, Socket] = [dialled, await accepted]
  server.close()
  for (const socket of ends) {
    sockets.add(socket)
    socket.on('error', () => {}) // the line is cut at the end
  }
  return ends
}
