/** Programs of different ages on one data folder: the newer one takes over, the older one is told so. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { attachToPeer } from '../../src/client/attach'
import { endedInOrder } from '../../src/client/ended'
import { endHolder, holdingOf } from '../../src/client/lockHolder'
import { PeerClient } from '../../src/client/peerClient'
import type { DriveKey, DrivePath } from '../../src/common/brand'
import { formatKey } from '../../src/common/link'
import { PROTOCOL_VERSION } from '../../src/common/protocol'
import { VERSION } from '../../src/common/version'
import { newKey } from '../../src/wire/challenge'
import { ensureDataFolder } from '../../src/wire/dataFolder'
import { type Endpoint, processSpace, readEndpoint, writeEndpoint } from '../../src/wire/endpoint'
import { eventually, isRunning } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { type OwnedProcess, startProcess } from '../support/ownedProcess'
import { PeerProcess } from '../support/peerProcess'
import { peerfold, startPeerfold } from '../support/processes'
import { peerProgramOfVersion } from '../support/programOfVersion'
import { built } from '../support/projectRoot'
import { frame, messagesOf, type ReceivedMessage } from '../support/recordingSocket'

const bootstrap = '127.0.0.1:9'

describe('programs of two ages on one data folder', () => {
  let storage: string
  let earlier: OwnedProcess | undefined
  let client: PeerClient | undefined

  before(function () {
    if (processSpace() === undefined) this.skip() // nobody is shown to hold a lock there
  })
  beforeEach(() => {
    storage = temporaryFolder('ages')
    ensureDataFolder(storage)
    earlier = undefined
    client = undefined
  })
  afterEach(async () => {
    client?.dispose()
    earlier?.kill('SIGKILL')
    await peerfold(['stop'], { storage })
  })

  async function startEarlier(...key: string[]): Promise<OwnedProcess> {
    const program = built('test/support/earlierPeer.process.js')
    earlier = startProcess(process.execPath, [program, storage, join(storage, 's.sock'), ...key])
    await earlier.line(line => line === 'listening')
    return earlier
  }
  /** As if it ran where its process cannot be looked at: on another system, or in another container. */
  async function hideProcess(): Promise<void> {
    const endpoint = await readEndpoint(storage)
    assert.ok(endpoint)
    await writeEndpoint(storage, { ...endpoint, processes: 'pid:[1]' })
  }
  function newClient(): PeerClient {
    client = new PeerClient({
      storage,
      client: 'window',
      bootstrap: [bootstrap],
      peerProgram: built('peer.js'),
    })
    return client
  }

  it('the newer one ends a process of 0.3.0 in order, tells it nothing, and takes over', async () => {
    const older = await startEarlier()
    const { code, stdout } = await peerfold(['status'], { storage })
    assert.equal(code, 1)
    assert.equal(isRunning(older.pid), true, 'whoever only looks ends nothing')
    assert.deepEqual(stdout, [])

    const { hello } = await newClient().connect()
    assert.deepEqual(await older.ended, { code: 0, signal: null })
    assert.deepEqual(older.stdout, ['listening', 'asked'])
    assert.notEqual(hello.pid, older.pid)
    assert.equal((await readEndpoint(storage))?.protocol, PROTOCOL_VERSION)
  })

  it('two newer ones that come at once end it once and meet in one process', async () => {
    const older = await startEarlier()
    const first = newClient()
    const second = newClient()
    try {
      const [one, two] = await Promise.all([first.connect(), second.connect()])
      assert.equal(one.hello.pid, two.hello.pid)
      await older.ended
    } finally {
      first.dispose()
    }
  })

  it('“stop” ends one of 0.3.0', async () => {
    const older = await startEarlier()
    const { code, stdout } = await peerfold(['stop'], { storage })
    assert.equal(code, 0, stdout.join('\n'))
    assert.deepEqual(await older.ended, { code: 0, signal: null })
    assert.deepEqual(older.stdout, ['listening', 'asked'])
  })

  it('where nobody can show which process that is, it is left alone, and the newer one says what to do', async () => {
    const older = await startEarlier()
    await hideProcess()
    await assert.rejects(newClient().connect(), { code: 'peer-older', message: /older Peerfold \(0\.3\.0\)/ })
    const { code, stderr } = await peerfold(['stop'], { storage })
    assert.equal(code, 1)
    assert.match(stderr.join('\n'), /older Peerfold \(0\.3\.0\).*its own “peerfold stop”/)
    assert.deepEqual(older.stdout, ['listening'], 'it was sent something, or a signal')
    older.kill('SIGKILL') // and what it leaves behind keeps nobody from starting
    await older.ended
    assert.equal((await newClient().connect()).hello.protocol, PROTOCOL_VERSION)
  })

  it('one that can prove itself is asked to end, in its own protocol, on systems that show no process, too', async () => {
    const older = await startEarlier(newKey())
    await hideProcess()
    const { hello } = await newClient().connect()
    assert.deepEqual(await older.ended, { code: 0, signal: null })
    assert.deepEqual(older.stdout, ['listening', `stop {"successor":"${VERSION}"}`])
    assert.equal(hello.protocol, PROTOCOL_VERSION)
  })

  it('“stop” asks one that can prove itself', async () => {
    const older = await startEarlier(newKey())
    await hideProcess()
    assert.equal((await peerfold(['stop'], { storage })).code, 0)
    assert.deepEqual(await older.ended, { code: 0, signal: null })
    assert.deepEqual(older.stdout, ['listening', 'stop {}'])
  })

  it('a process of a newer version is left alone, and this one says to update it', async () => {
    const newer = await PeerProcess.start({ storage, bootstrap })
    try {
      const endpoint = await readEndpoint(storage)
      assert.ok(endpoint)
      await writeEndpoint(storage, { ...endpoint, protocol: PROTOCOL_VERSION + 1 })
      await assert.rejects(newClient().connect(), { code: 'peer-newer', message: /Update this one/ })
      await hideProcess()
      await assert.rejects(newClient().connect(), { code: 'peer-newer' })
      assert.equal(isRunning(newer.process.pid), true)
    } finally {
      await newer.stop()
    }
  })

  it('one of 0.3.0 that meets a newer process shows it nothing that admits, and is told why', async () => {
    const newer = await PeerProcess.start({ storage, bootstrap })
    try {
      const { socket, pid, version } = JSON.parse(readFileSync(join(storage, 'endpoint.json'), 'utf8'))
      assert.deepEqual([typeof socket, pid, typeof version], ['string', newer.process.pid, 'string'])
      const token = readFileSync(join(storage, 'token'), 'utf8').trim() // what 0.3.0 reads and sends
      const params = { protocol: 1, token, client: 'command' }
      const answer = await answerTo(socket, { jsonrpc: '2.0', id: 0, method: 'hello', params })
      assert.match(JSON.stringify(answer), /"code":"peer-newer".*A newer Peerfold is running/)
      assert.doesNotMatch(JSON.stringify(answer), /state|pid/)
      const key = (await readEndpoint(storage))?.key ?? ''
      assert.match(key, /^[0-9a-f]{64}$/)
      assert.equal(token.includes(key), false)
    } finally {
      await newer.stop()
    }
  })
})

describe('programs of two versions that understand each other', () => {
  const LATER = '99.0.0'
  let storage: string
  const clients: PeerClient[] = []

  beforeEach(() => {
    storage = temporaryFolder('versions')
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.dispose()
    await peerfold(['stop'], { storage })
  })

  /** A window of some version, with the program of that version. */
  function window(version: string): PeerClient {
    const peerProgram = version === VERSION ? built('peer.js') : peerProgramOfVersion(version)
    const client = new PeerClient({ storage, client: 'window', bootstrap: [bootstrap], peerProgram, version })
    clients.push(client)
    return client
  }
  const pidNow = async () => (await readEndpoint(storage))?.pid
  const starts = () => readFileSync(join(storage, 'peer.log'), 'utf8').match(/listening, pid/g)?.length

  it('the newer one takes over once; windows, commands and transfers of the older one go on there', async () => {
    const older = window(VERSION)
    const crashes: string[] = []
    older.on('restarted', () => crashes.push('told of a crash'))
    const { hello: first } = await older.connect()
    const [link = '', other = ''] = ['7', '8'].map(digit => formatKey(digit.repeat(64) as DriveKey))
    const { id } = await older.request('open.add', { link, keep: true }, { timeout: 9_000 })
    const copy = { id, path: '/' as DrivePath, folder: temporaryFolder('copy'), job: 'begun-before' }
    await older.request('copy.start', copy, { timeout: 9_000 })
    const command = startPeerfold(['get', other, temporaryFolder('got'), '--timeout', '120'], { storage })
    try {
      await eventually('the command is under way', async () => {
        const { transfers, opened } = await older.request('state.get', {}, { timeout: 9_000 })
        return transfers.length > 0 && opened.length === 2
      })

      const newer = window(LATER)
      const { hello } = await newer.connect()
      assert.equal(hello.version, LATER)
      assert.notEqual(hello.pid, first.pid)
      assert.equal(isRunning(first.pid), false)
      assert.deepEqual(
        hello.state.transfers.map(({ id }) => id),
        ['begun-before'],
      )
      await command.line(line => line.includes('A newer Peerfold takes over'), { from: 'stderr' })

      await eventually('the older window is in the process of the newer', () => {
        const { status } = older
        return status.kind === 'running' && status.pid === hello.pid
      })
      assert.deepEqual(crashes, [])
      assert.equal((await older.request('state.get', {}, { timeout: 9_000 })).me.id, first.state.me.id)

      // Whoever of them comes now stays with it: they do not end each other in turn.
      await window(VERSION).connect()
      await window(LATER).connect()
      assert.equal((await peerfold(['status'], { storage })).code, 0)
      assert.equal(await pidNow(), hello.pid)
      assert.equal(starts(), 2)
      assert.equal(command.child.exitCode, null, command.stderr.join('\n'))
    } finally {
      await command.stop()
    }
  })

  it('a newer window that only joins takes over, too, and one whose program is older than itself stays', async () => {
    const { hello: first } = await window(VERSION).connect()
    const newer = window(LATER)
    assert.equal(await newer.join(), true)
    const pid = await pidNow()
    assert.notEqual(pid, first.pid)
    assert.equal(newer.status.kind === 'running' && newer.status.version, LATER)

    const mixed = new PeerClient({
      storage,
      client: 'window',
      bootstrap: [bootstrap],
      peerProgram: built('peer.js'),
      version: '100.0.0',
    })
    clients.push(mixed)
    const { hello } = await mixed.connect()
    assert.equal(hello.version, VERSION, 'it ended its own process again')
    assert.equal(isRunning(hello.pid), true)
  })
})

describe('a process id in a file', () => {
  let storage: string
  let sleeper: OwnedProcess

  before(function () {
    if (processSpace() === undefined) this.skip()
  })
  beforeEach(() => {
    storage = temporaryFolder('ids')
    ensureDataFolder(storage)
    sleeper = startProcess('sleep', ['60'])
  })
  afterEach(() => sleeper?.stop())

  it('is the peer process’s only while that holds the lock', async () => {
    const peer = await PeerProcess.start({ storage, bootstrap })
    const { pid } = peer.process
    const other = temporaryFolder('other')
    closeSync(openSync(join(other, 'lock'), 'a+'))
    assert.equal(holdingOf(storage, { pid }), 'held')
    assert.equal(holdingOf(other, { pid }), 'not-held', 'it holds another lock')
    assert.equal(holdingOf(storage, { pid: sleeper.pid }), 'not-held')
    assert.equal(holdingOf(storage, { pid, processes: 'pid:[1]' }), 'unknown', 'an id of another container')
    await peer.stop()
    assert.equal(holdingOf(storage, { pid }), 'not-held')

    const opened = openSync(join(storage, 'lock'), 'a+')
    assert.equal(holdingOf(storage, { pid: process.pid }), 'not-held', 'open is not locked')
    closeSync(opened)
  })

  it('that another program has by now gets no signal, from nobody', async () => {
    const left: Endpoint = {
      socket: join(storage, 's.sock'),
      pid: sleeper.pid,
      version: '0.3.0',
      protocol: PROTOCOL_VERSION,
    }
    for (const endpoint of [left, { ...left, protocol: 1 }, { ...left, processes: 'pid:[1]' }]) {
      await writeEndpoint(storage, endpoint)
      assert.equal(endHolder(storage, endpoint), false)
      assert.equal((await peerfold(['stop'], { storage })).code, 0)
      assert.equal(await attachToPeer({ storage, client: 'command' }), undefined)
    }
    assert.equal(isRunning(sleeper.pid), true)
  })

  it('that another program has by now is not waited for', async () => {
    writeFileSync(join(storage, 'lock'), '')
    const started = performance.now()
    assert.equal(await endedInOrder(storage, sleeper.pid), true)
    assert.ok(performance.now() - started < 4_000, 'it waited for a stranger')
  })

  it('of a peer process that does not answer gets the signal', async () => {
    const peer = await PeerProcess.start({ storage, bootstrap })
    peer.process.kill('SIGSTOP')
    const stopped = peerfold(['stop'], { storage })
    const hasSignal = () =>
      /^ShdPnd:.*4\d{3}$/m.test(readFileSync(`/proc/${peer.process.pid}/status`, 'utf8'))
    await eventually('the signal waits for it', hasSignal, 25_000)
    peer.process.kill('SIGCONT')
    assert.equal((await stopped).code, 0)
    assert.equal((await peer.process.ended).code, 0)
  })
})

/** The first answer to a message on a socket. */
function answerTo(path: string, message: object): Promise<ReceivedMessage> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connectSocket(path, () => socket.write(frame(message)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
    socket.on('data', part => {
      parts.push(part)
      const [answer] = messagesOf(Buffer.concat(parts))
      if (answer === undefined) return
      resolve(answer)
      socket.destroy()
    })
  })
}
