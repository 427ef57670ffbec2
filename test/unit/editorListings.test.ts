import assert from 'node:assert/strict'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { PeerfoldError } from '../../src/common/errors'
import type { FileEntry } from '../../src/common/model'
import { childOf, folderOf, selfAndFoldersOf } from '../../src/editor/files/drivePath'
import { type ListingSource, Listings, PAGE } from '../../src/editor/files/listings'

const id = 'y'.repeat(52) as ShareId
const at = (path: string) => path as DrivePath

/** A share as a flat list of file paths, which counts what it is asked. */
class CountedShare {
  readonly asked: string[] = []
  files: string[] = []
  /** Entries of the longest answer. */
  longest = 0
  /** Waited for before a listing is answered. */
  gate: Promise<void> = Promise.resolve()
  readonly source: ListingSource = {
    list: async (_id, path, { after, limit }) => {
      this.asked.push(after === undefined ? `list ${path}` : `list ${path} after ${after}`)
      const entries = this.entriesOf(path)
      await this.gate
      const start = after === undefined ? 0 : entries.findIndex(({ name }) => name > after)
      const page = start === -1 ? [] : entries.slice(start, start + limit)
      this.longest = Math.max(this.longest, page.length)
      return page
    },
    listSoFar: async () => [],
    stat: async (_id, path) => {
      this.asked.push(`stat ${path}`)
      const entry = this.entriesOf(folderOf(path) ?? at('/')).find(({ name }) => path.endsWith(`/${name}`))
      if (entry === undefined) throw new PeerfoldError('file-not-found', path)
      return entry
    },
  }
  readonly listings = new Listings(this.source)

  private entriesOf(folder: DrivePath): readonly FileEntry[] {
    const start = folder === '/' ? '/' : `${folder}/`
    const names = new Map<string, FileEntry['kind']>()
    for (const file of this.files.filter(path => path.startsWith(start))) {
      const [name = '', ...deeper] = file.slice(start.length).split('/')
      names.set(name, deeper.length > 0 ? 'folder' : 'file')
    }
    return [...names]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, kind]) => ({ name, kind, size: 1, mtime: 1, executable: false }))
  }
}

/** `/docs/a`; `/latest` and every other folder are links to `/docs`, `/first` is one to `/docs/a`. */
class LinkedShare {
  readonly asked: string[] = []
  size = 1
  readonly listings = new Listings({
    list: async (_id, path) => {
      this.asked.push(`list ${path}`)
      return path === '/' ? [this.link('first'), this.link('latest')] : [this.file]
    },
    listSoFar: async () => [],
    stat: async (_id, path) => {
      this.asked.push(`stat ${path}`)
      if (path === '/latest/a') return { ...this.file, realPath: at('/docs/a') }
      return this.link(path.slice(1))
    },
  })

  private get file(): FileEntry {
    return { name: 'a', kind: 'file', size: this.size, mtime: 1, executable: false }
  }

  private link(name: string): FileEntry {
    const { size, mtime = 0, executable } = this.file
    const pointsAt =
      name === 'first'
        ? { kind: 'file' as const, path: at('/docs/a'), size, mtime, executable }
        : { kind: 'folder' as const, path: at('/docs'), size: 0, mtime, executable }
    return { name, kind: 'link', size: 0, mtime: 1, executable, linkTarget: pointsAt.path.slice(1), pointsAt }
  }
}

describe('listings of shares', () => {
  it('answer ten thousand children of a folder with one listing of it', async () => {
    const share = new CountedShare()
    share.files = Array.from({ length: 10_000 }, (_, at) => `/many/file ${at}`)
    const entries = await share.listings.list(id, at('/many'))
    const asked = share.asked.length
    for (const { name } of entries) await share.listings.stat(id, childOf(at('/many'), name))
    assert.equal(new Set(entries.map(({ name }) => name)).size, 10_000)
    assert.equal(share.asked.length, asked, 'stats are answered from the listing')
  })

  it('ask for a large folder in pages that are read in a few milliseconds, and for each of them once', async () => {
    const share = new CountedShare()
    share.files = Array.from({ length: 3 * PAGE }, (_, at) => `/many/file ${at}`)
    assert.equal((await share.listings.list(id, at('/many'))).length, 3 * PAGE)
    assert.equal(share.longest, PAGE)
    assert.ok(PAGE <= 1_000, 'a thousand entries take some four milliseconds')
    const pages = share.asked.filter(asked => asked.startsWith('list'))
    assert.equal(new Set(pages).size, 4, 'three full pages, and one that says that there is no more')
    assert.equal(pages.length, 4)
  })

  it('know without a request that something is absent, from the nearest folder that was listed', async () => {
    const share = new CountedShare()
    share.files = ['/src/main.ts']
    await share.listings.list(id, at('/'))
    for (const probe of ['/.vscode/settings.json', '/.git', '/package.json']) {
      await assert.rejects(share.listings.stat(id, at(probe)), { code: 'file-not-found' })
    }
    assert.deepEqual(share.asked, ['list /'])
  })

  it('ask where nothing is known', async () => {
    const share = new CountedShare()
    share.files = ['/src/main.ts']
    assert.equal((await share.listings.stat(id, at('/src/main.ts'))).kind, 'file')
    assert.deepEqual(share.asked, ['stat /src/main.ts'])
  })

  it('forget the folders of a changed path and those above, and keep the others', async () => {
    const share = new CountedShare()
    share.files = ['/a/one', '/b/two']
    for (const folder of ['/', '/a', '/b']) await share.listings.list(id, at(folder))
    share.files.push('/a/new/three')
    share.listings.forget(id, [at('/a/new/three')])
    share.asked.length = 0
    assert.equal((await share.listings.list(id, at('/a'))).length, 2)
    await share.listings.list(id, at('/b'))
    await share.listings.list(id, at('/'))
    assert.deepEqual(
      share.asked.filter(asked => asked.startsWith('list')),
      ['list /a', 'list /'],
    )
  })

  it('answer through a link what was listed through it, and forget that with any change of the share', async () => {
    const share = new LinkedShare()
    await share.listings.list(id, at('/'))
    await share.listings.list(id, at('/latest'))
    assert.deepEqual([...share.listings.linked(id)], [['/latest', '/docs']])
    share.asked.length = 0
    const found = await share.listings.stat(id, at('/latest/a'))
    assert.equal(found.realPath, '/docs/a')
    assert.deepEqual(share.asked, [])
    for (const changed of ['/docs/a', '/elsewhere']) {
      share.size++
      share.listings.forget(id, [at(changed)])
      assert.equal((await share.listings.stat(id, at('/latest/a'))).size, share.size, `after ${changed}`)
      assert.equal((await share.listings.stat(id, at('/first'))).pointsAt?.size, share.size)
      for (const folder of ['/', '/latest']) await share.listings.list(id, at(folder))
    }
  })

  it('know nothing absent behind a link from the folder that the link lies in', async () => {
    const share = new LinkedShare()
    await share.listings.list(id, at('/'))
    assert.equal((await share.listings.stat(id, at('/latest/a'))).kind, 'file')
    await share.listings.list(id, at('/latest'))
    await assert.rejects(share.listings.stat(id, at('/latest/none')), { code: 'file-not-found' })
  })

  it('keep as many entries as they may: the listing used longest ago goes', async () => {
    const share = new CountedShare()
    share.files = ['/a/1', '/a/2', '/b/1', '/b/2', '/c/1', '/c/2']
    const listings = new Listings(share.source, 4)
    for (const folder of ['/a', '/b', '/a', '/c']) await listings.list(id, at(folder))
    share.asked.length = 0
    for (const folder of ['/a', '/c', '/b']) await listings.list(id, at(folder))
    assert.deepEqual(
      share.asked.filter(asked => asked.startsWith('list')),
      ['list /b'],
    )
  })

  it('remember a bounded number of folders that are shown through links', async () => {
    const share = new LinkedShare()
    for (let link = 0; link < 1_000; link++) await share.listings.list(id, at(`/link ${link}`))
    assert.equal(share.listings.linked(id).size, 200)
    assert.ok(share.listings.linked(id).has(at('/link 999')))
  })

  it('do not keep an answer that was under way while the share changed', async () => {
    const share = new CountedShare()
    share.files = ['/old']
    let open = () => {}
    share.gate = new Promise(resolve => {
      open = resolve
    })
    const first = share.listings.list(id, at('/'))
    share.files = ['/new']
    share.listings.forgetAll(id)
    open()
    await first
    assert.deepEqual(
      (await share.listings.list(id, at('/'))).map(({ name }) => name),
      ['new'],
    )
  })

  it('share one request among all who ask at the same time, and keep no failure', async () => {
    const share = new CountedShare()
    share.files = ['/one']
    share.gate = Promise.reject(new PeerfoldError('offline', '/'))
    const asked = [share.listings.list(id, at('/')), share.listings.list(id, at('/'))]
    for (const result of asked) await assert.rejects(result, { code: 'offline' })
    assert.deepEqual(share.asked, ['list /'])
    share.gate = Promise.resolve()
    assert.equal((await share.listings.list(id, at('/'))).length, 1)
  })
})

describe('drive paths', () => {
  it('know their folders', () => {
    assert.equal(folderOf(at('/')), undefined)
    assert.equal(folderOf(at('/a')), '/')
    assert.deepEqual(selfAndFoldersOf(at('/a/b/c')), ['/', '/a', '/a/b', '/a/b/c'])
  })
})
