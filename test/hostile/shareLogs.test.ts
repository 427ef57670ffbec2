/**
 * Shares whose logs attack: path logs that are none, that lead in a circle, name other people's logs, or grow, shrink
 * and split while they are read; listings (our own format) that lie or burst. The real peer process receives them and
 * must stay able to receive a good share beside.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import Hyperdrive from 'hyperdrive'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { attackGroup, attackGroups, shown } from '../support/attacks'
import { eventually } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { aboutListed, cyclicBlock, type HostileDrive, HostilePublisher } from '../support/hostileDrive'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const compress = promisify(deflateRaw)
const FAR = 2 ** 53 - 1

attackGroups('shares with hostile logs', () => {
  const people = withPeople()
  let publisher: HostilePublisher
  let peer: PeerProcess

  before(async () => {
    publisher = await HostilePublisher.start(people.bootstrap)
    peer = await people.process()
  })
  after(() => publisher?.close())

  /** A folder to copy into, beside which nothing may appear. */
  function arena(): { target: string; assertUntouched: () => void } {
    const root = temporaryFolder('arena')
    const target = join(root, 'target')
    mkdirSync(target)
    writeFileSync(join(root, 'mine'), 'mine')
    return {
      target,
      assertUntouched: () => {
        assert.deepEqual(readdirSync(root).sort(), ['mine', 'target'])
        assert.equal(readFileSync(join(root, 'mine'), 'utf8'), 'mine')
      },
    }
  }

  async function goodDrive(): Promise<HostileDrive> {
    const drive = await publisher.drive()
    await drive.file('/good.txt', 'good')
    await drive.file('/inner/good.txt', 'good')
    return drive
  }

  async function names(id: ShareId, path = '/'): Promise<string[]> {
    return (await peer.request('fs.list', { id, path: path as DrivePath })).map(({ name }) => name)
  }

  async function assertGood(id: ShareId): Promise<void> {
    const { target, assertUntouched } = arena()
    await peer.copy(id, target)
    assert.equal(readFileSync(join(target, 'good.txt'), 'utf8'), 'good')
    assert.equal(readFileSync(join(target, 'inner', 'good.txt'), 'utf8'), 'good')
    assertUntouched()
  }

  interface Listing {
    /** The value of the share's record. */
    readonly about: unknown
    /** Names beside the good ones that may be listed. */
    readonly more?: readonly string[]
  }

  const LISTINGS: Record<string, (drive: HostileDrive) => Promise<Listing>> = {
    'that is no listing': async () => ({ about: { listing: 'x' } }),
    'in a record that is none': async () => ({ about: [[null]] }),
    'with negative numbers': async () => ({
      about: aboutListed({
        version: -1,
        chunks: { blockOffset: -1, blockLength: -1, byteOffset: 0, byteLength: 0 },
      }),
    }),
    'of a version to come': async drive => ({
      about: aboutListed({ version: FAR, chunks: await drive.rows([[0, '/x', 0, 0, 0]]) }),
    }),
    'beyond the log': async () => ({
      about: aboutListed({ chunks: { blockOffset: 1_000, blockLength: 1, byteOffset: 0, byteLength: 1 } }),
    }),
    'of endless chunks': async () => ({
      about: aboutListed({
        files: FAR,
        chunks: { blockOffset: 0, blockLength: 2 ** 40, byteOffset: 0, byteLength: 2 ** 40 },
      }),
    }),
    'of more chunks than files': async drive => ({
      about: aboutListed({ files: 1, chunks: { ...(await drive.rows([])), blockLength: 1_000 } }),
    }),
    'that bursts': async drive => ({ about: aboutListed({ chunks: await drive.blob(await bomb()) }) }),
    'that is not compressed': async drive => ({
      about: aboutListed({ chunks: await drive.blob('[[0,"/x",0,0,0]]') }),
    }),
    'that is no JSON': async drive => ({ about: aboutListed({ chunks: await drive.chunk('[[0,') }) }),
    'that is no list': async drive => ({ about: aboutListed({ chunks: await drive.chunk('{"0":1}') }) }),
    'of too many rows': async drive => ({
      about: aboutListed({ chunks: await drive.rows(Array(100_000).fill([0, '/x', 0, 0, 0])) }),
    }),
    'whose paths grow and grow': async drive => ({
      about: aboutListed({
        chunks: await drive.rows(Array(30_000).fill([FAR, '/xxxxxxxxxxxxxxx', 0, 0, 0])),
      }),
    }),
  }

  /** 200 MB of spaces in about 1 MB. */
  function bomb(): Promise<Buffer> {
    return compress(Buffer.alloc(200_000_000, ' '), { level: 1 })
  }

  attackGroup('hostile listings', () => {
    for (const [name, make] of Object.entries(LISTINGS)) {
      it(`a listing ${name} is not believed: the path log is`, async () => {
        const drive = await goodDrive()
        await drive.about('share', (await make(drive)).about)
        await publisher.serve(drive)
        const id = await peer.open(drive.link)
        assert.deepEqual(await names(id), ['good.txt', 'inner'])
        await assertGood(id)
      })
    }

    it('a listing with malformed rows and wrong packs loses only those', async () => {
      const drive = await goodDrive()
      const { blockOffset, byteOffset } = await drive.blob('good')
      const at = [blockOffset, 1, byteOffset]
      const list = [
        null,
        7,
        [],
        [0],
        [-1, '/minus', 0, 0, 0],
        [0.5, '/half', 0, 0, 0],
        [0, 5, 0, 0, 0],
        [0, 'no-slash', 4, 0, 0, ...at],
        [0, '/flags', 4, 0, 'x', ...at],
        [0, '/size', -4, 0, 0, ...at],
        [0, '/huge', FAR, 0, 0, blockOffset, FAR, byteOffset],
        [0, '/good.txt', 4, 0, 0, ...at, FAR, 0],
        [0, '/inner/good.txt', 4, 0, 0, ...at, blockOffset, 1],
        [0, '/pack-1', 4, 0, 0, ...at, blockOffset, 3],
        [0, '/pack-2', 4, 0, 0, ...at, blockOffset, 1_000_000],
        [0, '/pack-3', 4, 0, 0, ...at, -1, -1],
        [0, '/link', 0, 0, 0, 0, 0, 0, -1, 0, '../mine'],
        [0, '/../mine', 4, 0, 0, ...at],
        [0, '/__proto__', 4, 0, 0, ...at],
      ]
      await drive.about('share', aboutListed({ files: list.length, chunks: await drive.rows(list) }))
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      const { target, assertUntouched } = arena()
      const { skipped } = await peer.copy(id, target)
      assertUntouched()
      assert.deepEqual(readdirSync(target).sort(), [
        '__proto__',
        'good.txt',
        'inner',
        'pack-1',
        'pack-2',
        'pack-3',
      ])
      for (const name of ['good.txt', 'inner/good.txt', 'pack-1', 'pack-2', 'pack-3', '__proto__'])
        assert.equal(readFileSync(join(target, name), 'utf8'), 'good', name)
      assert.deepEqual(skipped.map(({ path }) => path).sort(), ['/../mine', '/link'])
    })

    it('a listing whose end does not come is told as far as it is here', async () => {
      const drive = await goodDrive()
      const paths = Array.from({ length: 600 }, (_, at) => `a-${at + 1_000}`)
      const first = await drive.rows(paths.map(name => [0, `/${name}`, 0, 0, 0]))
      // The second chunk would be the next block of the log, and is not there.
      const chunks = { ...first, blockLength: 2, byteLength: 2 * first.byteLength }
      await drive.about('share', aboutListed({ files: 1_200, chunks }))
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      await peer.request('open.ready', { id, newest: true, begun: true, timeout: 20_000 })
      const root = { id, path: '/' as DrivePath, limit: 400 }
      const part = await peer.request('fs.list', { ...root, timeout: 10_000 })
      assert.deepEqual(
        part.map(({ name }) => name),
        paths.slice(0, 400),
      )
      const after = part.at(-1)?.name ?? ''
      await assert.rejects(peer.request('fs.list', { ...root, after, timeout: 300 }), { code: 'not-listed' })
      await assert.rejects(peer.request('fs.list', root), { code: 'not-listed' })
      const whole = await peer.request('fs.list', { id, path: root.path, timeout: 10_000 })
      assert.deepEqual(
        whole.map(({ name }) => name),
        ['good.txt', 'inner'],
      )
    })

    it('what is known of a listing whose end comes late can be looked at, and no more is said', async () => {
      const drive = await goodDrive()
      const at = await drive.blob('read')
      const row = (name: string) => [0, name, 4, 0, 0, at.blockOffset, 1, at.byteOffset]
      const first = await drive.rows([
        row('/a.txt'),
        row('/inner/b.txt'),
        [0, '/link', 0, 0, 0, 0, 0, 0, -1, 0, 'z.txt'],
      ])
      const second = await drive.rows([row('/z.txt')])
      const chunks = { ...first, blockLength: 2, byteLength: first.byteLength + second.byteLength }
      const release = await drive.withhold(second.blockOffset)
      await drive.about('share', aboutListed({ files: 1_200, chunks }))
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      const path = (text: string) => text as DrivePath
      const soFar = async (folder: string, limit = 500) =>
        (await peer.request('fs.list', { id, path: path(folder), limit, timeout: 20_000, soFar: true })).map(
          ({ name, kind }) => `${name}:${kind}`,
        )
      assert.deepEqual(await soFar('/'), ['a.txt:file', 'inner:folder', 'link:link'])
      assert.deepEqual(await soFar('/', 1), ['a.txt:file'])
      assert.deepEqual(await soFar('/inner'), ['b.txt:file'])
      const read = (name: string) =>
        peer.request('fs.read', { id, path: path(name), limit: 100, timeout: 5_000 })
      const stat = (name: string) => peer.request('fs.stat', { id, path: path(name) })
      assert.equal((await stat('/inner/b.txt')).size, 4)
      assert.equal((await stat('/inner')).kind, 'folder')
      assert.equal(Buffer.from(await read('/inner/b.txt')).toString(), 'read')
      for (const name of ['/z.txt', '/inner/c.txt', '/other/c.txt']) {
        await assert.rejects(stat(name), { code: 'not-listed' }, name)
        await assert.rejects(read(name), { code: 'not-listed' }, name)
      }
      await assert.rejects(read('/link'), { code: 'not-listed' })
      await assert.rejects(read('/inner'), { code: 'is-a-folder' })
      await assert.rejects(peer.request('fs.list', { id, path: path('/other'), timeout: 100, soFar: true }), {
        code: 'not-listed',
      })
      release()
      await peer.request('open.ready', { id, newest: true, timeout: 20_000 })
      assert.deepEqual(await soFar('/'), ['a.txt:file', 'inner:folder', 'link:link', 'z.txt:file'])
      assert.equal(Buffer.from(await read('/link')).toString(), 'read')
      await assert.rejects(stat('/other/c.txt'), { code: 'file-not-found' })
    })

    it('a listing that hides and invents entries changes nothing of what is refused', async () => {
      const drive = await goodDrive()
      await drive.about(
        'share',
        aboutListed({
          chunks: await drive.rows([
            [0, '/../../invented', 0, 0, 0],
            [0, '/good.txt', 0, 0, 0],
          ]),
        }),
      )
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      const { target, assertUntouched } = arena()
      await peer.copy(id, target)
      assertUntouched()
      assert.deepEqual(readdirSync(target), ['good.txt'])
    })
  })

  attackGroup('hostile path logs', () => {
    it('a log whose search tree leads in a circle is read all the same', async () => {
      const drive = await goodDrive()
      await drive.drive.core.append(
        cyclicBlock(drive.drive.core.length, '/circle', JSON.stringify({ blob: null })),
      )
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      assert.deepEqual(await names(id), ['circle', 'good.txt', 'inner'])
      await assertGood(id)
    })

    it('blocks that are no entries are passed over, wherever they stand', async () => {
      const drive = await goodDrive()
      const rubbish = [
        Buffer.alloc(0),
        Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        Buffer.alloc(100_000, 0xfe),
      ]
      await drive.drive.core.append(rubbish)
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      assert.deepEqual(await names(id), ['good.txt', 'inner'])
      await assertGood(id)
    })

    it('a log that is no path log at all is said to be none, and stops nobody else', async () => {
      const core = publisher.store.get({ name: 'rubbish' })
      await core.ready()
      await core.append([Buffer.from('rubbish'), Buffer.alloc(1_000, 7)])
      const drive = await publisher.driveOn(core)
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      const ready = peer.request('open.ready', { id, newest: true, timeout: 20_000 })
      await assert.rejects(ready, { code: 'not-readable' })
      await assertOthersArrive()
    })

    it('a log that grows while it is copied is copied as it was, and then as it is', async () => {
      const drive = await goodDrive()
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      let growing = true
      const growth = (async () => {
        for (let at = 0; growing && at < 300; at++) await drive.file(`/inner/more-${at % 50}`, `more ${at}`)
      })()
      await assertGood(id)
      growing = false
      await growth
      await drive.file('/last', 'last')
      await eventually('the last version is known', async () => (await names(id)).includes('last'))
      await assertGood(id)
    })

    it('a log that was cut off and continued otherwise is read anew', async () => {
      const drive = await goodDrive()
      const { length } = drive.drive.core
      await drive.file('/gone.txt', 'gone')
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      assert.deepEqual(await names(id), ['gone.txt', 'good.txt', 'inner'])
      await drive.drive.core.truncate(length)
      await drive.file('/instead.txt', 'instead')
      await eventually('the other history is known', async () => (await names(id)).includes('instead.txt'))
      assert.deepEqual(await names(id), ['good.txt', 'inner', 'instead.txt'])
      await assertGood(id)
    })

    it('two histories under one key end the share with a word, and nothing else', async () => {
      const primaryKey = randomBytes(32)
      const first = await HostilePublisher.start(people.bootstrap, primaryKey)
      const second = await HostilePublisher.start(people.bootstrap, primaryKey)
      try {
        const a = await first.drive()
        const b = await second.drive()
        assert.equal(a.key, b.key)
        for (const drive of [a, b]) await drive.file('/good.txt', 'good')
        await a.file('/a.txt', 'a')
        await b.file('/b.txt', 'b')
        await b.file('/c.txt', 'c')
        await first.serve(a)
        const id = await peer.open(a.link)
        assert.deepEqual(await names(id), ['a.txt', 'good.txt'])
        await first.close() // or the two would find each other, and the writers break first
        await second.serve(b)
        await eventually('the fork was noticed', async () => {
          const status = (await peer.state()).opened.find(share => share.id === id)?.status
          return status?.kind === 'failed' && status.error.code === 'log-forked'
        })
        assert.deepEqual(await names(id), ['a.txt', 'good.txt'])
        await assertOthersArrive()
      } finally {
        await first.close()
        await second.close()
      }
    })

    async function assertOthersArrive(): Promise<void> {
      const good = await goodDrive()
      await publisher.serve(good)
      await assertGood(await peer.open(good.link))
    }
  })

  attackGroup('shares that pass a limit', () => {
    afterEach(() => peer.request('settings.set', { limits: {} }))

    async function assertPaused(id: ShareId): Promise<void> {
      const status = (await peer.state()).opened.find(share => share.id === id)?.status
      assert.equal(status?.kind === 'failed' && status.error.code, 'limit-passed')
      const good = await goodDrive()
      await publisher.serve(good)
      await assertGood(await peer.open(good.link))
    }

    async function assertGoesOnWhenRaised(id: ShareId): Promise<void> {
      await peer.request('settings.set', { limits: {} })
      await peer.request('open.ready', { id, newest: true, timeout: 20_000 })
      await assertGood(id)
    }

    it('of entries are paused, and go on when it is raised', async () => {
      await peer.request('settings.set', { limits: { entries: 20 } })
      const drive = await goodDrive()
      for (let file = 0; file < 30; file++) await drive.entry(`/more-${file}`, { blob: null })
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      await assert.rejects(peer.request('open.ready', { id, newest: true, timeout: 20_000 }), {
        code: 'limit-passed',
      })
      await assertPaused(id)
      await assertGoesOnWhenRaised(id)
    })

    it('of folders are paused: each costs as much as a file', async () => {
      await peer.request('settings.set', { limits: { entries: 2_000 } })
      const drive = await goodDrive()
      const list = Array.from({ length: 100 }, (_, at) => [0, `/${at}${'/d'.repeat(200)}`, 0, 0, 0])
      await drive.about('share', aboutListed({ files: 100, chunks: await drive.rows(list) }))
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      await assert.rejects(peer.request('open.ready', { id, newest: true, timeout: 20_000 }), {
        code: 'limit-passed',
      })
      await assertPaused(id)
    })

    it('of bytes of the path log are paused before they are fetched', async () => {
      await peer.request('settings.set', { limits: { pathLogBytes: 50_000 } })
      const drive = await goodDrive()
      await drive.entry('/fat', { blob: null, metadata: { fat: 'x'.repeat(100_000) } })
      await publisher.serve(drive)
      const { id } = await peer.request('open.add', { link: drive.link, keep: false })
      await assert.rejects(peer.request('open.ready', { id, newest: true, timeout: 20_000 }), {
        code: 'limit-passed',
      })
      await assertPaused(id)
      await assertGoesOnWhenRaised(id)
    })

    it('while they are followed keep what was there before', async () => {
      await peer.request('settings.set', { limits: { entries: 20 } })
      const drive = await goodDrive()
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      for (let file = 0; file < 30; file++) await drive.entry(`/more-${file}`, { blob: null })
      await eventually('the limit is passed', async () => {
        const status = (await peer.state()).opened.find(share => share.id === id)?.status
        return status?.kind === 'failed' && status.error.code === 'limit-passed'
      })
      assert.ok((await names(id)).includes('good.txt'))
      await assertPaused(id)
      await assertGoesOnWhenRaised(id)
    })

    it('of bytes are not copied, nor seeded, and go on by themselves when it is raised', async () => {
      await peer.request('settings.set', { limits: { bytes: 1_000 } })
      const drive = await goodDrive()
      await drive.file('/large', Buffer.alloc(5_000))
      await publisher.serve(drive)
      const id = await peer.open(drive.link)
      const { target } = arena()
      await assert.rejects(peer.copy(id, target), { code: 'limit-passed' })
      const seeding = peer.request('seed.wait', { id, job: 'seed' })
      const paused = async (kind: string) =>
        (await peer.state()).transfers.some(
          ({ share, kind: what, status }) =>
            share === id && what === kind && status.kind === 'paused' && status.error.code === 'limit-passed',
        )
      await eventually('both are paused', async () => (await paused('seed')) && (await paused('copy')))
      const others = await goodDrive()
      await publisher.serve(others)
      await assertGood(await peer.open(others.link))
      await assertGoesOnWhenRaised(id)
      await seeding
      await eventually('the copy ended by itself', async () =>
        (await peer.state()).transfers.some(
          ({ share, kind, status }) => share === id && kind === 'copy' && status.kind === 'done',
        ),
      )
      assert.equal(readFileSync(join(target, 'large')).length, 5_000)
    })
  })

  attackGroup('shares that are kept although they are broken', () => {
    it('do not keep the peer process from starting, nor the others from being there', async () => {
      const storage = temporaryFolder('carla')
      const options = { storage, bootstrap: people.bootstrap }
      const carla = await PeerProcess.start(options)
      const core = publisher.store.get({ name: 'rubbish that is kept' })
      await core.ready()
      await core.append(Buffer.from('rubbish'))
      const rubbish = await publisher.driveOn(core)
      const good = await goodDrive()
      for (const drive of [rubbish, good]) await publisher.serve(drive)
      const { id } = await carla.request('open.add', { link: rubbish.link, keep: true })
      await assert.rejects(carla.request('open.ready', { id, newest: true, timeout: 20_000 }), {
        code: 'not-readable',
      })
      const goodId = await carla.open(good.link, true)
      await carla.stop()

      const again = await PeerProcess.start(options)
      try {
        assert.ok((await again.state()).opened.some(share => share.id === goodId))
        await again.open(good.link)
        await assert.rejects(again.request('open.add', { link: rubbish.link, keep: true }), {
          code: 'not-readable',
        })
        await assert.rejects(again.request('open.add', { link: rubbish.link, keep: true }), {
          code: 'not-readable',
        })
      } finally {
        await again.stop()
      }
    })
  })

  attackGroup('drives that name other people’s logs', () => {
    let owner: PeerProcess
    let folder: string
    let key: Buffer
    let id: ShareId
    let foreign: Buffer

    before(async () => {
      owner = await people.process()
      folder = await makeTree(temporaryFolder('folder'), { 'own.txt': 'own' })
      const shared = await owner.share(folder, true)
      id = shared.id
      const other = new Hyperdrive(publisher.store.session(), Buffer.from(await keyOf(shared.link), 'hex'))
      await other.ready()
      key = other.key
      const discovery = publisher.swarm.join(other.discoveryKey, { client: true, server: false })
      await discovery.flushed()
      await eventually('the share is here', async () => (await other.getBlobs().catch(() => null)) !== null)
      foreign = (await other.getBlobs()).core.key
    })
    after(() => owner?.stop())

    for (const name of ['bytes', 'paths'] as const) {
      it(`an own log of ${name} is neither lent to them nor deleted with them`, async () => {
        const drive = await publisher.driveWithFeed(name === 'bytes' ? foreign : key)
        await drive.entry('/own.txt', {
          blob: { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 3 },
        })
        await drive.entry('/empty.txt', { blob: null })
        await publisher.serve(drive)
        const opened = await owner.open(drive.link)
        const read = owner.request('fs.read', {
          id: opened,
          path: '/own.txt' as DrivePath,
          limit: 100,
          timeout: 1_000,
        })
        await assert.rejects(read, { code: 'bad-entry' })
        await owner.request('open.remove', { id: opened })
        const own = await owner.request('fs.read', {
          id,
          path: '/own.txt' as DrivePath,
          limit: 100,
          timeout: 1_000,
        })
        assert.equal(Buffer.from(own).toString(), 'own')
        assert.equal((await owner.state()).shares[0]?.status.kind, 'sharing')
      })
    }

    for (const [what, feed] of [
      ['its own log of paths', 'self'],
      ['a log that is nowhere', 'nowhere'],
      ['a key that is none', 'short'],
    ] as const) {
      it(`${shown(what)} in the place of its bytes stops nothing`, async () => {
        const drive = await publisher.driveWithFeed(feed)
        await drive.entry('/empty.txt', { blob: null })
        await publisher.serve(drive)
        const { id: opened } = await owner.request('open.add', { link: drive.link, keep: false })
        await owner.request('open.ready', { id: opened, newest: true, timeout: 3_000 }).catch(() => undefined)
        await owner.request('open.remove', { id: opened })
        assert.equal((await owner.state()).shares[0]?.status.kind, 'sharing')
      })
    }
  })

  async function keyOf(link: string): Promise<string> {
    const { parseLink } = await import('../../src/common/link')
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    return parsed.link.key
  }
})
