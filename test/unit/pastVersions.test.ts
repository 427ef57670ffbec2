/** The way back through the versions of a path log, whatever its blocks say of themselves. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import Corestore from 'corestore'
import fc from 'fast-check'
import { Header, Node, YoloIndex } from 'hyperbee/lib/messages.js'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import type { DrivePath } from '../../src/common/brand'
import { type KeepRule, keptBy, type TimedVersion } from '../../src/common/keptVersions'
import { ABOUT, ABOUT_SHARE, FILES } from '../../src/peer/drive/format/about'
import { readHistory } from '../../src/peer/drive/history'
import { endOfVersion, type PastVersion, versionsBack } from '../../src/peer/drive/pastVersions'
import { pastVersion } from '../../src/peer/drive/readPast'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { DEFAULT_LIMITS } from '../../src/peer/limits'
import { temporaryFolder } from '../support/folders'
import { holds } from '../support/fuzz'

const HERE = { timeout: 0 }
const DAY = 86_400_000

describe('the versions of a path log', () => {
  const store = new Corestore(temporaryFolder('logs'))
  let made = 0
  after(() => store.close())

  async function logOf(blocks: readonly Buffer[]): Promise<Hypercore> {
    const log = store.get({ name: `log ${made++}` })
    await log.ready()
    const metadata = { contentFeed: Buffer.alloc(32) }
    await log.append([Header.encode({ protocol: 'hyperbee', metadata }), ...blocks])
    return log
  }

  async function all(log: Hypercore): Promise<PastVersion[]> {
    const versions: PastVersion[] = []
    for await (const version of versionsBack(log, log.length, HERE)) versions.push(version)
    return versions
  }

  it('come to an end, newest first, none of them later than now, whatever they say', async () => {
    const number = fc.oneof(fc.nat(40), fc.constantFrom(-1, 0.5, 2 ** 53, 1e300), fc.double())
    const about = fc.record(
      {
        previous: fc.oneof(number, fc.string()),
        time: fc.oneof(number, fc.constantFrom(Date.now() + 10 * DAY, 8.64e15)),
        changes: fc.oneof(fc.array(number, { maxLength: 5 }), fc.anything()),
        listing: fc.record({
          format: fc.constant(1),
          version: fc.nat(40),
          files: fc.nat(60),
          bytes: fc.nat(),
          chunks: fc.constant({ blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1 }),
        }),
      },
      { requiredKeys: [] },
    )
    const block = fc.oneof(
      about.map(said => aboutBlock(said)),
      fc.nat(9).map(name => fileBlock(`/${name}`)),
      fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes)),
    )
    const blocks = fc.array(block, { minLength: 1, maxLength: 30 })
    const run = async (some: readonly Buffer[]) => {
      const log = await logOf(some)
      const versions = await all(log)
      assert.equal(versions[0]?.version, log.length)
      for (const [at, { version, time, changes }] of versions.entries()) {
        assert.ok(version < (versions[at - 1]?.version ?? Number.POSITIVE_INFINITY), 'they only get older')
        assert.ok(time === undefined || (time >= 0 && time <= Date.now()))
        const counted = changes === undefined ? 0 : changes.added + changes.changed + changes.removed
        assert.ok(counted < version, 'no more paths than blocks')
        assert.equal(await endOfVersion(log, version, HERE), version)
      }
      await log.close()
    }
    await fc.assert(fc.asyncProperty(blocks, run), { numRuns: 60 })
  })

  it('are found by their last blocks where an earlier Peerfold did not say which comes before', async () => {
    const blocks = [
      fileBlock('/a'),
      fileBlock('/b'),
      aboutBlock({ time: 1_000 }),
      fileBlock('/a'),
      aboutBlock({}),
    ]
    const log = await logOf([...blocks, fileBlock('/c'), fileBlock('/d'), aboutBlock({ time: 2_000 })])
    assert.deepEqual(
      (await all(log)).map(({ version, previous, time }) => [version, previous, time]),
      [
        [9, 6, 2_000],
        [6, 4, undefined],
        [4, 0, 1_000],
      ],
    )
    const ends = [1, 2, 3, 4, 5, 6, 7, 8, 9, 99].map(length => endOfVersion(log, length, HERE))
    assert.deepEqual(await Promise.all(ends), [4, 4, 4, 4, 6, 6, 9, 9, 9, 9])
  })

  it('are one where a large first version came in two steps, by either number', async () => {
    const chunks = { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1 }
    const listing = { format: 1, version: 2, files: 2, bytes: 2, chunks }
    const ahead = aboutBlock({ previous: 0, listing: { ...listing, ahead: true } })
    const whole = aboutBlock({ previous: 0, listing: { ...listing, version: 5 } })
    const log = await logOf([ahead, fileBlock('/a'), fileBlock('/b'), whole])
    assert.deepEqual(
      (await all(log)).map(({ version, previous }) => [version, previous]),
      [[5, 0]],
    )
    assert.equal(await endOfVersion(log, 2, HERE), 5)
  })

  it('are the blocks of a log of another client, which knows nothing of versions', async () => {
    const log = await logOf([fileBlock('/a'), fileBlock('/b')])
    assert.deepEqual(
      (await all(log)).map(({ version }) => version),
      [3, 2],
    )
    assert.equal(await endOfVersion(log, 2, HERE), 2)
  })

  it('cost a block for each, however many paths each changed', async () => {
    const blocks: Buffer[] = []
    for (let n = 0; n < 1_000; n++) {
      const previous = n === 0 ? 0 : blocks.length + 1
      for (let file = 0; file < 20; file++) blocks.push(fileBlock(`/${n}/${file}`))
      blocks.push(aboutBlock({ previous, time: n, changes: [20, 0, 0, 60] }))
    }
    const log = await logOf(blocks)
    const { get } = log
    let reads = 0
    log.get = (at, options) => {
      reads++
      return get.call(log, at, options)
    }
    const page: PastVersion[] = []
    for await (const version of versionsBack(log, log.length, HERE)) if (page.push(version) === 100) break
    assert.deepEqual([page.length, reads], [100, 100])
    assert.deepEqual(page.at(-1)?.changes, { added: 20, changed: 0, removed: 0, bytes: 60 })
  })
})

describe('a page of a history that lies', () => {
  const MOST = 1_000
  const signal = new AbortController().signal
  let store: Corestore
  before(() => {
    store = new Corestore(temporaryFolder('lying'))
  })
  after(() => store.close())

  /** A share with these blocks, and how many of them are read. */
  async function shareOf(seed: string, blocks: readonly Buffer[]) {
    const share = await ShareDrive.create(store, seed.padEnd(32, '0'))
    await share.bytesReady()
    if (blocks.length > 0) await share.paths.append([...blocks])
    const cost = { reads: 0 }
    const { get } = share.paths
    share.paths.get = (at, options) => {
      cost.reads++
      return get.call(share.paths, at, options)
    }
    const page = (path: string, limit: number, most?: number) =>
      readHistory(
        share,
        { from: share.paths.length, path: path as DrivePath, limit, timeout: 1_000, signal },
        most,
      )
    return { share, cost, page }
  }

  it('ends when enough was looked at, although each version names one before it that is none', async () => {
    const blocks: Buffer[] = []
    for (let version = 0; version < 18; version++) {
      for (let n = 0; n < 100; n++) blocks.push(fileBlock(`/${n}`))
      blocks.push(aboutBlock({ previous: blocks.length - 1 }))
    }
    const { cost, page } = await shareOf('a', blocks)
    const { versions, next } = await page('/', 1_000, MOST)
    assert.ok(cost.reads < MOST + 200, `${cost.reads} blocks were read`)
    assert.ok(versions.length > 5 && next !== undefined, 'it can be continued')
  })

  /** The same share elsewhere, whose peer answers late. */
  async function withSlowPeer(
    theirs: ShareDrive,
    late: (answer: () => Promise<void>) => Promise<void>,
    work: (share: ShareDrive) => Promise<void>,
  ): Promise<void> {
    const here = new Corestore(temporaryFolder('here'))
    const share = await ShareDrive.open(here, theirs.key, undefined, () => DEFAULT_LIMITS)
    theirs.paths.on('peer-add', (peer: ReplicatorPeer) => {
      const answer = peer.onrequest.bind(peer)
      peer.onrequest = request => late(async () => answer(request))
    })
    const [one, other] = [theirs.paths.replicate(true), share.paths.replicate(false)]
    one.pipe(other).pipe(one)
    try {
      await share.paths.update({ wait: true })
      await work(share)
    } finally {
      one.destroy()
      other.destroy()
      await share.close()
      await here.close()
    }
  }

  it('is told as far as it came, when somebody gives each block just in time', async () => {
    const blocks = Array.from({ length: 60 }, (_, n) => aboutBlock({ previous: n }))
    const { share: theirs } = await shareOf('c', blocks)
    let giving: Promise<void> = Promise.resolve()
    const late = (answer: () => Promise<void>) => {
      giving = giving.then(() => delay(50)).then(answer)
      return giving
    }
    await withSlowPeer(theirs, late, async share => {
      const query = { from: share.paths.length, path: '/' as DrivePath, limit: 1_000, timeout: 200, signal }
      const { versions, isCut, next } = await readHistory(share, query)
      assert.ok(isCut === true && next !== undefined && versions.length < blocks.length, `${versions.length}`)
    })
  })

  it('is given up for its end, when somebody gives each part on the way there just in time', async () => {
    const paths = Array.from({ length: 2_000 }, (_, n) => fileBlock(`/${n}`))
    const { share: theirs } = await shareOf('d', [...paths, aboutBlock({ previous: 0 }), fileBlock('/last')])
    await theirs.paths.append([aboutBlock({ previous: 2_002 })])
    const late = (answer: () => Promise<void>) => delay(150).then(answer)
    await withSlowPeer(theirs, late, async share => {
      await assert.rejects(pastVersion(share, 3, 1_000, signal), { code: 'version-not-here' })
      const here = share.paths.core.bitfield.count(0, share.paths.length, true)
      assert.ok(here < 1_200, `${here} blocks came`)
    })
  })

  it('is told as far as it came, when a former version cannot be had as a whole', async () => {
    const chunks = { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1 }
    const listing = { format: 1, version: 2, files: 2, bytes: 2, chunks, ahead: true }
    const { share, page } = await shareOf('e', [])
    for (const more of [{}, { listing }, {}]) {
      const previous = Math.max(0, share.paths.length)
      await share.drive.db.put('/a', {}, { keyEncoding: FILES })
      await share.drive.db.put(ABOUT_SHARE, { previous, ...more }, { keyEncoding: ABOUT })
    }
    const gone = Object.assign(new Error('nobody has it'), { code: 'BLOCK_NOT_AVAILABLE' })
    share.versionAt = () => Promise.reject(gone)
    const { versions, next, isCut } = await page('/a', 1_000)
    assert.deepEqual([versions.length, isCut], [1, true])
    assert.ok(next !== undefined, 'it can be continued')
  })

  it('opens few versions as a whole, although each says that it is as large as the first', async () => {
    const chunks = { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1 }
    const listing = { format: 1, version: 2, files: 2, bytes: 2, chunks, ahead: true }
    const { share, page } = await shareOf('b', [])
    await share.drive.db.put('/a', {}, { keyEncoding: FILES })
    const honest = await share.versionAt(2)
    let opened = 0
    share.versionAt = async () => {
      opened++
      return honest
    }
    for (let n = 0; n < 30; n++) {
      await share.drive.db.put('/a', {}, { keyEncoding: FILES })
      await share.drive.db.put(
        ABOUT_SHARE,
        { previous: share.paths.length - 1, listing },
        { keyEncoding: ABOUT },
      )
    }
    const { next } = await page('/a', 1_000)
    assert.ok(opened > 0 && opened <= 10, `${opened} versions were opened`)
    assert.ok(next !== undefined, 'it can be continued')
  })
})

describe('the rule by which versions are kept', () => {
  const rule: fc.Arbitrary<KeepRule> = fc.oneof(
    fc.constantFrom<KeepRule>({ kind: 'thinned' }, { kind: 'all' }, { kind: 'none' }),
    fc.nat(100).map(days => ({ kind: 'days' as const, days })),
    fc.nat(10).map(count => ({ kind: 'count' as const, count })),
  )
  const ages = fc.array(fc.oneof(fc.nat(2 * DAY), fc.nat(120 * DAY)), { minLength: 1, maxLength: 60 })
  const now = 100_000 * DAY
  const versionsOf = (some: readonly number[]): TimedVersion[] =>
    [...some].sort((a, b) => a - b).map((age, at) => ({ version: 1_000 - at, time: now - age }))

  it('always keeps the newest, and never again what it once let go', () => {
    holds(
      'rules as time goes',
      fc.property(rule, ages, fc.nat(200 * DAY), ages, (kind, some, later, more) => {
        const before = keptBy(kind, versionsOf(some), now)
        assert.ok(before.has(1_000))
        const old = versionsOf(some)
        const added = versionsOf(more)
          .filter(({ time = 0 }) => time + later > now)
          .map(({ time = 0 }, at, all) => ({ version: 1_000 + all.length - at, time: time + later }))
        const after = keptBy(kind, [...added, ...old], now + later)
        for (const { version } of old) if (after.has(version)) assert.ok(before.has(version), `${version}`)
      }),
      500,
    )
  })

  it('thins out: all of the last day, one an hour for a week, one a day for a quarter', () => {
    const hour = DAY / 24
    const every = Array.from({ length: (24 * 60 * 100) / 10 }, (_, n) => n * 10 * 60_000) // ten minutes apart, 100 days
    const kept = keptBy(
      { kind: 'thinned' },
      versionsOf(every).map((each, at) => ({ ...each, version: -at })),
      now,
    )
    const within = (from: number, to: number) =>
      [...kept].filter(version => -version * 600_000 > from && -version * 600_000 <= to).length
    assert.equal(within(0, DAY), 144)
    assert.ok(Math.abs(within(DAY, 7 * DAY) - 144) <= 1, `${within(DAY, 7 * DAY)}`)
    assert.ok(Math.abs(within(7 * DAY, 91 * DAY) - 84) <= 1, `${within(7 * DAY, 91 * DAY)}`)
    assert.equal(within(91 * DAY + hour, 200 * DAY), 0)
  })
})

function fileBlock(path: string): Buffer {
  return Node.encode({
    index: YoloIndex.encode({ levels: [] }),
    key: FILES.encode(path),
    value: Buffer.from('{}'),
  })
}

function aboutBlock(said: unknown): Buffer {
  return Node.encode({
    index: YoloIndex.encode({ levels: [] }),
    key: ABOUT.encode(ABOUT_SHARE),
    value: Buffer.from(JSON.stringify(said)),
  })
}
