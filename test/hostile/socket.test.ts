/**
 * The local socket of the peer process: who cannot prove to read the data folder gets nothing and disturbs
 * nobody, and other users of the machine do not even get there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { encode } from '@msgpack/msgpack'
import { introduce } from '../../src/client/introduce'
import { PROTOCOL_VERSION } from '../../src/common/protocol'
import { newKey, newNonce, proofOf } from '../../src/wire/challenge'
import { type Connection, openConnection } from '../../src/wire/connection'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { type Endpoint, readEndpoint } from '../../src/wire/endpoint'
import { attackGroup } from '../support/attacks'
import { randomBytes, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'

const timeout = 5_000

attackGroup('strangers at the local socket', () => {
  let peer: PeerProcess
  let storage: string
  let path: string
  let endpoint: Endpoint

  before(async () => {
    storage = temporaryFolder('storage')
    peer = await PeerProcess.start({ storage, bootstrap: '127.0.0.1:9' })
    const found = await readEndpoint(storage)
    assert.ok(found)
    endpoint = found
    path = endpoint.socket
  })
  after(() => peer?.stop())
  afterEach('the window beside it is answered as before', async () => {
    const { me } = await peer.request('state.get', {}, 2_000)
    assert.equal(typeof me.id, 'string')
  })

  const protocol = PROTOCOL_VERSION
  const client = 'window'

  /** A connection that was challenged, and the proof that is wanted of it. */
  async function challenged(clientNonce = newNonce()) {
    const connection = openConnection(await opened())
    const { nonce, proof } = await connection.request(
      'challenge',
      { protocol, nonce: clientNonce },
      { timeout },
    )
    const meeting = { protocol, socket: path, clientNonce, peerNonce: nonce }
    return { connection, meeting, peerProof: proof, proof: proofOf('client', endpoint.key ?? '', meeting) }
  }

  async function isSentAway(connection: Connection, params: object): Promise<void> {
    const closed = new Promise<void>(resolve => connection.onClose(resolve))
    const said = { protocol, client, ...params } as const
    await assert.rejects(connection.request('hello', said as never, { timeout }), { code: 'bad-request' })
    await closed
  }

  /** What comes back on a socket until it is closed. */
  async function answerTo(...chunks: Uint8Array[]): Promise<Buffer> {
    const socket = await opened()
    const parts: Buffer[] = []
    socket.on('data', part => parts.push(part))
    const closed = new Promise(resolve => socket.once('close', resolve))
    for (const chunk of chunks) socket.write(chunk)
    await closed
    return Buffer.concat(parts)
  }

  async function opened(): Promise<Socket> {
    const socket = connect(path)
    socket.on('error', () => {}) // closing follows, and is what is waited for
    await once(socket, 'connect')
    return socket
  }

  it('without a proof, or with a wrong one, are sent away', async () => {
    const { meeting: overheard, proof: spent, connection: own } = await challenged()
    await own.request('hello', { protocol, client, proof: spent }, { timeout })
    const wrong: Record<string, (given: Awaited<ReturnType<typeof challenged>>) => object> = {
      nothing: () => ({}),
      'a token, as 0.3.0 had': () => ({ token: readFileSync(join(storage, 'token'), 'utf8').trim() }),
      zeros: () => ({ proof: new Uint8Array(32) }),
      'the peer’s own proof': ({ peerProof }) => ({ proof: peerProof }),
      'the proof of another connection': () => ({ proof: spent }),
      'a proof with another key': ({ meeting }) => ({ proof: proofOf('client', newKey(), meeting) }),
      'a proof for another socket': ({ meeting }) => ({
        proof: proofOf('client', endpoint.key ?? '', { ...meeting, socket: `${path}2` }),
      }),
    }
    for (const [what, params] of Object.entries(wrong)) {
      const given = await challenged(what.includes('another connection') ? overheard.clientNonce : newNonce())
      await isSentAway(given.connection, params(given))
      assert.equal(given.connection.closed, true, what)
    }
    own.close()
  })

  it('are challenged once, and never with the same number', async () => {
    const nonce = newNonce()
    const [one, two] = [await challenged(nonce), await challenged(nonce)]
    assert.notDeepEqual(one.meeting.peerNonce, two.meeting.peerNonce)
    for (const { connection } of [one, two]) {
      const closed = new Promise<void>(resolve => connection.onClose(resolve))
      await assert.rejects(connection.request('challenge', { protocol, nonce }, { timeout }), {
        code: 'bad-request',
      })
      await closed
    }
  })

  it('who say hello before they are challenged are sent away', async () => {
    await isSentAway(openConnection(await opened()), { proof: newNonce() })
  })

  it('who ask before they say hello are sent away', async () => {
    for (const method of ['state.get', 'process.stop', 'share.add', 'settings.set'] as const) {
      const connection = openConnection(await opened())
      const closed = new Promise<void>(resolve => connection.onClose(resolve))
      await assert.rejects(connection.request(method, {} as never, { timeout }))
      await closed
    }
  })

  it('with a hello of wrong types are refused', async () => {
    const wrong = [
      { proof: 7 },
      { proof: 'x' },
      { proof: new Uint8Array(31) },
      { protocol: '1' },
      { client: 'root' },
      { bootstrap: 'x' },
    ]
    for (const changed of wrong) {
      const { connection, proof } = await challenged()
      const params = { protocol, client, proof, ...changed } as never
      await assert.rejects(connection.request('hello', params, { timeout }), { code: 'bad-request' })
      connection.close()
    }
    for (const nonce of [7, 'x'.repeat(32), new Uint8Array(0), new Uint8Array(33), undefined]) {
      const connection = openConnection(await opened())
      const params = { protocol, nonce } as never
      await assert.rejects(connection.request('challenge', params, { timeout }), { code: 'bad-request' })
      connection.close()
    }
  })

  it('who say hello twice are sent away: a proof is good once', async () => {
    const { connection, proof } = await challenged()
    await connection.request('hello', { protocol, client, proof }, { timeout })
    await isSentAway(connection, { proof })
  })

  it('who do not know a method, or call it by a name of all objects, are told so', async () => {
    const connection = openConnection(await opened())
    await introduce(connection, endpoint, { client })
    for (const method of ['toString', '__proto__', 'constructor', 'share.addAll', '']) {
      await assert.rejects(connection.request(method as 'state.get', {}, { timeout }), {
        code: /bad-request|internal/,
      })
    }
    connection.close()
  })

  const frame = (body: Uint8Array) => Buffer.concat([lengthOf(body.length), body])
  const NONSENSE: Record<string, () => Uint8Array[]> = {
    'a web page': () => [Buffer.from('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}')],
    'JSON-RPC with headers': () => [Buffer.from('Content-Length: 2\r\n\r\n{}')],
    'random bytes': () => [randomBytes(100_000)],
    'a message of 4 GB': () => [lengthOf(0xffffffff)],
    'a first message of 1 MB': () => [
      frame(encode({ jsonrpc: '2.0', id: 1, method: 'hello', params: 'x'.repeat(1e6) })),
    ],
    'a message that is none': () => [frame(encode([1, 2, 3]))],
    'half of MessagePack': () => [frame(Uint8Array.of(0xdc))],
    'a list that claims four billion': () => [frame(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))],
    'lists in lists that claim more than they have': () => [frame(nested(1_500))],
    'an empty message': () => [lengthOf(0)],
  }
  for (const [what, bytes] of Object.entries(NONSENSE)) {
    it(`who send ${what} get nothing`, async () => {
      assert.equal((await answerTo(...bytes())).length, 0)
    })
  }

  it('who say nothing are sent away after a while', async () => {
    const started = performance.now()
    await answerTo()
    assert.ok(performance.now() - started < 9_000)
  })

  it('in crowds take no place from those who belong', async () => {
    const crowd = await Promise.all(Array.from({ length: 300 }, () => opened()))
    assert.equal((await peer.request('state.get', {}, 2_000)).shares.length, 0)
    for (const socket of crowd) socket.destroy()
    const { code } = await peerfold(['status'], { storage, bootstrap: '127.0.0.1:9' })
    assert.equal(code, 0)
  })

  it('find every file and folder closed to others', function () {
    if (process.platform === 'win32') this.skip()
    const modeOf = (file: string) => statSync(file).mode & 0o777
    assert.equal(modeOf(storage), 0o700)
    assert.equal(modeOf(dirname(path)), 0o700)
    assert.equal(modeOf(path), 0o600)
    for (const name of readdirSync(storage)) {
      const isFolder = statSync(join(storage, name)).isDirectory()
      if (!isFolder && name !== 'lock') assert.equal(modeOf(join(storage, name)), 0o600, name)
    }
  })

  it('who are another user of this machine do not even get there', function () {
    if (process.platform === 'win32' || process.getuid?.() !== 0) this.skip()
    const script = `
      const fs = require('node:fs'), net = require('node:net')
      for (const file of ${JSON.stringify([dataFolderPaths(storage).keys, join(storage, 'endpoint.json')])})
        try { fs.readFileSync(file); console.log('read ' + file) } catch (error) { console.log(error.code) }
      net.connect(${JSON.stringify(path)}).on('error', error => console.log(error.code)).on('connect', () => { console.log('in'); process.exit() })`
    const { stdout } = spawnSync(process.execPath, ['-e', script], {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
      cwd: '/',
    })
    assert.deepEqual(stdout.trim().split('\n'), ['EACCES', 'EACCES', 'EACCES'])
  })
})

function lengthOf(bytes: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(bytes)
  return head
}

/** Each list says it holds as many elements as the message has bytes, and holds one: the next list. */
function nested(depth: number): Uint8Array {
  const level = Uint8Array.of(0xdd, 0, 0, 0x1d, 0x4c)
  return Buffer.concat(Array.from({ length: depth }, () => level))
}
