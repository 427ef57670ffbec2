/** A window's side of the peer process: found or started, watched, started again after a crash, let go. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectToPeer } from '../../src/client/connect'
import { PeerClient, type PeerStatus } from '../../src/client/peerClient'
import type { ShareId } from '../../src/common/brand'
import { ensureDataFolder } from '../../src/wire/dataFolder'
import { eventually, isRunning } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { peerfold } from '../support/processes'
import { built } from '../support/projectRoot'

const timeout = 10_000
const NO_ID = 'y'.repeat(52) as ShareId

describe('a window’s peer client', () => {
  let storage: string
  let clients: PeerClient[]

  const newClient = () => {
    const client = new PeerClient({
      storage,
      client: 'window',
      bootstrap: ['127.0.0.1:9'],
      peerProgram: built('peer.js'),
    })
    clients.push(client)
    return client
  }
  const pidOf = async (client: PeerClient) => (await client.connect()).hello.pid

  beforeEach(() => {
    storage = temporaryFolder('storage')
    clients = []
  })
  afterEach(async () => {
    for (const client of clients) client.dispose()
    await peerfold(['stop'], { storage })
  })

  it('starts nothing until it is asked for something', async () => {
    const client = newClient()
    assert.deepEqual(client.status, { kind: 'idle' })
    const { events } = await peerfold(['status', '--json'], { storage })
    assert.equal(events[0]?.running, false)
    const state = await client.request('state.get', {}, { timeout })
    assert.equal(Array.isArray(state.shares), true)
    assert.equal(client.status.kind, 'running')
  })

  it('shares one peer process with every other window, and leaves it to them', async () => {
    const [one, two] = [newClient(), newClient()]
    const [pid, other] = await Promise.all([pidOf(one), pidOf(two)])
    assert.equal(pid, other)
    one.dispose()
    await assert.rejects(one.request('state.get', {}, { timeout }), { code: 'cancelled' })
    assert.equal((await two.request('state.get', {}, { timeout })).shares.length, 0)
  })

  it('starts the peer process again after a crash, and says so once', async () => {
    const client = newClient()
    const pid = await pidOf(client)
    const seen: PeerStatus['kind'][] = []
    let restarts = 0
    client.on('status', ({ kind }) => seen.push(kind))
    const restarted = new Promise<void>(resolve => {
      client.on('restarted', () => {
        restarts++
        resolve()
      })
    })
    process.kill(pid, 'SIGKILL')
    await restarted
    assert.deepEqual(seen, ['restarting', 'starting', 'running'])
    assert.notEqual(await pidOf(client), pid)
    assert.equal(restarts, 1)
  })

  it('leaves a peer process alone that was stopped, until it is needed again', async () => {
    const client = newClient()
    const pid = await pidOf(client)
    const idle = new Promise<void>(resolve => {
      client.on('status', ({ kind }) => {
        if (kind === 'idle') resolve()
      })
    })
    assert.equal((await peerfold(['stop'], { storage })).code, 0)
    await idle
    assert.equal(isRunning(pid), false)
    assert.notEqual(await pidOf(client), pid)
  })

  it('knows of a request that was cut off whether the process crashed or was ended', async () => {
    const client = newClient()
    const pid = await pidOf(client)
    const { losses } = client
    const cutOff = client.request('open.ready', { id: NO_ID, newest: true, timeout }, { timeout })
    process.kill(pid, 'SIGKILL')
    await assert.rejects(cutOff)
    await pidOf(client)
    assert.equal(client.losses, losses + 1)
    await peerfold(['stop'], { storage })
    await client.judged()
    assert.equal(client.status.kind, 'idle')
  })

  it('joins what runs, and starts nothing where nothing does', async () => {
    const onlooker = newClient()
    assert.equal(await onlooker.join(), false)
    assert.deepEqual(onlooker.status, { kind: 'idle' })
    const pid = await pidOf(newClient())
    assert.equal(await onlooker.join(), true)
    assert.equal(await pidOf(onlooker), pid)
  })

  it('passes on what happens, also after a restart', async () => {
    const client = newClient()
    const pid = await pidOf(client)
    const restarted = new Promise<void>(resolve => client.on('restarted', resolve))
    process.kill(pid, 'SIGKILL')
    await restarted
    const named = new Promise<void>(resolve => {
      client.on('state', ({ me }) => {
        if (me.name === 'Zoë') resolve()
      })
    })
    await client.request('settings.set', { name: 'Zoë' }, { timeout })
    await named
  })

  it('refuses a peer process with other bootstrap nodes, saying which it uses', async () => {
    await pidOf(newClient())
    const other = connectToPeer({
      storage,
      client: 'window',
      bootstrap: ['127.0.0.1:10'],
      peerProgram: built('peer.js'),
    })
    await assert.rejects(other, { code: 'bootstrap-differs', message: /127\.0\.0\.1:9/ })
  })

  it('says why when the peer process cannot start', async () => {
    ensureDataFolder(storage)
    const broken = new PeerClient({ storage, client: 'window', peerProgram: built('nothing.js') })
    clients.push(broken)
    await assert.rejects(broken.connect(), { code: 'internal', message: /did not start/ })
    assert.equal(broken.status.kind, 'failed')
  })

  it('waits longer than for anybody else for one that it started and that still runs', async () => {
    const slow = join(temporaryFolder('slow'), 'peer.js')
    writeFileSync(slow, `setTimeout(() => require(${JSON.stringify(built('peer.js'))}), 16_000)`)
    const client = new PeerClient({ storage, client: 'window', peerProgram: slow })
    clients.push(client)
    const started = performance.now()
    await client.connect()
    assert.ok(performance.now() - started > 15_000, 'it was not slow')
  })

  it('lets the peer process go when it is disposed: nothing is left behind', async () => {
    const client = newClient()
    const pid = await pidOf(client)
    client.dispose()
    await eventually('the peer process has ended', () => !isRunning(pid), 30_000)
  }).timeout(40_000)
})
