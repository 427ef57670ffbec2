/**
 * Stores that lie damaged when the peer process starts, or turn out to be while it runs: flipped bytes, files that are
 * gone or cut short, a store copied from elsewhere. The store is set aside whole, opened shares are fetched again, own
 * ones are lost under their key and can be shared anew, user files are not touched, and nothing loops.
 */
import assert from 'node:assert/strict'
import {
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

/** What happens to a file of a store. */
type Damage = (file: string) => void
/** When damage shows. */
type Seen = 'at the start' | 'when it was read'

const flip: Damage = file => {
  const bytes = readFileSync(file)
  for (let at = 5; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 40)))
    bytes[at] = (bytes[at] ?? 0) ^ 0xff
  writeFileSync(file, bytes)
}
const flipInTheMiddle: Damage = file => {
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x01
  writeFileSync(file, bytes)
}
const remove: Damage = file => rmSync(file)
const cut: Damage = file => truncateSync(file, statSync(file).size >> 1)

const DAMAGES: readonly (readonly [what: string, file: RegExp, damage: Damage])[] = [
  ['flipped bytes in its tables', /\.sst$/, flip],
  ['a table that is gone', /\.sst$/, remove],
  ['flipped bytes in its contents', /\.blob$/, flip],
  ['one flipped bit in its contents', /\.blob$/, flipInTheMiddle],
  ['contents that are gone', /\.blob$/, remove],
  ['contents cut short', /\.blob$/, cut],
  ['a list of tables that is gone', /MANIFEST/, remove],
  ['a list of tables cut short', /MANIFEST/, cut],
  ['a pointer that is gone', /CURRENT$/, remove],
  ['flipped bytes in its pointer', /CURRENT$/, flip],
]

attackGroup('damaged stores', () => {
  const people = withPeople()
  let bob: PeerProcess
  let bobsFolder: string
  let bobsLink: string
  let template: string
  let source: string
  let copy: string
  let oldLink: string
  const lookedAgain = new Set<Seen>()

  before(async function () {
    this.timeout(60_000)
    bobsFolder = await makeTree(temporaryFolder('bobs'), {
      'a.txt': 'from bob',
      'b.bin': randomBytes(300_000),
    })
    bob = await people.process()
    bobsLink = (await bob.share(bobsFolder)).link

    source = await makeTree(temporaryFolder('source'), {
      'own.txt': 'own',
      'large.bin': randomBytes(1_000_000), // in the store, not in the folder alone
    })
    copy = temporaryFolder('copy')
    template = temporaryFolder('template')
    const ann = await people.process({ storage: template })
    oldLink = (await ann.share(source)).link
    const id = await ann.open(bobsLink, true)
    await ann.copy(id, copy)
    await ann.stop()
    // Opened once more, everything has moved from the journal into tables.
    const again = await people.process({ storage: template })
    await again.stop()
  })

  /** A data folder like Ann's, its store on the same disk (a store that was copied does not open at all). */
  function annsFolder(): string {
    const storage = temporaryFolder('ann')
    const from = dataFolderPaths(template)
    const to = dataFolderPaths(storage)
    cpSync(template, storage, { recursive: true, filter: path => path !== from.store })
    renameSync(from.store, to.store)
    cpSync(join(to.store, 'db'), join(template, 'db'), { recursive: true })
    return storage
  }

  function giveBack(storage: string): void {
    const { format } = dataFolderPaths(storage)
    const { store } = dataFolderPaths(template)
    const kept = readdirSync(format).find(name => name.startsWith('store.damaged-')) ?? 'store'
    renameSync(join(format, kept), store)
    rmSync(join(store, 'db'), { recursive: true, force: true })
    renameSync(join(template, 'db'), join(store, 'db'))
  }

  for (const [what, pattern, damage] of DAMAGES) {
    it(`a store with ${what} is set aside, and everything else goes on`, async () => {
      const storage = annsFolder()
      try {
        await survive(storage, pattern, damage)
      } finally {
        giveBack(storage)
      }
    })
  }

  async function survive(storage: string, pattern: RegExp, damage: Damage): Promise<void> {
    const { format, store } = dataFolderPaths(storage)
    const db = join(store, 'db')
    for (const name of readdirSync(db)) if (pattern.test(name)) damage(join(db, name))
    const sizes = new Map(readdirSync(db).map(name => [name, statSync(join(db, name)).size]))
    const { ann, seen } = await startAndRead(storage)
    try {
      const aside = readdirSync(format).filter(name => name.startsWith('store.damaged-'))
      assert.equal(aside.length, 1)
      for (const name of readdirSync(join(format, aside[0] ?? '', 'db'))) {
        if (/\.(sst|blob)$/.test(name))
          assert.equal(statSync(join(format, aside[0] ?? '', 'db', name)).size, sizes.get(name))
      }
      await eventually('the user was told', () => ann.notices.length > 0)
      assert.deepEqual(
        ann.notices.map(({ level }) => level),
        ['error'],
      )
      assert.match(ann.notices[0]?.message ?? '', /store was damaged and is set aside at “.*store\.damaged-/)

      const lost = (await ann.state()).shares[0]
      assert.equal(lost?.status.kind === 'failed' && lost.status.error.code, 'log-lost')
      await assert.rejects(ann.request('share.link', { id: lost?.id ?? ('' as never) }), {
        code: 'log-lost',
      })
      const fresh = await ann.share(source)
      assert.notEqual(fresh.link, oldLink)

      const id = await ann.open(bobsLink, true)
      const read = await ann.request('fs.read', {
        id,
        path: '/a.txt' as DrivePath,
        limit: 100,
        timeout: 10_000,
      })
      assert.equal(Buffer.from(read).toString(), 'from bob')
      assert.deepEqual((await ann.copy(id, copy)).conflicts, [])
      assert.deepEqual(await compareTrees(bobsFolder, copy), [])
    } finally {
      await ann.stop()
    }
    // What comes after is the same wherever the damage was.
    if (!lookedAgain.has(seen)) {
      lookedAgain.add(seen)
      const again = await people.process({ storage })
      await again.stop()
      assert.equal(again.notices.length, 0)
    }
    assert.equal(readdirSync(format).filter(name => name.startsWith('store.damaged')).length, 1)
    assert.equal(readFileSync(join(source, 'own.txt'), 'utf8'), 'own')
  }

  /** Damage may show at the start or only when a block is read; then the process ends once and is started again. */
  async function startAndRead(storage: string): Promise<{ ann: PeerProcess; seen: Seen }> {
    const options = { storage, bootstrap: people.bootstrap }
    const first = await PeerProcess.start(options)
    if (readdirSync(dataFolderPaths(storage).format).some(name => name.startsWith('store.damaged-')))
      return { ann: first, seen: 'at the start' }
    const { shares } = await first.state()
    const path = '/large.bin' as DrivePath
    await first
      .request('fs.read', { id: shares[0]?.id as never, path, limit: 1e7, timeout: 5_000 })
      .catch(() => {})
    const { code } = await first.process.ended
    assert.equal(code, 4)
    return { ann: await PeerProcess.start(options), seen: 'when it was read' }
  }

  it('a store copied from elsewhere is set aside too: two writers with one key would end both', async () => {
    const storage = temporaryFolder('ann')
    for (const name of readdirSync(template))
      cpSync(join(template, name), join(storage, name), { recursive: true })
    const ann = await people.process({ storage })
    const status = (await ann.state()).shares[0]?.status
    assert.equal(status?.kind === 'failed' && status.error.code, 'log-lost')
    await ann.stop()
  })

  it('a damaged catalog is set aside, and the process starts', async () => {
    const storage = temporaryFolder('ann')
    const { catalog } = dataFolderPaths(storage)
    cpSync(dataFolderPaths(template).catalog, catalog, { recursive: true })
    for (const name of readdirSync(catalog)) if (/\.sst$|MANIFEST/.test(name)) flip(join(catalog, name))
    const ann = await people.process({ storage })
    await eventually('the user was told', () => ann.notices.length > 0)
    assert.match(ann.notices[0]?.message ?? '', /list of your shares was damaged and is set aside/)
    assert.notEqual((await ann.share(source)).link, oldLink)
    await ann.stop()
  })
})
