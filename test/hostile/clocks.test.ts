/**
 * Clocks that jump: somebody sets the time of day, a machine wakes and hours have passed. Transfers, bans, what is
 * followed and what is written down must not care. libfaketime moves the clocks of real processes.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf } from '../support/hostilePeer'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { MovedClock, type MovedClocks } from '../support/movedClock'
import { PeerProcess, type PeerProcessOptions } from '../support/peerProcess'
import { type Story, sideBySide } from '../support/sideBySide'

const MB = 1_000_000
const HOUR = 3_600
const YEAR = 365 * 24 * HOUR

attackGroup('clocks that jump', () => {
  const ends: (() => Promise<unknown>)[] = []
  let dht: LocalDht

  before(async () => {
    dht = await startLocalDht()
    ends.push(() => dht.stop())
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })

  /** A story that moves a clock of its own. */
  function withClock(clocks: MovedClocks, tell: (clock: MovedClock) => Promise<void>): Story {
    return async skip => {
      const clock = await MovedClock.start(clocks)
      if (typeof clock === 'string') skip(clock)
      else await tell(clock)
    }
  }

  async function peer(options: Partial<PeerProcessOptions> = {}): Promise<PeerProcess> {
    const storage = temporaryFolder('peer')
    const started = await PeerProcess.start({ storage, bootstrap: dht.bootstrap, ...options })
    ends.push(() => started.stop())
    return started
  }

  async function folder(megabytes: number): Promise<string> {
    const files = Array.from({ length: megabytes / 8 }, (_, at) => [`${at}.bin`, randomBytes(8 * MB, at)])
    return makeTree(temporaryFolder('source'), Object.fromEntries(files))
  }

  /** Starts a copy and resolves in the middle of it. */
  async function midway(bob: PeerProcess, id: ShareId, target: string): Promise<void> {
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder: target, job: 'clock' })
    const isMidway = async () => {
      const [transfer] = (await bob.state()).transfers
      return (transfer?.bytes.done ?? 0) > 5 * MB
    }
    await eventually('it is midway', isMidway, 20_000, 10)
  }

  async function arrives(bob: PeerProcess, source: string, target: string): Promise<void> {
    await bob.request('copy.wait', { job: 'clock', timeout: 5_000 }, 20_000)
    assert.deepEqual(await compareTrees(source, target), [])
  }

  async function follows(bob: PeerProcess, id: ShareId, source: string, name: string): Promise<void> {
    writeFileSync(join(source, name), name)
    await eventually(`${name} arrives`, async () =>
      (await bob.request('fs.list', { id, path: '/' as DrivePath })).some(entry => entry.name === name),
    )
  }

  const turnedAway = ({ process }: PeerProcess) =>
    process.stdout.filter(line => line.includes('is turned away'))

  sideBySide({
    'forward and back by hours and years disturb neither a download nor what is followed or written down':
      withClock('wall', async clock => {
        const [annsPlace, bobsPlace] = [temporaryFolder('ann'), temporaryFolder('bob')]
        const ann = await peer({ env: clock.env, storage: annsPlace })
        const bob = await peer({ env: clock.env, storage: bobsPlace })
        const source = await folder(56)
        const shared = await ann.share(source)
        const id = await bob.open(shared.link, true)
        const target = temporaryFolder('target')
        await midway(bob, id, target)
        for (const jump of [5 * HOUR, -3 * HOUR, YEAR, -YEAR]) {
          clock.moveTo(jump)
          const before = (await bob.state()).transfers[0]?.bytes.done ?? 0
          await eventually('it goes on', async () => {
            const [transfer] = (await bob.state()).transfers
            return transfer?.status.kind === 'done' || (transfer?.bytes.done ?? 0) > before
          })
        }
        await arrives(bob, source, target)

        for (const [at, jump] of [2 * HOUR, -YEAR, 0].entries()) {
          clock.moveTo(jump)
          await follows(bob, id, source, `${at}.txt`)
        }
        assert.deepEqual([...turnedAway(ann), ...turnedAway(bob)], [])
        assert.deepEqual(
          [ann, bob].map(({ process }) => process.child.exitCode),
          [null, null],
        )

        const version = (await ann.state()).shares[0]?.version
        for (const each of [ann, bob]) {
          await each.stop()
          await each.process.ended
        }
        const later = await peer({ storage: annsPlace })
        const again = await later.share(source)
        assert.equal(again.link, shared.link)
        assert.equal((await later.state()).shares[0]?.version, version, 'nothing was published again')
        const bobLater = await peer({ storage: bobsPlace })
        const { fetched, conflicts } = await bobLater.copy(await bobLater.open(shared.link), target)
        assert.ok(fetched < 1_000, `${fetched} bytes were fetched again`)
        assert.deepEqual(conflicts, [])
        assert.deepEqual(await compareTrees(source, target), [])
      }),

    'after an hour that nobody was awake in, nobody is blamed for not having answered': withClock(
      'all',
      async clock => {
        const [ann, carl] = [await peer(), await peer()]
        const source = await folder(56)
        const { link } = await ann.share(source)
        const id = await carl.open(link, true)
        await carl.request('seed.wait', { id, job: 'seed' }, 60_000)
        const bob = await peer({ env: clock.env })
        await bob.open(link, true)
        await eventually('both are there', async () => (await bob.state()).opened[0]?.peers === 2)
        const target = temporaryFolder('target')
        await midway(bob, id, target)
        for (const hours of [1, 2, 3]) {
          clock.moveTo(hours * HOUR)
          const before = (await bob.state()).transfers[0]?.bytes.done ?? 0
          await eventually('it goes on', async () => {
            const [transfer] = (await bob.state()).transfers
            return transfer?.status.kind === 'done' || (transfer?.bytes.done ?? 0) > before
          })
        }
        await arrives(bob, source, target)
        assert.deepEqual(turnedAway(bob), [])
      },
    ),

    'a ban ends when its time is over, the next one lasts longer, and new keys get no more than their places':
      withClock('all', async clock => {
        const storage = temporaryFolder('bob')
        const bob = await peer({ storage, env: clock.env })
        const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
        const { link } = await bob.share(source)
        const attacker = await HostilePeer.start(dht.bootstrap)
        ends.push(() => attacker.close())
        const bobKey = publicKeyOf(storage)

        async function offend(keyPair?: KeyPair): Promise<KeyPair> {
          const connected = await attacker.connect(bobKey, keyPair)
          assert.ok(connected !== undefined, 'it is let in')
          const before = turnedAway(bob).length
          connected.stream.write(Buffer.from([0, 1, 5, 200])) // half a message
          await eventually('it is turned away', () => turnedAway(bob).length > before)
          return connected.keyPair
        }
        const isLetIn = (keyPair: KeyPair) => attacker.isLetIn(bobKey, keyPair)
        const comesBack = (keyPair: KeyPair) => eventually('it may come back', () => isLetIn(keyPair))

        const keyPair = await offend()
        assert.ok(!(await isLetIn(keyPair)))
        const crowd = await Promise.all(
          Array.from({ length: 40 }, () => attacker.connect(bobKey).catch(() => undefined)),
        )
        await eventually('its new keys are capped', async () => (await bob.state()).peers.length === 16)
        for (const one of crowd) one?.stream.destroy()
        const ann = await peer()
        const target = temporaryFolder('target')
        await ann.copy(await ann.open(link), target)
        assert.deepEqual(await compareTrees(source, target), [])

        clock.moveTo(31)
        await comesBack(keyPair)
        await offend(keyPair)
        assert.match(turnedAway(bob).at(-1) ?? '', /for 120 s/)
        clock.moveTo(31 + 60)
        assert.ok(!(await isLetIn(keyPair)), 'the second ban lasts longer')
        clock.moveTo(31 + 125)
        await comesBack(keyPair)
      }),
  })
})
