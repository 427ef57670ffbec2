/**
 * Shares whose links lead out, whose values are not what a drive should hold, and whose descriptions of their bytes
 * lie: made by hand and received by the real peer process.
 */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { TransferResult } from '../../src/common/model'
import { attackGroup, attackGroups, shown } from '../support/attacks'
import { randomBytes, temporaryFolder } from '../support/folders'
import { type HostileDrive, HostilePublisher } from '../support/hostileDrive'
import type { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

attackGroups('shares with hostile content', () => {
  const people = withPeople()
  let publisher: HostilePublisher
  let peer: PeerProcess

  before(async () => {
    publisher = await HostilePublisher.start(people.bootstrap)
    peer = await people.process()
  })
  after(() => publisher?.close())

  /** A folder to copy into, beside one that nothing may happen to. */
  function arena(): { target: string; assertUntouched: () => void } {
    const root = temporaryFolder('arena')
    const target = join(root, 'target')
    mkdirSync(target)
    mkdirSync(join(root, 'victim'))
    writeFileSync(join(root, 'victim', 'secret'), 'mine')
    return {
      target,
      assertUntouched: () => {
        assert.deepEqual(readdirSync(root).sort(), ['target', 'victim'])
        assert.deepEqual(readdirSync(join(root, 'victim')), ['secret'])
        assert.equal(readFileSync(join(root, 'victim', 'secret'), 'utf8'), 'mine')
      },
    }
  }

  function read(id: ShareId, path: string): Promise<Uint8Array> {
    return peer.request('fs.read', { id, path: path as DrivePath, limit: 20_000_000, timeout: 2_000 })
  }

  const LINKS: readonly (readonly [path: string, target: unknown, reason: string])[] = [
    ['/to-folder', '../victim', 'link-outside'],
    ['/to-file', '../victim/secret', 'link-outside'],
    ['/absolute', '/etc/passwd', 'link-absolute'],
    ['/home', '~/.ssh', 'link-dangling'],
    ['/proc', '/proc/self/environ', 'link-absolute'],
    // A name like any other where `\\` and `:` have no meaning.
    ['/windows', 'C:\\Windows', process.platform === 'win32' ? 'link-absolute' : 'link-dangling'],
    ['/up-and-down', 'inner/../../victim', 'link-outside'],
    ['/many', '../'.repeat(1_000), 'link-outside'],
    ['/chain-1', 'chain-2', 'link-dangling'],
    ['/chain-2', '../victim', 'link-outside'],
    ['/loop-1', 'loop-2', 'link-dangling'],
    ['/loop-2', 'loop-1', 'link-dangling'],
    ['/self', 'self', 'link-loop'],
    ['/dangling', 'nothing-here', 'link-dangling'],
    ['/nul', 'good.txt\0x', 'link-bad-target'],
    ['/escape', 'good\u001b[2J.txt', 'link-bad-target'],
    ['/surrogate', '\ud800', 'link-bad-target'],
    ['/empty', '', 'bad-entry'],
    ['/long', 'x'.repeat(10_000), 'bad-entry'],
    ['/number', 42, 'bad-entry'],
    ['/list', ['..', 'victim'], 'bad-entry'],
    ['/object', { toString: '../victim' }, 'bad-entry'],
  ]

  attackGroup('hostile links', () => {
    let drive: HostileDrive
    let id: ShareId
    let result: TransferResult
    const { target, assertUntouched } = arena()

    before(async () => {
      drive = await publisher.drive()
      await drive.file('/good.txt', 'good')
      await drive.file('/inner/good.txt', 'good')
      for (const [path, to] of LINKS) await drive.symlink(path, to)
      await drive.symlink('/good-link', 'inner/good.txt')
      for (const [path] of LINKS) await drive.file(`${path}/authorized_keys`, 'evil')
      await drive.file('/good-link/through', 'evil')
      await publisher.serve(drive)
      id = await peer.open(drive.link)
      result = await peer.copy(id, target)
    })
    afterEach(assertUntouched)

    it('let the good files through, and a link that stays inside', () => {
      assert.equal(readFileSync(join(target, 'good.txt'), 'utf8'), 'good')
      assert.equal(readFileSync(join(target, 'inner', 'good.txt'), 'utf8'), 'good')
      assert.equal(readlinkSync(join(target, 'good-link')), 'inner/good.txt')
    })

    for (const [path, to, reason] of LINKS) {
      it(`refuse a link to ${shown(JSON.stringify(to))} as ${reason}, and what lies below it`, () => {
        assert.equal(result.skipped.find(skipped => skipped.path === path)?.reason, reason)
        const made = lstatSync(join(target, path), { throwIfNoEntry: false })
        assert.ok(!made?.isSymbolicLink())
      })
    }

    it('lead nowhere outside the share when they are read in the editor', async () => {
      const codes = /file-not-found|is-a-folder|bad-entry|target-(?:missing|outside|circle)/
      for (const [path] of LINKS) await assert.rejects(read(id, path), { code: codes }, path)
      assert.equal(Buffer.from(await read(id, '/good-link')).toString(), 'good')
    })

    it('are told as what they are, whoever asks for them or for what is behind them', async () => {
      for (const [path, told] of [
        ['/to-file', '“to-file” is a link to “../victim/secret”, which is outside of this share.'],
        ['/absolute', '“absolute” is a link to “/etc/passwd”, which is outside of this share.'],
        ['/dangling', '“dangling” is a link to “nothing-here”, which is not in this share.'],
        ['/chain-1', '“chain-1” leads to “chain-2”, a link to “../victim”, which is outside of this share.'],
        [
          '/self',
          '“self” is a link to “self”, and leads in a circle of links, or through more than 40 of them.',
        ],
      ] as const) {
        const at = { id, path: path as DrivePath }
        const { kind, pointsAt } = await peer.request('fs.stat', at)
        assert.deepEqual([kind, pointsAt], ['link', undefined], path)
        await assert.rejects(read(id, path), { message: told })
        await assert.rejects(peer.request('fs.list', at), { message: told })
        const folder = temporaryFolder('copy')
        const { job } = await peer.request('copy.start', {
          ...at,
          folder,
          job: `copy${path.replace('/', '-')}`,
        })
        await assert.rejects(peer.request('copy.wait', { job, timeout: 5_000 }), { message: told })
        assert.deepEqual(readdirSync(folder), [])
      }
    })

    it('are not written through when they lie there already', async () => {
      const other = arena()
      const { symlinkSync } = await import('node:fs')
      symlinkSync('../victim', join(other.target, 'inner'))
      symlinkSync('../victim/secret', join(other.target, 'good.txt'))
      const again = await peer.copy(id, other.target)
      other.assertUntouched()
      const reasons = again.skipped.filter(({ path }) => ['/inner/good.txt', '/good.txt'].includes(path))
      assert.deepEqual(reasons.map(({ reason }) => reason).sort(), ['exists', 'outside'])
    })

    it('are not followed by a later version that puts a file in their place', async () => {
      await drive.file('/good-link', 'a file now')
      await drive.entry('/good.txt', {
        executable: false,
        linkname: '../victim/secret',
        blob: null,
        metadata: null,
      })
      await peer.open(drive.link)
      await peer.copy(id, target)
      assert.equal(readFileSync(join(target, 'inner', 'good.txt'), 'utf8'), 'good')
      assert.equal(lstatSync(join(target, 'good.txt')).isSymbolicLink(), false)
    })
  })

  const FAR = 2 ** 53

  /** Values under a path, and what becomes of them: 'bad-entry' is told, anything else is the content. */
  const VALUES: Record<string, (drive: HostileDrive) => Promise<unknown>> = {
    null: async () => null,
    string: async () => 'text',
    number: async () => 42,
    true: async () => true,
    list: async () => [],
    'list-of-entries': async drive => [{ blob: await drive.blob('x') }],
    'blob-string': async () => ({ blob: 'x' }),
    'blob-list': async () => ({ blob: [0, 1, 0, 1] }),
    'blob-empty': async () => ({ blob: {} }),
    'offset-negative': async drive => ({ blob: { ...(await drive.blob('x')), blockOffset: -1 } }),
    'offset-fraction': async drive => ({ blob: { ...(await drive.blob('x')), blockOffset: 0.5 } }),
    'offset-text': async drive => ({ blob: { ...(await drive.blob('x')), blockOffset: '0' } }),
    'offset-nan': async drive => ({ blob: { ...(await drive.blob('x')), byteOffset: Number.NaN } }),
    'offset-huge': async drive => ({ blob: { ...(await drive.blob('x')), byteOffset: 1e308 } }),
    'length-negative': async drive => ({ blob: { ...(await drive.blob('x')), byteLength: -1 } }),
    'length-2^53': async drive => ({ blob: { ...(await drive.blob('x')), byteLength: FAR } }),
    'length-without-blocks': async drive => ({ blob: { ...(await drive.blob('x')), blockLength: 0 } }),
    'length-beyond-blocks': async drive => ({ blob: { ...(await drive.blob('x')), byteLength: 2 ** 40 } }),
    'sum-beyond-2^53': async drive => ({
      blob: { ...(await drive.blob('x')), blockOffset: FAR - 1, blockLength: 2 },
    }),
    'longer-than-real': async drive => ({ blob: { ...(await drive.blob('real')), byteLength: 5 } }),
    'shorter-than-real': async drive => ({ blob: { ...(await drive.blob('real')), byteLength: 3 } }),
    'large-and-shorter': async drive => ({
      blob: { ...(await drive.blob(randomBytes(6_000_000))), byteLength: 5_999_999 },
    }),
    'large-and-longer': async drive => ({
      blob: { ...(await drive.blob(randomBytes(6_000_000))), byteLength: 6_000_001 },
    }),
    'map-flag-text': async drive => ({ blob: { ...(await drive.blob('x')), blockMap: 'yes' } }),
    'map-of-nothing': async drive => ({ blob: { ...(await drive.blob('no map at all')), blockMap: true } }),
    'map-of-rubbish': async drive => ({
      blob: { ...(await drive.blob(randomBytes(5_000))), blockMap: true },
    }),
    'map-large-rubbish': async drive => ({
      blob: { ...(await drive.blob(randomBytes(5_000))), byteLength: 50_000_000, blockMap: true },
    }),
    'beyond-the-log': async drive => ({ blob: { ...(await drive.blob('x')), blockOffset: 2 ** 40 } }),
    'far-beyond-the-log': async () => ({
      blob: { blockOffset: 2 ** 50, blockLength: 2 ** 30, byteOffset: 0, byteLength: 2 ** 50 },
    }),
    'most-of-it-beyond': async drive => ({
      blob: { ...(await drive.blob('x')), blockLength: 1_000_000, byteLength: 500_000_000_000 },
    }),
  }

  const STRANGE_BUT_GOOD: Record<string, (drive: HostileDrive) => Promise<unknown>> = {
    'huge-metadata': async drive => ({
      blob: await drive.blob('good'),
      metadata: { note: 'x'.repeat(3_000_000) },
    }),
    'strange-metadata': async drive => ({ blob: await drive.blob('good'), metadata: [[[]]] }),
    'mtime-far': async drive => ({ blob: await drive.blob('good'), metadata: { mtime: FAR - 1 } }),
    'mtime-text': async drive => ({
      blob: await drive.blob('good'),
      metadata: { mtime: 'now', mode: 'a+rwxs' },
    }),
    'mode-setuid': async drive => ({ blob: await drive.blob('good'), metadata: { mode: 0o7777 } }),
    'executable-text': async drive => ({ blob: await drive.blob('good'), executable: 'yes' }),
    'more-fields': async drive => ({ blob: { ...(await drive.blob('good')), __x: 1 }, toString: 1 }),
    'two-blocks': async drive => ({ blob: await drive.blob('go', 'od') }),
    'empty-blocks': async drive => ({ blob: await drive.blob('', 'good', '') }),
  }

  attackGroup('hostile values', () => {
    let drive: HostileDrive
    let id: ShareId
    let result: TransferResult
    const { target, assertUntouched } = arena()

    before(async function () {
      this.timeout(90_000)
      drive = await publisher.drive()
      for (const [name, value] of Object.entries(VALUES))
        await drive.entry(`/bad/${name}`, await value(drive))
      for (const [name, value] of Object.entries(STRANGE_BUT_GOOD))
        await drive.entry(`/${name}`, await value(drive))
      await drive.text('/bad/no-json', '{"blob":')
      await drive.text('/bad/empty-text', '')
      const blob = await drive.blob('good')
      await drive.text(
        '/proto',
        `{"__proto__":{"executable":true,"polluted":1},"blob":${JSON.stringify(blob)}}`,
      )
      await drive.text('/bad/proto-only', `{"__proto__":{"blob":${JSON.stringify(blob)}},"blob":7}`)
      await drive.text('/bad/deep', '['.repeat(200_000))
      await drive.entry('/overlap-1', { blob })
      await drive.entry('/overlap-2', { blob })
      await drive.entry('/empty', { blob: { ...blob, blockLength: 0, byteLength: 0 } })
      await drive.file('/block-of-15-MB', randomBytes(15_000_000))
      await publisher.serve(drive)
      id = await peer.open(drive.link)
      result = await peer.copy(id, target)
    })
    afterEach(assertUntouched)

    for (const name of [...Object.keys(VALUES), 'no-json', 'empty-text', 'proto-only', 'deep']) {
      it(`leave out ${name}, and say so`, async () => {
        assert.equal(existsSync(join(target, 'bad', name)), false)
        assert.equal(result.skipped.find(({ path }) => path === `/bad/${name}`)?.reason, 'bad-entry')
        await assert.rejects(read(id, `/bad/${name}`), { code: /file-not-found|bad-entry|offline|too-large/ })
      })
    }

    for (const name of [...Object.keys(STRANGE_BUT_GOOD), 'proto', 'overlap-1', 'overlap-2']) {
      it(`let ${name} through, as an ordinary file`, async () => {
        assert.equal(readFileSync(join(target, name), 'utf8'), 'good')
        assert.equal(statSync(join(target, name)).mode & 0o7111, 0)
        assert.equal(Buffer.from(await read(id, `/${name}`)).toString(), 'good')
      })
    }

    it('let an empty file and a block of 15 MB through', () => {
      assert.equal(statSync(join(target, 'empty')).size, 0)
      assert.equal(Buffer.compare(readFileSync(join(target, 'block-of-15-MB')), randomBytes(15_000_000)), 0)
    })

    it('leave nothing half-written behind', () => {
      const good = [
        ...Object.keys(STRANGE_BUT_GOOD),
        'proto',
        'overlap-1',
        'overlap-2',
        'empty',
        'block-of-15-MB',
      ]
      assert.deepEqual(
        readdirSync(target)
          .filter(name => name !== 'bad')
          .sort(),
        good.sort(),
      )
      assert.deepEqual(existsSync(join(target, 'bad')) ? readdirSync(join(target, 'bad')) : [], [])
    })

    it('stop neither the command nor what it prints of good files', async () => {
      const one = await peerfold(['cat', drive.link, 'huge-metadata'], peer.options)
      assert.deepEqual([one.code, ...one.stdout], [0, 'good'])
      const listed = await peerfold(['ls', drive.link], peer.options)
      assert.ok(listed.stdout.includes('huge-metadata'))
    })

    it('change no prototype in the peer process', async () => {
      const { me } = await peer.state()
      assert.equal('polluted' in me, false)
    })
  })
})
