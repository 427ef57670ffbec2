/**
 * What a window or command believes of the socket that its data folder names: whoever listens there, another user of
 * the machine or a program that took the name, is told nothing and shows nothing before it has proven itself.
 */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { attachToPeer } from '../../src/client/attach'
import { PROTOCOL_VERSION } from '../../src/common/protocol'
import { newKey, newNonce, proofOf } from '../../src/wire/challenge'
import { ensureDataFolder } from '../../src/wire/dataFolder'
import { type Endpoint, processSpace, readEndpoint, writeEndpoint } from '../../src/wire/endpoint'
import { attackGroup, attackGroups } from '../support/attacks'
import { isRunning } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { startProcess } from '../support/ownedProcess'
import { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'
import { type ReceivedMessage, RecordingSocket, type Reply } from '../support/recordingSocket'

const NOBODY = 65_534
const bootstrap = '127.0.0.1:9'

attackGroups('who listens where a peer process did', () => {
  attackGroup('another user of the machine', () => {
    it('who made the folder of the socket anew gets nothing, and their answers are not shown', async function () {
      if (process.platform === 'win32' || process.getuid?.() !== 0) this.skip()
      const storage = temporaryFolder('storage')
      const shared = temporaryFolder('tmp')
      chmodSync(shared, 0o1777)
      const env = { TMPDIR: shared, XDG_RUNTIME_DIR: undefined }
      const peer = await PeerProcess.start({ storage, bootstrap, env })
      const { link } = await peer.share(await makeTree(temporaryFolder('mine'), { 'diary.txt': 'dear' }))
      const { socket } = (await readEndpoint(storage)) ?? { socket: '' }
      assert.equal(dirname(dirname(socket)), shared)
      await peer.kill() // as a restart of the machine does: the endpoint file stays, the temporary folder goes
      rmSync(dirname(socket), { recursive: true })

      const thief = startProcess(process.execPath, ['-e', thiefAt(socket)], { user: NOBODY })
      try {
        await thief.line(line => line === 'listening')
        const { stdout } = await peerfold(['status'], { storage, bootstrap, env })
        assert.deepEqual(stdout, ['No peer process is running.'])
        const listed = await peerfold(['ls', link], { storage, bootstrap, env })
        assert.equal(listed.code, 0, listed.stderr.join('\n'))
        assert.match(listed.stdout.join('\n'), /diary\.txt/)
        assert.deepEqual(thief.stdout, ['listening'], 'somebody connected')
      } finally {
        await thief.stop()
        await peerfold(['stop'], { storage })
      }
    })

    it('whose folder is named as the data folder is given nothing', async function () {
      if (process.platform === 'win32' || process.getuid?.() !== 0) this.skip()
      const storage = join(temporaryFolder('theirs'), 'data')
      ensureDataFolder(storage)
      writeFileSync(join(storage, 'token'), 'x')
      chownSync(storage, NOBODY, NOBODY)
      const { code, stderr } = await peerfold(['share', __dirname], { storage, bootstrap })
      assert.equal(code, 1)
      assert.match(stderr.join('\n'), /belongs to another user/)
    })
  })

  attackGroup('a program at the name of the socket', () => {
    let storage: string
    let peer: PeerProcess
    let real: Endpoint
    let fake: RecordingSocket | undefined

    before(async () => {
      storage = temporaryFolder('storage')
      peer = await PeerProcess.start({ storage, bootstrap })
      const endpoint = await readEndpoint(storage)
      assert.ok(endpoint)
      real = endpoint
    })
    afterEach(async () => {
      await fake?.close()
      fake = undefined
      await writeEndpoint(storage, real)
    })
    after(() => peer?.stop())

    const attach = () => attachToPeer({ storage, client: 'command' })

    /** The endpoint file names another socket; the process that it names holds the lock. */
    async function named(reply: Reply): Promise<RecordingSocket> {
      const socket = join(dirname(real.socket), 'fake.sock')
      await writeEndpoint(storage, { ...real, socket })
      fake = await RecordingSocket.at(socket, reply)
      return fake
    }

    const nonceOf = ({ params }: ReceivedMessage) =>
      params?.nonce instanceof Uint8Array ? params.nonce : new Uint8Array(32)
    const meetingAt = (message: ReceivedMessage, peerNonce: Uint8Array) => {
      const socket = join(dirname(real.socket), 'fake.sock')
      return { protocol: PROTOCOL_VERSION, socket, clientNonce: nonceOf(message), peerNonce }
    }
    const said = (nonce: unknown, proof: unknown): object => ({ result: { nonce, proof } })
    const error = (code: string): object => ({
      error: { code: 1, message: 'pay me', data: { code, message: 'pay me' } },
    })
    const REPLIES: Record<string, Reply> = {
      'the client’s number as proof': message => said(newNonce(), nonceOf(message)),
      'zeros as proof': () => said(newNonce(), new Uint8Array(32)),
      'a proof with a key of its own': message => {
        const nonce = newNonce()
        return said(nonce, proofOf('peer', newKey(), meetingAt(message, nonce)))
      },
      'nothing in its answer': () => ({ result: null }),
      'text for bytes': () => said('x'.repeat(32), 'y'.repeat(32)),
      'a short proof': () => said(newNonce(), new Uint8Array(31)),
      'a whole welcome at once': () => ({
        result: { protocol: PROTOCOL_VERSION, version: '9.9.9', pid: 1, state: {} },
      }),
      'an error of the catalogue': () => error('bootstrap-differs'),
      'that it is newer': () => error('peer-newer'),
      'that it was cancelled': () => error('cancelled'),
    }
    for (const [what, reply] of Object.entries(REPLIES)) {
      it(`that answers ${what} gets 32 random bytes, and is not believed`, async () => {
        const listener = await named(reply)
        assert.equal(await attach(), undefined)
        assert.equal(listener.connections, 1)
        const [message, ...others] = listener.messages
        assert.deepEqual(others, [])
        assert.equal(message?.method, 'challenge')
        assert.deepEqual(Object.keys(message.params ?? {}).sort(), ['nonce', 'protocol'])
        assert.equal(nonceOf(message).length, 32)
        assert.equal(listener.received.includes(real.key ?? '?'), false)
      })
    }

    it('gets another number each time', async () => {
      const listener = await named(REPLIES['zeros as proof'] ?? (() => undefined))
      await attach()
      await attach()
      const [one, two] = listener.messages
      assert.ok(one && two)
      assert.notDeepEqual(nonceOf(one), nonceOf(two))
    })

    it('that knows the key would be believed: these tests can fail', async () => {
      const listener = await named(message => {
        const nonce = newNonce()
        if (message.method !== 'challenge') return error('bad-request')
        return said(nonce, proofOf('peer', real.key ?? '', meetingAt(message, nonce)))
      })
      await attach()
      assert.deepEqual(
        listener.messages.map(({ method }) => method),
        ['challenge', 'hello'],
      )
    })

    it('that passes everything on to the peer process from a socket of another name is found out', async () => {
      const socket = join(dirname(real.socket), 'fake.sock')
      await writeEndpoint(storage, { ...real, socket })
      fake = await RecordingSocket.relay(socket, real.socket)
      assert.equal(await attach(), undefined)
      assert.deepEqual(
        fake.messages.map(({ method }) => method),
        ['challenge'],
      )
    })

    it('is not connected to when others may write to the socket or its folder', async function () {
      if (process.platform === 'win32') this.skip()
      const socket = join(temporaryFolder('open'), 's')
      await writeEndpoint(storage, { ...real, socket })
      fake = await RecordingSocket.at(socket)
      chmodSync(socket, 0o666)
      assert.equal(await attach(), undefined)
      chmodSync(socket, 0o600)
      chmodSync(dirname(socket), 0o777)
      assert.equal(await attach(), undefined)
      assert.equal(fake.connections, 0)
    })

    it('is not connected to when the process in the file does not hold the lock', async function () {
      if (processSpace() === undefined) this.skip()
      const listener = await named(() => undefined)
      const socket = join(dirname(real.socket), 'fake.sock')
      await writeEndpoint(storage, { ...real, socket, pid: process.pid })
      assert.equal(await attach(), undefined)
      assert.equal(listener.connections, 0)
    })

    it('cannot have another program of this user ended by “stop”', async () => {
      const sleeper = startProcess('sleep', ['60'])
      try {
        await named(() => ({ error: { code: -32_603, message: 'no' } }))
        const socket = join(dirname(real.socket), 'fake.sock')
        for (const left of [{}, { processes: 'pid:[1]' }]) {
          await writeEndpoint(storage, { ...real, ...left, socket, pid: sleeper.pid })
          const { code, stdout } = await peerfold(['stop'], { storage })
          assert.equal(code, 0)
          assert.deepEqual(stdout, ['No peer process is running.'])
        }
        assert.equal(isRunning(sleeper.pid), true)
      } finally {
        await sleeper.stop()
      }
    })
  })
})

/** A program that makes the folder and the socket for everybody, and says what it is sent. */
function thiefAt(socket: string): string {
  return `
    const fs = require('node:fs'), net = require('node:net'), path = require('node:path')
    const socket = ${JSON.stringify(socket)}
    fs.mkdirSync(path.dirname(socket), { mode: 0o755 })
    net.createServer(client => {
      console.log('connected')
      client.on('error', () => {}).on('data', part => console.log(part.toString('hex')))
    }).listen(socket, () => { fs.chmodSync(socket, 0o777); console.log('listening') })`
}
