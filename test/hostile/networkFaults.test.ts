/**
 * The network and the machines fail: cables are pulled, lids are closed, processes die, the DHT is gone. Nobody asks
 * for anything again: what was under way must say what is wrong, and go on by itself.
 *
 * Most of each story is waiting until a connection is found dead, so they are told side by side.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { OpenedShareState, TransferStatus } from '../../src/common/model'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { MovedClock } from '../support/movedClock'
import { NetworkNamespace } from '../support/networkNamespace'
import { PeerProcess, type PeerProcessOptions } from '../support/peerProcess'
import { sideBySide } from '../support/sideBySide'

const MB = 1_000_000
/** A connection is found dead after about 18 seconds. */
const FOUND_DEAD = 40_000
const HOUR = 3_600

attackGroup('faults of the network and of machines', () => {
  const ends: (() => Promise<unknown>)[] = []
  let dht: LocalDht

  before(async function () {
    this.timeout(300_000) // what the first run installs
    dht = await localDht()
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })

  async function localDht(options?: Parameters<typeof startLocalDht>[0]): Promise<LocalDht> {
    const started = await startLocalDht(options)
    ends.push(() => started.stop())
    return started
  }

  async function peer(options: Partial<PeerProcessOptions> = {}): Promise<PeerProcess> {
    const storage = temporaryFolder('peer')
    const started = await PeerProcess.start({ storage, bootstrap: dht.bootstrap, ...options })
    ends.push(() => started.stop())
    return started
  }

  interface Download {
    readonly bob: PeerProcess
    readonly id: ShareId
    readonly source: string
    readonly status: () => Promise<TransferStatus | undefined>
    readonly share: () => Promise<OpenedShareState | undefined>
    /** Waits, asking for nothing, until all is there. */
    readonly arrives: () => Promise<void>
  }

  /** Bob is in the middle of copying what Ann shares. */
  async function midway(ann: PeerProcess, bob: PeerProcess, megabytes = 56): Promise<Download> {
    const files = Array.from({ length: megabytes / 8 }, (_, at) => [`${at}.bin`, randomBytes(8 * MB, at)])
    const source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    const { link } = await ann.share(source)
    return copying(bob, link, source)
  }

  async function copying(bob: PeerProcess, link: string, source: string): Promise<Download> {
    const id = await bob.open(link, true)
    const folder = temporaryFolder('copy')
    const job = `copy-${id.slice(0, 8)}`
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder, job })
    const transfer = async () => (await bob.state()).transfers.find(each => each.id === job)
    await eventually('it is midway', async () => ((await transfer())?.bytes.done ?? 0) > 5 * MB)
    const status = async () => (await transfer())?.status
    assert.equal((await status())?.kind, 'running')
    return {
      bob,
      id,
      source,
      status,
      share: async () => (await bob.state()).opened.find(share => share.id === id),
      arrives: async () => {
        await eventually('all is there', async () => (await status())?.kind === 'done', FOUND_DEAD)
        assert.deepEqual(await compareTrees(source, folder), [])
      },
    }
  }

  async function isStalled({ status }: Download): Promise<boolean> {
    const now = await status()
    return now?.kind === 'paused' && now.error.code === 'stalled'
  }

  function signal(name: 'SIGSTOP' | 'SIGCONT', ...peers: PeerProcess[]): void {
    for (const { process } of peers) process.kill(name)
  }

  function assertNobodyBlamed(...peers: PeerProcess[]): void {
    for (const { process } of peers)
      assert.deepEqual(
        process.stdout.filter(line => line.includes('is turned away')),
        [],
      )
  }

  async function followed({ bob, id, source }: Download): Promise<void> {
    writeFileSync(join(source, 'later.txt'), 'later')
    await eventually('a change arrives', async () => {
      const list = await bob.request('fs.list', { id, path: '/' as DrivePath })
      return list.some(({ name }) => name === 'later.txt')
    })
  }

  sideBySide({
    'when the network is gone a download says so, and goes on when it is back': async skip => {
      const network = await NetworkNamespace.start()
      if (typeof network === 'string') return skip(network)
      ends.push(() => network.stop())
      const { launcher } = network
      const { bootstrap } = await localDht({ launcher })
      const ann = await peer({ launcher, bootstrap })
      const download = await midway(ann, await peer({ launcher, bootstrap }))
      network.down()
      await eventually('it pauses', () => isStalled(download), FOUND_DEAD)
      const share = await download.share()
      assert.deepEqual(share?.status, { kind: 'offline', why: 'bootstrap-unreachable' })
      assert.equal((await download.bob.state()).network.kind, 'unreachable')
      network.up()
      await download.arrives()
      assert.equal((await download.bob.state()).network.kind, 'online')
      await followed(download)
      assertNobodyBlamed(ann, download.bob)
    },

    'when the machine of the one who shares sleeps, the rest comes after it wakes': async () => {
      const ann = await peer()
      const download = await midway(ann, await peer())
      signal('SIGSTOP', ann)
      await eventually('it pauses', () => isStalled(download), FOUND_DEAD)
      signal('SIGCONT', ann)
      await download.arrives()
      await followed(download)
      assertNobodyBlamed(ann, download.bob)
    },

    'when the machine of the one who downloads sleeps for an hour, the rest comes after it wakes':
      async skip => {
        const clock = await MovedClock.start('all')
        if (typeof clock === 'string') return skip(clock)
        const ann = await peer()
        const download = await midway(ann, await peer({ env: clock.env }))
        signal('SIGSTOP', download.bob)
        await eventually(
          'Ann finds the connection dead',
          async () => (await ann.state()).peers.length === 0,
          FOUND_DEAD,
        )
        clock.moveTo(HOUR)
        signal('SIGCONT', download.bob)
        await download.arrives()
        await followed(download)
        assertNobodyBlamed(ann, download.bob)
      },

    'without the DHT those who know each other go on, and all find each other when it is back': async () => {
      const own = await localDht()
      const { bootstrap } = own
      const ann = await peer({ bootstrap })
      const bob = await peer({ bootstrap })
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const { link } = await ann.share(source)
      const id = await bob.open(link, true)
      await own.stop()

      writeFileSync(join(source, 'b.txt'), 'b')
      const target = temporaryFolder('target')
      await eventually('a change arrives', async () => {
        const list = await bob.request('fs.list', { id, path: '/' as DrivePath })
        return list.some(({ name }) => name === 'b.txt')
      })
      await bob.copy(id, target)
      assert.deepEqual(await compareTrees(source, target), [])

      const carl = await peer({ bootstrap })
      await carl.request('open.add', { link, keep: true })
      const ofCarl = async () => (await carl.state()).opened.find(share => share.id === id)?.status
      await eventually('Carl knows why nobody is found', async () => {
        const status = await ofCarl()
        return status?.kind === 'searching' && status.why === 'bootstrap-unreachable'
      })
      await localDht({ port: Number(bootstrap.split(':')[1]) })
      await eventually(
        'Carl finds the others',
        async () => (await ofCarl())?.kind === 'connected',
        FOUND_DEAD,
      )
      const copy = temporaryFolder('target')
      await carl.copy(id, copy)
      assert.deepEqual(await compareTrees(source, copy), [])
    },

    'when one of two dies in the middle of a block, the rest comes from the other': async () => {
      const ann = await peer()
      const carl = await peer()
      const download = await (async () => {
        const source = await makeTree(
          temporaryFolder('source'),
          Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`${at}.bin`, randomBytes(8 * MB, at)])),
        )
        const { link } = await ann.share(source)
        const id = await carl.open(link, true)
        await carl.request('seed.wait', { id, job: 'seed' }, 60_000)
        return copying(await peer(), link, source)
      })()
      await ann.kill()
      await download.arrives()
    },

    'when the only one dies in the middle of a block, the rest comes when it is back': async () => {
      const ann = await peer()
      const download = await midway(ann, await peer())
      await ann.kill()
      await eventually('it pauses', () => isStalled(download), FOUND_DEAD)
      await peer({ storage: ann.options.storage })
      await download.arrives()
      await followed(download)
    },
  })
})
