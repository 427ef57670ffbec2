/** Links of a share at whoever opens it: followed inside the share by all that asks for a path, and by copies. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { behind, realPathOf } from '../../src/common/followed'
import { compareTrees, makeTree, symbolicLink, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

const at = (path: string) => path as DrivePath

describe('links of a share', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let source: string
  let own: ShareId
  let id: ShareId
  let link: string

  before(async () => {
    ann = await people.process()
    bob = await people.process()
    source = await makeTree(temporaryFolder('source'), {
      docs: { 'a.txt': 'first', deep: { 'b.txt': 'second', over: symbolicLink('../../more') } },
      more: { 'c.txt': 'third', back: symbolicLink('../docs') },
      latest: symbolicLink('docs'),
      'first.txt': symbolicLink('latest/a.txt'),
      releases: { 1: { 'notes.txt': 'one', 'old.txt': 'old' }, 2: { 'notes.txt': 'two' } },
      current: symbolicLink('releases/1'),
    })
    const shared = await ann.share(source)
    own = shared.id
    link = shared.link
    id = await bob.open(link, true)
  })

  it('are told as what they point at', async () => {
    const listed = await bob.request('fs.list', { id, path: at('/') })
    const told = listed.map(({ name, kind, pointsAt }) => [name, kind, pointsAt?.kind, pointsAt?.path])
    assert.deepEqual(told.filter(([, kind]) => kind === 'link').sort(), [
      ['current', 'link', 'folder', '/releases/1'],
      ['first.txt', 'link', 'file', '/docs/a.txt'],
      ['latest', 'link', 'folder', '/docs'],
    ])
    const back = await bob.request('fs.stat', { id, path: at('/latest/deep/over/back') })
    assert.deepEqual([back.kind, back.pointsAt], ['link', undefined], 'nobody walks from there on for ever')
    assert.equal((await bob.request('fs.stat', { id, path: at('/more/back') })).pointsAt?.path, '/docs')
  })

  it('lead to the same places as on the sharer’s disk, from every path of the share', async () => {
    const paths: string[] = []
    const walk = (folder: string, depth: number) => {
      for (const name of readdirSync(join(source, folder))) {
        paths.push(join(folder, name))
        if (depth < 6 && statSync(join(source, folder, name)).isDirectory())
          walk(join(folder, name), depth + 1)
      }
    }
    walk('/', 0)
    assert.ok(paths.length > 40, `${paths.length} paths`)
    const real = realpathSync.native(source)
    for (const path of paths) {
      const expected = realpathSync.native(join(source, path)).slice(real.length)
      const found = await bob.request('fs.stat', { id, path: at(path) })
      assert.equal(found.kind === 'link', lstatSync(join(source, path)).isSymbolicLink(), path)
      if (found.kind === 'link' && found.pointsAt === undefined) {
        const places = [...path.matchAll(/\//g)].map(({ index }) =>
          realpathSync.native(join(source, path.slice(0, index))),
        )
        const target = realpathSync.native(join(source, path))
        const isAround = places.some(place => place === target || place.startsWith(`${target}/`))
        assert.ok(isAround || path.split('/').length > 4, `${path} is followed`)
      } else {
        assert.equal(realPathOf(at(path), found), expected, path)
        if (statSync(join(source, path)).isFile())
          assert.equal(
            (await bob.read(id, path)).toString(),
            await readFile(join(source, path), 'utf8'),
            path,
          )
      }
    }
  }).timeout(60_000)

  it('are followed on the way to a folder or file, by the command too', async () => {
    for (const [peer, share] of [
      [bob, id],
      [ann, own],
    ] as const) {
      const names = (await peer.request('fs.list', { id: share, path: at('/latest/deep') })).map(
        ({ name }) => name,
      )
      assert.deepEqual(names.sort(), ['b.txt', 'over'])
      assert.equal((await peer.read(share, '/latest/deep/b.txt')).toString(), 'second')
      assert.equal((await peer.read(share, '/latest/deep/over/back/a.txt')).toString(), 'first')
      const { size } = behind(await peer.request('fs.stat', { id: share, path: at('/first.txt') }))
      assert.equal(size, 5)
    }
    const carol = people.place('carol')
    const listed = await peerfold(['ls', link, 'latest/deep/over/back/deep/over'], carol)
    assert.deepEqual(listed.stdout.filter(line => line !== '').sort(), [
      'latest/deep/over/back/deep/over/back',
      'latest/deep/over/back/deep/over/c.txt',
    ])
    assert.equal((await peerfold(['cat', link, 'latest/a.txt'], carol)).stdout.join(''), 'first')
    assert.equal((await peerfold(['cat', link, 'first.txt'], carol)).stdout.join(''), 'first')
    const top = await peerfold(['ls', '--json', link], carol)
    assert.ok(top.events.some(event => event.path === 'current' && event.target === 'releases/1'))
    await peerfold(['stop'], carol)
  }).timeout(60_000)

  it('are told as links to folders where a file is asked for', async () => {
    await assert.rejects(bob.read(id, '/latest'), { code: 'is-a-folder' })
    await assert.rejects(bob.read(id, '/docs/deep/over/back'), {
      code: 'links-to-folder',
      message: /^“docs\/deep\/over\/back” is a link to the folder “docs”\./,
    })
    await assert.rejects(bob.request('fs.list', { id, path: at('/first.txt') }), {
      code: 'not-a-folder-entry',
    })
    await assert.rejects(bob.request('fs.list', { id, path: at('/latest/none') }), { code: 'file-not-found' })
  })

  it('are saved as what they point at, under their own names, and follow what they point at later', async () => {
    const folder = temporaryFolder('copies')
    await copy('/first.txt', folder)
    await copy('/latest/deep', folder)
    await copy('/current', folder)
    assert.equal(await readFile(join(folder, 'first.txt'), 'utf8'), 'first')
    assert.ok(lstatSync(join(folder, 'first.txt')).isFile())
    assert.equal(await readFile(join(folder, 'deep', 'b.txt'), 'utf8'), 'second')
    assert.deepEqual(await compareTrees(join(source, 'releases', '1'), join(folder, 'current')), [])
    await rm(join(source, 'current'))
    await symlink('releases/2', join(source, 'current'))
    await ann.rescan(own)
    const updated = await copy('/current', folder)
    assert.equal(await readFile(join(folder, 'current', 'notes.txt'), 'utf8'), 'two')
    assert.deepEqual(updated.changes, { added: 0, updated: 1, gone: 1 })
  })

  it('lead on to what came since', async () => {
    await mkdir(join(source, 'docs', 'new'))
    await writeFile(join(source, 'docs', 'new', 'c.txt'), 'third')
    await ann.rescan(own)
    await bob.request('open.ready', { id, newest: true, timeout: 20_000 })
    assert.equal((await bob.read(id, '/latest/new/c.txt')).toString(), 'third')
  })

  async function copy(path: string, folder: string) {
    await bob.request('open.ready', { id, newest: true, timeout: 20_000 })
    const job = randomUUID()
    const started = await bob.request('copy.start', { id, path: at(path), folder, job })
    return bob.request('copy.wait', { job: started.job, timeout: 15_000 })
  }
})
