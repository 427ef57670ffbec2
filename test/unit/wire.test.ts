import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { encode } from '@msgpack/msgpack'
import type { ShareId } from '../../src/common/brand'
import { PeerfoldError } from '../../src/common/errors'
import type { Method, Params, Result } from '../../src/common/protocol'
import { isSameProof, type Meeting, newKey, newNonce, proofOf } from '../../src/wire/challenge'
import { Connection, type ConnectionOptions, type Handlers, openConnection } from '../../src/wire/connection'
import { dataFolderPaths, defaultDataFolder, ensureDataFolder } from '../../src/wire/dataFolder'
import {
  type Endpoint,
  readEndpoint,
  removeEndpoint,
  removeSocketFolder,
  socketPath,
  writeEndpoint,
} from '../../src/wire/endpoint'
import { LONGEST_MESSAGE } from '../../src/wire/frames'
import { eventually } from '../support/eventually'

const TOO_LARGE = { code: 'message-too-large', message: /too much for one message.*of at most/ }
const id = 'x'.repeat(52) as ShareId
const NOBODY = 65_534

describe('wire', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pf-wire-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  describe('the data folder', () => {
    it('is the one that PEERFOLD_STORAGE names, or lies in the user’s data home', () => {
      assert.equal(defaultDataFolder({ PEERFOLD_STORAGE: folder }), folder)
      if (process.platform === 'linux') {
        assert.equal(defaultDataFolder({ XDG_DATA_HOME: '/data' }), '/data/peerfold')
        assert.match(defaultDataFolder({}), /\/\.local\/share\/peerfold$/)
      }
    })

    it('is created for its owner alone, and closed again when it was opened to others', () => {
      const { root } = ensureDataFolder(join(folder, 'a', 'b'))
      assert.equal(statSync(root).mode & 0o777, 0o700)
      chmodSync(root, 0o755)
      ensureDataFolder(root)
      assert.equal(statSync(root).mode & 0o777, 0o700)
    })

    it('is never a folder with other things in it that others can read', () => {
      writeFileSync(join(folder, 'diary.txt'), 'x')
      chmodSync(folder, 0o755)
      assert.throws(() => ensureDataFolder(folder), { code: 'storage-foreign' })
      assert.equal(statSync(folder).mode & 0o777, 0o755)
    })

    it('is never one that another user made, or put something into, or led us to', function () {
      if (process.getuid?.() !== 0) this.skip()
      const refused = (root: string, path: string) =>
        assert.throws(
          () => ensureDataFolder(root),
          (error: unknown) =>
            error instanceof PeerfoldError &&
            error.code === 'storage-not-yours' &&
            error.message.includes(`“${path}”`),
        )
      const root = join(folder, 'data')
      ensureDataFolder(root)
      writeFileSync(join(root, 'keys.json'), '{}')
      chownSync(join(root, 'keys.json'), NOBODY, NOBODY)
      refused(root, join(root, 'keys.json'))
      chownSync(join(root, 'keys.json'), 0, 0)
      ensureDataFolder(root)

      const link = join(folder, 'link')
      symlinkSync(root, link)
      ensureDataFolder(link) // a link of one's own may lead to another disk
      lchownSync(link, NOBODY, NOBODY)
      refused(link, link)

      chownSync(root, NOBODY, NOBODY)
      refused(root, root)
    })
  })

  describe('the endpoint', () => {
    it('has a short socket path, the same for every name of one data folder', () => {
      const root = join(folder, 'x'.repeat(200))
      mkdirSync(root, { recursive: true })
      symlinkSync(root, join(folder, 'alias'))
      const path = socketPath(root)
      assert.ok(Buffer.byteLength(path) < 104, path)
      assert.equal(socketPath(join(folder, 'alias')), path)
      assert.notEqual(socketPath(folder), path)
    })

    it('uses the runtime folder when that is private, never a link, never one that others can write', () => {
      const runtime = join(folder, 'run')
      mkdirSync(runtime, { mode: 0o700 })
      const env = { XDG_RUNTIME_DIR: runtime }
      assert.equal(socketPath(folder, env).startsWith(join(runtime, 'peerfold')), true)
      assert.equal(statSync(join(runtime, 'peerfold')).mode & 0o777, 0o700)

      rmSync(join(runtime, 'peerfold'), { recursive: true })
      symlinkSync(folder, join(runtime, 'peerfold'))
      assert.equal(socketPath(folder, env).startsWith(runtime), false)

      rmSync(join(runtime, 'peerfold'))
      chmodSync(runtime, 0o777)
      assert.equal(socketPath(folder, env).startsWith(runtime), false)
    })

    it('is read as it was written, and as absent when it is missing or broken', async () => {
      assert.equal(await readEndpoint(folder), undefined)
      const endpoint: Endpoint = { socket: '/s', pid: 7, version: '1.2.3', protocol: 2, key: 'a'.repeat(64) }
      await writeEndpoint(folder, endpoint)
      assert.deepEqual(await readEndpoint(folder), endpoint)
      assert.equal(statSync(dataFolderPaths(folder).endpoint).mode & 0o777, 0o600)
      const broken = [
        '{"socket": 1',
        'null',
        JSON.stringify({ ...endpoint, pid: 0 }),
        JSON.stringify({ ...endpoint, pid: -1 }),
        JSON.stringify({ ...endpoint, key: 'short' }),
        JSON.stringify({ ...endpoint, protocol: '2' }),
      ]
      for (const text of broken) {
        writeFileSync(dataFolderPaths(folder).endpoint, text)
        assert.equal(await readEndpoint(folder), undefined, text)
      }
      writeFileSync(dataFolderPaths(folder).endpoint, '{"socket":"/s","pid":7,"version":"0.3.0"}')
      assert.equal((await readEndpoint(folder))?.protocol, 1)
      await removeEndpoint(folder)
      await removeEndpoint(folder)
    })

    it('is not believed where another user could have written it', async function () {
      if (process.getuid?.() !== 0) this.skip()
      const endpoint: Endpoint = { socket: '/s', pid: 7, version: '1.2.3', protocol: 2 }
      await writeEndpoint(folder, endpoint)
      const { endpoint: file } = dataFolderPaths(folder)
      const spoiled: [string, () => void, () => void][] = [
        ['a file of another user', () => chownSync(file, NOBODY, NOBODY), () => chownSync(file, 0, 0)],
        ['a file that others may write', () => chmodSync(file, 0o622), () => chmodSync(file, 0o600)],
        ['a folder of another user', () => chownSync(folder, NOBODY, NOBODY), () => chownSync(folder, 0, 0)],
        ['a folder that others may write', () => chmodSync(folder, 0o777), () => chmodSync(folder, 0o700)],
      ]
      for (const [what, spoil, mend] of spoiled) {
        spoil()
        assert.equal(await readEndpoint(folder), undefined, what)
        mend()
        assert.deepEqual(await readEndpoint(folder), endpoint)
      }
      renameSync(file, join(folder, 'elsewhere'))
      symlinkSync(join(folder, 'elsewhere'), file)
      assert.equal(await readEndpoint(folder), undefined, 'a link')
    })

    it('is a pipe that nobody can have made before, on Windows', () => {
      const [one, two] = [socketPath(folder, {}, 'win32'), socketPath(folder, {}, 'win32')]
      for (const name of [one, two]) assert.match(name, /^\\\\\.\\pipe\\peerfold-[0-9a-f]{32}$/)
      assert.notEqual(one, two)
    })

    it('gets a folder of its own where another user made the usual one first', async function () {
      if (process.getuid?.() !== 0) this.skip()
      const before = process.env.TMPDIR
      const shared = mkdtempSync('/tmp/pf-')
      const long = join(folder, 'x'.repeat(100))
      mkdirSync(long)
      try {
        process.env.TMPDIR = shared
        chmodSync(shared, 0o1777)
        mkdirSync(join(shared, 'peerfold-0'), { mode: 0o700 })
        chownSync(join(shared, 'peerfold-0'), NOBODY, NOBODY)
        const path = socketPath(long, {})
        assert.notEqual(dirname(path), join(shared, 'peerfold-0'))
        assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
        await removeSocketFolder(path)
        assert.deepEqual(readdirSync(shared), ['peerfold-0'])
        await removeSocketFolder(join(shared, 'peerfold-0', 's.sock')) // shared with other data folders
        assert.deepEqual(readdirSync(shared), ['peerfold-0'])

        rmSync(join(shared, 'peerfold-0'), { recursive: true })
        chmodSync(shared, 0o777) // without the sticky bit anybody can exchange what is in there
        assert.equal(socketPath(folder, {}).startsWith(folder), true)
      } finally {
        if (before === undefined) delete process.env.TMPDIR
        else process.env.TMPDIR = before
        rmSync(shared, { recursive: true })
      }
    })
  })

  describe('a proof', () => {
    const meeting: Meeting = {
      protocol: 2,
      socket: '/run/peerfold/s.sock',
      clientNonce: newNonce(),
      peerNonce: newNonce(),
    }
    const key = newKey()

    it('is that of one side, one key, one protocol, one socket and these two nonces', () => {
      const proof = proofOf('client', key, meeting)
      assert.equal(isSameProof(proof, proofOf('client', key, { ...meeting })), true)
      const { clientNonce, peerNonce } = meeting
      const others = [
        proofOf('peer', key, meeting),
        proofOf('client', newKey(), meeting),
        proofOf('client', key, { ...meeting, protocol: 3 }),
        proofOf('client', key, { ...meeting, socket: '/run/peerfold/t.sock' }),
        proofOf('client', key, { ...meeting, clientNonce: newNonce() }),
        proofOf('client', key, { ...meeting, peerNonce: newNonce() }),
        proofOf('client', key, { ...meeting, clientNonce: peerNonce, peerNonce: clientNonce }),
        proof.subarray(1),
        new Uint8Array(0),
      ]
      for (const [at, other] of others.entries()) assert.equal(isSameProof(other, proof), false, String(at))
    })
  })

  describe('a connection', () => {
    let server: Server
    let client: Connection
    let peer: Connection
    let clientSocket: Socket

    beforeEach(async () => {
      server = createServer()
      const path = join(folder, 's')
      await new Promise<void>(resolve => server.listen(path, resolve))
      const accepted = new Promise<Connection>(resolve =>
        server.once('connection', socket => resolve(trusting(socket))),
      )
      clientSocket = netConnect(path)
      client = trusting(clientSocket)
      peer = await accepted
    })
    afterEach(() => {
      client.close()
      peer.close()
      server.close()
    })

    it('carries bytes as bytes, at the size of the largest file that is read whole', async () => {
      const content = new Uint8Array(50_000_000).fill(7)
      content[1] = 0
      peer.handle(handlers({ 'fs.read': async () => content }))
      const params = { id, path: '/a' as Params<'fs.read'>['path'], limit: 1, timeout: 1 }
      const got = await client.request('fs.read', params, { timeout: 10_000 })
      assert.ok(got instanceof Uint8Array)
      assert.equal(Buffer.compare(got, content), 0)
    })

    it('passes parameters and null results unchanged', async () => {
      let seen: unknown
      const record = async (params: unknown) => {
        seen = params
        return null
      }
      peer.handle(handlers({ 'settings.set': record }))
      const params = { name: 'Zoë 🙂', ignore: ['*.log'] }
      assert.equal(await client.request('settings.set', params, { timeout: 5_000 }), null)
      assert.deepEqual(seen, params)
    })

    it('keeps many requests apart', async () => {
      peer.handle(handlers({ 'fs.find': async ({ query }) => [query as Params<'fs.stat'>['path']] }))
      const asked = Array.from({ length: 200 }, (_, n) => `/${n}`)
      const got = await Promise.all(
        asked.map(query => client.request('fs.find', { id, query, limit: 1 }, { timeout: 5_000 })),
      )
      assert.deepEqual(got.flat(), asked)
    })

    it('throws the error of the other end with its code and message', async () => {
      const error = new PeerfoldError('file-not-found', '/secret plans.txt')
      peer.handle(handlers({ 'share.stop': async () => Promise.reject(error) }))
      await assert.rejects(client.request('share.stop', { id }, { timeout: 5_000 }), {
        name: 'PeerfoldError',
        code: 'file-not-found',
        message: error.message,
      })
    })

    it('shows an unexpected error as an internal one, and an unknown method as a bad request', async () => {
      peer.handle(handlers({ 'share.stop': async () => Promise.reject(new TypeError('oops')) }))
      await assert.rejects(client.request('share.stop', { id }, { timeout: 5_000 }), {
        code: 'internal',
        message: /oops/,
      })
      const unknown = 'constructor' as Method
      await assert.rejects(client.request(unknown, { id }, { timeout: 5_000 }), { code: 'bad-request' })
    })

    it('stops waiting after the timeout, and tells the other end to give up', async () => {
      const { handler, aborted } = neverAnswers()
      peer.handle(handlers({ 'open.retry': handler }))
      const request = client.request('open.retry', { id }, { timeout: 30 })
      await assert.rejects(request, { code: 'peer-unreachable' })
      await aborted
    })

    it('stops waiting when the caller cancels, and tells the other end to give up', async () => {
      const { handler, aborted, called } = neverAnswers()
      peer.handle(handlers({ 'open.retry': handler }))
      const abort = new AbortController()
      const request = client.request('open.retry', { id }, { timeout: 5_000, signal: abort.signal })
      await called
      abort.abort()
      await assert.rejects(request, { code: 'cancelled' })
      await aborted
      const again = client.request('open.retry', { id }, { timeout: 5_000, signal: abort.signal })
      await assert.rejects(again, { code: 'cancelled' })
    })

    it('ends running requests on both sides when it closes', async () => {
      const { handler, aborted, called } = neverAnswers()
      peer.handle(handlers({ 'open.retry': handler }))
      const request = client.request('open.retry', { id }, { timeout: Number.POSITIVE_INFINITY })
      const rejected = assert.rejects(request, { code: 'peer-unreachable' })
      await called
      client.close()
      await rejected
      await aborted
      await closed(peer)
      assert.equal(client.closed, true)
      await assert.rejects(client.request('open.retry', { id }, { timeout: 1 }), { code: 'peer-unreachable' })
      await peer.notify('notice', { level: 'info', message: 'to nobody' })
    })

    it('brings notifications, in order, until they are no longer wanted', async () => {
      const lines: string[] = []
      const third = new Promise<void>(resolve => {
        const stop = client.onNotification('notice', ({ message }) => {
          lines.push(message)
          if (lines.length < 3) return
          stop()
          resolve()
        })
      })
      for (const message of ['a', 'b', 'c', 'd']) await peer.notify('notice', { level: 'info', message })
      await third
      peer.handle(handlers({ 'share.stop': async () => null }))
      await client.request('share.stop', { id }, { timeout: 5_000 })
      assert.deepEqual(lines, ['a', 'b', 'c'])
    })

    it('refuses to send a message that the other end would not take, and stays usable', async () => {
      peer.handle(
        handlers({
          'fs.read': async () => new Uint8Array(LONGEST_MESSAGE),
          'share.stop': async () => null,
        }),
      )
      const params = { id, path: '/a' as Params<'fs.read'>['path'], limit: 1, timeout: 1 }
      await assert.rejects(client.request('fs.read', params, { timeout: 10_000 }), TOO_LARGE)
      assert.equal(await client.request('share.stop', { id }, { timeout: 5_000 }), null)
    })

    describe('that takes so much', () => {
      const longest = 10_000
      /** What would be sent to another program: more than is taken. */
      const unbounded = Number.POSITIVE_INFINITY
      let limited: Connection
      let other: Connection
      let otherSocket: Socket

      beforeEach(async () => {
        const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
        otherSocket = netConnect(join(folder, 's'))
        other = trusting(otherSocket, { longest: unbounded })
        limited = new Connection(await accepted, { answers: true, longest })
        limited.handle(
          handlers({
            'settings.set': async () => null,
            'fs.find': async ({ limit: length }) => ['x'.repeat(length) as Params<'fs.stat'>['path']],
          }),
        )
      })
      afterEach(() => {
        other.close()
        limited.close()
      })

      const send = (length: number) =>
        other.request('settings.set', { name: 'x'.repeat(length) }, { timeout: 5_000 })
      const get = (length: number) =>
        other.request('fs.find', { id, query: '', limit: length }, { timeout: 5_000 })

      it('answers a request that is too long, keeps nothing of it, and goes on with the next', async () => {
        limited.trust()
        const results = await Promise.allSettled([send(1), send(2_000_000), send(2), send(9_980), send(3)])
        assert.deepEqual(
          results.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
        )
        await assert.rejects(send(20_000), TOO_LARGE)
        assert.equal(await send(9_800), null)
      })

      it('is answered even if what is too long never comes to its end', async () => {
        limited.trust()
        const answered = new Promise<Buffer>(resolve => otherSocket.prependOnceListener('data', resolve))
        const body = encode({ jsonrpc: '2.0', id: 'a', method: 'fs.find', params: 'x'.repeat(500) })
        const length = Buffer.from([0xff, 0xff, 0xff, 0xff])
        for (const byte of Buffer.concat([length, body.subarray(0, 200)])) otherSocket.write(Buffer.of(byte))
        assert.match(String(await answered), /message-too-large.*of at most 10 kB/)
        assert.equal(limited.closed, false)
      })

      it('gives no answer that is too long, and goes on', async () => {
        limited.trust()
        await assert.rejects(get(10_000), TOO_LARGE)
        assert.equal((await get(9_000)).length, 1)
      })

      it('sends nothing that is known to be refused', async () => {
        const before = clientSocket.bytesWritten
        const name = 'x'.repeat(LONGEST_MESSAGE)
        await assert.rejects(client.request('settings.set', { name }, { timeout: 5_000 }), TOO_LARGE)
        assert.equal(clientSocket.bytesWritten, before)
      })

      it('takes no long message from whoever has not proven to be the peer process', async () => {
        const socket = netConnect(join(folder, 's'))
        const accepted = await new Promise<Socket>(resolve => server.once('connection', resolve))
        const unproven = openConnection(socket)
        const ended = closed(unproven)
        accepted.on('error', () => {}) // it is cut off
        accepted.write(Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.alloc(0x10000)]))
        await ended
      })

      it('cuts off whoever is not trusted and sends too much', async () => {
        const ended = closed(other)
        await assert.rejects(send(10_000), { code: 'peer-unreachable' })
        await ended
      })

      it('cuts off whoever sends what is too long and no request', async () => {
        limited.trust()
        const messages = [{ jsonrpc: '2.0', id: 1, result: 'x'.repeat(20_000) }, 'x'.repeat(20_000)]
        for (const message of messages) {
          const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
          const socket = netConnect(join(folder, 's'))
          const connection = new Connection(await accepted, { answers: true, longest })
          connection.trust()
          const body = encode(message)
          const head = Buffer.alloc(4)
          head.writeUInt32BE(body.length)
          socket.on('error', () => {}) // closing follows
          socket.write(Buffer.concat([head, body]))
          await closed(connection)
          socket.destroy()
        }
      })
    })

    for (const [what, bytes] of [
      ['a message that is too long', Buffer.from([0xff, 0xff, 0xff, 0xff])],
      ['what is not MessagePack', Buffer.from([0, 0, 0, 2, 0xc1, 0xc1])],
      ['what is not a message', Buffer.from([0, 0, 0, 1, 0xc0])],
      ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ] as const) {
      it(`ends when the other end sends ${what}`, async () => {
        clientSocket.write(bytes)
        await closed(peer)
        await closed(client)
      })
    }

    for (const size of [1_000, 4_093, 65_536, 1_000_000]) {
      it(`understands messages of many lengths that are cut and joined into pieces of ${size} bytes`, async () => {
        const sent = netConnect(join(folder, 's'))
        const receiver = await new Promise<Connection>(resolve =>
          server.once('connection', socket => resolve(trusting(socket))),
        )
        const lines = [0, 1, 100, 5_000, 70_000, 3, 200_000, 0].map(length => 'x'.repeat(length))
        const received: string[] = []
        receiver.onNotification('notice', ({ message }) => received.push(message))
        const frames = lines.map(line => {
          const params = { level: 'info', message: line }
          const body = encode({ jsonrpc: '2.0', method: 'notice', params })
          const head = Buffer.alloc(4)
          head.writeUInt32BE(body.length)
          return Buffer.concat([head, body])
        })
        const all = Buffer.concat(frames)
        for (let at = 0; at < all.length; at += size) sent.write(all.subarray(at, at + size))
        await eventually('all of them have come', () => received.length === lines.length)
        assert.deepEqual(received, lines)
        sent.destroy()
      })
    }

    it('understands a message that comes in single bytes', async () => {
      const sent = netConnect(join(folder, 's'))
      const other = new Promise<Connection>(resolve =>
        server.once('connection', socket => resolve(trusting(socket))),
      )
      const receiver = await other
      const line = new Promise<string>(resolve =>
        receiver.onNotification('notice', value => resolve(value.message)),
      )
      // {"jsonrpc":"2.0","method":"notice","params":{"level":"info","message":"hi"}}
      const body = Buffer.from(
        '83a76a736f6e727063a3322e30a66d6574686f64a66e6f74696365a6706172616d7382a56c6576656ca4696e666fa76d657373616765a26869',
        'hex',
      )
      const frame = Buffer.concat([Buffer.from([0, 0, 0, body.length]), body])
      for (const byte of frame)
        await new Promise<void>(resolve => sent.write(Buffer.of(byte), () => resolve()))
      assert.equal(await line, 'hi')
      sent.destroy()
    })
  })
})

/** A connection whose other end needs no proof. */
function trusting(socket: Socket, options: ConnectionOptions = {}): Connection {
  const connection = new Connection(socket, options)
  connection.trust()
  return connection
}

function closed(connection: Connection): Promise<void> {
  return new Promise(resolve => connection.onClose(resolve))
}

/** Handlers that refuse everything but the given ones. */
function handlers(given: Partial<Handlers>): Handlers {
  const refuse = async () => Promise.reject(new PeerfoldError('internal', 'not part of this test'))
  return new Proxy({ ...given } as Handlers, {
    get: (target, method) => Reflect.get(target, method) ?? refuse,
  })
}

function neverAnswers() {
  let wasCalled = () => {}
  let wasAborted = () => {}
  const called = new Promise<void>(resolve => {
    wasCalled = resolve
  })
  const aborted = new Promise<void>(resolve => {
    wasAborted = resolve
  })
  const handler = (_: Params<'open.retry'>, signal: AbortSignal): Promise<Result<'open.retry'>> => {
    wasCalled()
    return new Promise(() => signal.addEventListener('abort', wasAborted))
  }
  return { handler, called, aborted }
}
