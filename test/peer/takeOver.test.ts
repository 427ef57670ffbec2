/** A data folder of Peerfold 0.3.0 is taken over, whenever that is interrupted; one of a newer version is left alone. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PeerClient } from '../../src/client/peerClient'
import { parseLink } from '../../src/common/link'
import { Catalog } from '../../src/peer/store/catalog'
import { BAR, takeOver } from '../../src/peer/store/takeOver'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { DATA_FORMAT } from '../../src/wire/dataFormat'
import { compareTrees, makeTree, temporaryFolder } from '../support/folders'
import { olderHypercore } from '../support/olderHypercore'
import { type Ending, startProcess } from '../support/ownedProcess'
import { startPeerProgram } from '../support/peerProcess'
import type { Person } from '../support/person'
import { peerfold } from '../support/processes'
import { built } from '../support/projectRoot'
import { type RecordedFacts, unpackRecorded } from '../support/recordedFolders'
import { StockClient } from '../support/stockClient'
import { withPeople } from '../support/withPeople'

const nowhere = '127.0.0.1:9'

describe('a data folder of 0.3.0', () => {
  const people = withPeople()
  let folder: string
  let facts: RecordedFacts
  let ann: Person

  before(async () => {
    folder = temporaryFolder('recorded')
    facts = await unpackRecorded(folder)
    const storage = join(folder, 'ann')
    await takeOverByHalf(storage)
    ann = await people.start({ storage })
  })

  /** Killed when the store has moved and the catalog has not. */
  async function takeOverByHalf(storage: string): Promise<void> {
    const copy = temporaryFolder('copy')
    cpSync(storage, copy, { recursive: true })
    const { changes } = await runTakeOver(copy)
    assert.equal((await runTakeOver(storage, changes - 2)).ending.signal, 'SIGKILL')
    const { store, catalog } = dataFolderPaths(storage).earlier
    assert.deepEqual([existsSync(store), existsSync(catalog)], [false, true])
  }

  it('keeps its peer, its settings, its shares with their links and versions, and its copies', async () => {
    const { notes, photos, bobs, more } = facts.shares
    const { state } = ann
    assert.equal(state.me.id, facts.ann)
    assert.equal(state.me.name, 'Ann')
    assert.equal(state.keepRunning, true)
    assert.deepEqual(
      state.peers.filter(({ blocked }) => blocked).map(({ id }) => id),
      ['ybndrfg8ejkmcpqx'],
    )
    for (const { id, link } of [notes, photos])
      assert.equal((await ann.request('share.link', { id })).link, link)
    for (const { id, link } of [bobs, more]) assert.equal((await ann.request('open.link', { id })).link, link)
    assert.equal(ann.share(photos.id)?.status.kind, 'stopped')
    assert.equal(ann.share(photos.id)?.version, photos.version)
    assert.ok((ann.share(notes.id)?.version ?? 0) >= notes.version)
    assert.equal(ann.opened(more.id)?.contents?.version, more.version)
    assert.equal(await ann.read(bobs.id, '/x.txt'), 'from bob', 'what was fetched is here')
    assert.deepEqual(
      state.transfers.map(transfer => [transfer.folder, transfer.status.kind === 'done']),
      [
        [join(folder, 'waiting'), false],
        [join(folder, 'copy'), true],
      ],
    )
  })

  it('goes on under its links: a stock Hyperdrive client reads what is published now', async () => {
    const { id, link } = facts.shares.notes
    await makeTree(join(folder, 'notes'), { 'a.txt': 'four', 'right.tmp': 'left out' })
    await ann.rescan(id)
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const stock = await StockClient.start(people.bootstrap, olderHypercore())
    try {
      const { key, encryptionKey = '' } = parsed.link
      const drive = await stock.open(Buffer.from(key, 'hex'), Buffer.from(encryptionKey, 'hex'))
      assert.equal((await drive.get('/a.txt'))?.toString(), 'four')
      assert.equal((await drive.get('/b.txt'))?.toString(), 'b'.repeat(5_000))
      assert.equal(await drive.entry('/right.tmp'), null)
      await drive.close()
    } finally {
      await stock.close()
    }
  })

  it('meets another one again: what waited is copied, and what was copied is brought up to date', async () => {
    const bob = await people.start({ storage: join(folder, 'bob') })
    assert.equal(bob.state.me.id, facts.bob)
    const waiting = () => ann.state.transfers.find(({ id }) => id === 'recorded-job')
    await ann.until('the copy is done', () => waiting()?.status.kind === 'done')
    assert.deepEqual(await compareTrees(join(folder, 'waiting'), join(folder, 'more')), [])

    const { id } = facts.shares.bobs
    await makeTree(join(folder, 'bobs'), { 'x.txt': 'from bob, later' })
    await bob.rescan(id)
    await ann.open(facts.shares.bobs.link)
    const { conflicts } = await ann.copy(id, join(folder, 'copy'))
    assert.deepEqual(conflicts, [], 'what 0.3.0 wrote is not known as its own')
    assert.deepEqual(await compareTrees(join(folder, 'copy'), join(folder, 'bobs')), [])
  })

  it('is opened by 0.3.0 no more, which shows why instead', async () => {
    await people.leave()
    const { root, earlier, catalog } = dataFolderPaths(ann.storage)
    assert.deepEqual(
      readdirSync(root).filter(name => name.startsWith('store') || name.startsWith('catalog')),
      [],
    )
    // 0.3.0 parses this before it opens anything, and shows what its parser says.
    assert.throws(() => JSON.parse(readFileSync(earlier.keys, 'utf8')), /"Update Peerfold" is not valid JSON/)
    const opened = await Catalog.open(catalog)
    assert.deepEqual((await opened.get('settings', ''))?.limits, { bytes: 123_456_789 })
    await opened.close()
  })

  it('survives a kill at any moment of being taken over', async () => {
    const pristine = temporaryFolder('pristine')
    await unpackRecorded(pristine)
    const whole = join(temporaryFolder('whole'), 'ann')
    cpSync(join(pristine, 'ann'), whole, { recursive: true })
    const { changes } = await runTakeOver(whole)
    assert.ok(changes >= 10, `${changes} changes`)
    assert.deepEqual(await compareTrees(join(pristine, 'ann', 'store'), dataFolderPaths(whole).store), [])
    assert.deepEqual(await compareTrees(join(pristine, 'ann', 'catalog'), dataFolderPaths(whole).catalog), [])
    for (let at = 0; at < changes; at++) {
      const storage = join(temporaryFolder('killed'), 'ann')
      cpSync(join(pristine, 'ann'), storage, { recursive: true })
      const { ending } = await runTakeOver(storage, at)
      assert.equal(ending.signal, 'SIGKILL')
      const { earlier } = dataFolderPaths(storage)
      if (readFileSync(earlier.keys, 'utf8') !== BAR) {
        // 0.3.0 may start, and finds all that it left.
        for (const name of ['keys.json', 'token'])
          assert.deepEqual(readFileSync(join(storage, name)), readFileSync(join(pristine, 'ann', name)))
        for (const name of ['store', 'catalog'])
          assert.deepEqual(await compareTrees(join(pristine, 'ann', name), join(storage, name)), [])
      }
      takeOver(dataFolderPaths(storage))
      assert.deepEqual(
        await compareTrees(whole, storage, { emptyFolders: true }),
        [],
        `killed at change ${at}`,
      )
    }
  })
})

describe('a data folder of a newer version', () => {
  for (const name of [`format-${DATA_FORMAT + 1}`, `format-${DATA_FORMAT + 1}.part`]) {
    it(`(${name}) is left as it is, and this one says to update it`, async () => {
      const storage = temporaryFolder('newer')
      await makeTree(storage, { 'keys.json': BAR, [name]: { 'keys.json': 'of a form nobody knows yet' } })
      const before = temporaryFolder('before')
      cpSync(storage, before, { recursive: true })

      const client = new PeerClient({
        storage,
        client: 'window',
        bootstrap: [nowhere],
        peerProgram: built('peer.js'),
      })
      await assert.rejects(client.connect(), { code: 'storage-newer', message: /Update this one/ })
      client.dispose()
      const { code, stderr } = await peerfold(['ls', 'x'.repeat(52)], { storage })
      assert.equal(code === 0, false, stderr.join('\n'))
      const program = startPeerProgram({ storage, bootstrap: nowhere })
      assert.equal((await program.ended).code, 1)
      assert.match(program.stdout.join('\n'), /A newer Peerfold has written the data folder/)
      assert.deepEqual(await compareTrees(before, storage, { emptyFolders: true }), [])
    })
  }
})

/** @param at how many changes of the file system come before it is killed; absent: it is not */
async function runTakeOver(storage: string, at?: number): Promise<{ ending: Ending; changes: number }> {
  const program = built('test/support/killedTakeOver.process.js')
  const running = startProcess(process.execPath, [
    program,
    storage,
    ...(at === undefined ? [] : [String(at)]),
  ])
  const ending = await running.ended
  return { ending, changes: Number(running.stdout[0] ?? 0) }
}
