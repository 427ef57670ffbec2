/** When the peer process lives and ends, and what outlives it: shares, opened shares, copies, links. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { introduce } from '../../src/client/introduce'
import { parseLink } from '../../src/common/link'
import type { PeerState, TransferState } from '../../src/common/model'
import { openConnection } from '../../src/wire/connection'
import { readEndpoint } from '../../src/wire/endpoint'
import { eventually, isRunning } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

describe('a peer process and what outlives it', () => {
  const people = withPeople()
  const others = withPeople()
  /** Somebody else, on another machine, who stays. */
  let reader: Person

  before(async () => {
    reader = await others.start()
  })

  describe('the peer process', () => {
    afterEach(() => people.leave())

    const smallFolder = () => makeTree(temporaryFolder('source'), { 'a.txt': 'a', b: { 'c.txt': 'c' } })

    it('serves two clients on one data folder, which see the same', async () => {
      const command = await people.start()
      const window = await people.start({ storage: command.storage, client: 'window' })
      assert.equal(await window.pid(), await command.pid())
      const { id } = await command.publish(await smallFolder())
      await window.until('the other one sees the share', () => window.share(id)?.status.kind === 'sharing')
    })

    it('ends when the last command is gone, and stays while a window is there', async () => {
      const command = await people.start()
      const pid = await command.pid()
      const window = await people.start({ storage: command.storage, client: 'window' })
      command.client.dispose()
      assert.equal((await window.request('state.get', {})).shares.length, 0)
      assert.ok(isRunning(pid))
      await window.leave()

      const alone = await people.start()
      const other = await alone.pid()
      alone.client.dispose()
      await eventually('it has ended', () => !isRunning(other))
    })

    it('goes on serving what a command asks for while another goes', async () => {
      const bootstrap = '127.0.0.1:9' // nobody: to be announced takes a while
      const ann = await people.start({ bootstrap })
      const { storage } = ann
      const source = await smallFolder()
      const first = await people.start({ storage, bootstrap })
      const { id } = await first.publish(source)
      first.client.dispose()
      await ann.until('it is at rest', () => ann.share(id)?.status.kind === 'stopped')

      const [second, other] = [
        await people.start({ storage, bootstrap }),
        await people.start({ storage, bootstrap }),
      ]
      let isAdded = false
      const adding = second.publish(source).then(() => {
        isAdded = true
      })
      await ann.until('it is served again', () => ann.share(id)?.status.kind === 'sharing')
      assert.equal(isAdded, false, 'it was announced at once')
      other.client.dispose()
      await adding
      assert.equal((await ann.request('state.get', {})).shares[0]?.status.kind, 'sharing')
    })

    it('lets go of what a copy alone still needed when that is over', async () => {
      const ann = await people.start()
      const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(12_000_000) })
      const { link } = await ann.publish(source)
      const bob = await people.start()
      const window = await people.start({ storage: bob.storage, client: 'window' })
      const id = await bob.open(link)
      const copy = temporaryFolder('copy')
      await bob.startCopy(id, copy)
      bob.client.dispose()
      await window.until('the copy is over', () =>
        window.state.transfers.some(({ status }) => status.kind === 'done'),
      )
      await window.until('the share is let go', () => window.opened(id) === undefined)
      assert.deepEqual(await compareTrees(source, copy), [])
    })

    it('waits for a window that comes back', async () => {
      const first = await people.start({ client: 'window' })
      const pid = await first.pid()
      first.client.dispose()
      const second = await people.start({ client: 'window', storage: first.storage })
      assert.equal(await second.pid(), pid)
    })

    it('welcomes nobody once it is ending: whoever comes then gets the next process', async () => {
      const ann = await people.start()
      const pid = await ann.pid()
      const endpoint = await readEndpoint(ann.storage)
      assert.ok(endpoint)
      const opened = async () => {
        const socket = connect(endpoint.socket)
        await once(socket, 'connect')
        return openConnection(socket)
      }
      const [connection, late] = await Promise.all([opened(), opened()])
      await introduce(connection, endpoint, { client: 'command' })
      await connection.request('process.stop', {}, { timeout: 5_000 }).catch(() => {}) // may come too late
      await introduce(late, endpoint, { client: 'command' }).then(
        hello => assert.equal(hello, undefined),
        () => {}, // it is gone already
      )
      const next = await people.start({ storage: ann.storage })
      assert.notEqual(await next.pid(), pid)
    })

    it('keeps sharing when everybody is gone, if it was told to, until it is stopped', async () => {
      const ann = await people.start()
      await ann.request('settings.set', { keepRunning: true })
      const { link } = await ann.publish(await smallFolder(), { keep: true })
      const pid = await ann.pid()
      ann.client.dispose()
      assert.equal(await reader.read(await reader.open(link), '/a.txt'), 'a')
      const again = await people.start({ storage: ann.storage })
      assert.equal(await again.pid(), pid)
      assert.equal(again.state.keepRunning, true)
      await again.request('process.stop', {})
      await eventually('it has ended', () => !isRunning(pid))
    })

    it('pushes its state at most four times a second, however much happens', async () => {
      const ann = await people.start()
      const source = temporaryFolder('source')
      await writeFile(join(source, 'large.bin'), randomBytes(16_000_000, 1))
      const { link } = await ann.publish(source)
      const id = await reader.open(link)
      const before = reader.states.length
      const started = performance.now()
      await reader.copy(id, temporaryFolder('copy'))
      const seconds = (performance.now() - started) / 1000
      const states = reader.states.length - before
      assert.ok(states <= 4 * seconds + 2, `${states} states within ${seconds} s`)
      const revisions = reader.states.map(({ revision }) => revision)
      assert.deepEqual(
        revisions,
        [...revisions].sort((a, b) => a - b),
      )
    })
  })

  describe('after the peer process was killed', () => {
    afterEach(() => people.leave())

    const isDone = (state: PeerState, job: string) =>
      state.transfers.some(({ id, status }) => id === job && status.kind === 'done')

    it('everything goes on by itself: what is shared, what is opened, the copy under way', async () => {
      const [ann, bob] = await Promise.all([
        people.start({ client: 'window' }),
        people.start({ client: 'window' }),
      ])
      const source = temporaryFolder('source')
      await writeFile(join(source, 'large.bin'), randomBytes(32_000_000, 2))
      const mine = await makeTree(temporaryFolder('source'), { 'mine.txt': 'mine' })
      const { id, link } = await ann.publish(source, { keep: true })
      const own = await bob.publish(mine, { keep: true })
      await bob.open(link, { keep: true })
      const copy = temporaryFolder('copy')
      const { job } = await bob.startCopy(id, copy)
      await bob.caught('some of it came', ({ transfers }) =>
        transfers.some(({ bytes }) => bytes.done > 1_000_000),
      )
      await bob.crash()
      await bob.until('it runs again', () => bob.restarts === 1)
      await bob.until('the copy is done', () => isDone(bob.state, job))
      assert.deepEqual(await compareTrees(source, copy), [])
      assert.equal(bob.opened(id)?.status.kind, 'connected')
      assert.equal(bob.share(own.id)?.status.kind, 'sharing')
      assert.equal((await bob.request('share.link', { id: own.id })).link, own.link)
      assert.equal(await reader.read(await reader.open(own.link), '/mine.txt'), 'mine')
      const result = await bob.request('copy.wait', { job, timeout: 1_000 })
      assert.deepEqual([result.files, result.bytes], [1, 32_000_000])
    })

    it('changes made meanwhile are published, and readers go on', async () => {
      const ann = await people.start({ client: 'window' })
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'before', 'b.txt': 'b' })
      const { id, link } = await ann.publish(source, { keep: true })
      await reader.open(link)
      const pid = await ann.pid()
      process.kill(pid, 'SIGKILL')
      await makeTree(source, { 'a.txt': 'after', 'c.txt': 'c' })
      await ann.until('it runs again', () => ann.restarts === 1)
      await reader.until('bob sees it', () => reader.opened(id)?.contents?.files === 3)
      assert.equal(await reader.read(id, '/a.txt'), 'after')
    })

    it('the same folder gets the same link, also when its first publish was cut off', async () => {
      const ann = await people.start({ client: 'window' })
      const source = temporaryFolder('source')
      for (let n = 0; n < 15; n++) await writeFile(join(source, `${n}.bin`), randomBytes(4_000_000, n))
      const job = randomUUID()
      const cutOff = assert.rejects(ann.publish(source, { keep: true, job }), { code: 'peer-unreachable' })
      const importing = ({ transfers }: PeerState) =>
        transfers.find(transfer => transfer.id === job && transfer.bytes.done > 0)
      const id = importing(
        await ann.caught('some of it is published', state => importing(state) !== undefined),
      )?.share
      await ann.crash()
      await cutOff
      await ann.until('it runs again', () => ann.restarts === 1)
      const added = await ann.publish(source, { keep: true })
      assert.equal(added.id, id)
      assert.equal(added.files, 15)
      const copy = temporaryFolder('copy')
      await reader.get(added.link, copy)
      assert.deepEqual(await compareTrees(source, copy), [])
    })

    it('killed as soon as there is a link: what it had not noted is found in the log, and nothing is published twice', async () => {
      const ann = await people.start({ client: 'window' })
      const source = temporaryFolder('source')
      for (let n = 0; n < 1_200; n++) await writeFile(join(source, `${n}.txt`), `file ${n}`)
      const { id, link } = await ann.publish(source, { keep: true, once: true })
      await ann.crash()
      await ann.until('it runs again', () => ann.restarts === 1)
      const again = await ann.publish(source, { keep: true, once: true })
      assert.deepEqual({ id: again.id, link: again.link, files: again.files }, { id, link, files: 1_200 })
      // The header of the log, a block that names the listing, one for each file, and one about the share.
      await ann.until('all is written, once', () => ann.share(id)?.version === 1_203)
    })

    it('kept shares and opened shares come back with the next one', async () => {
      const ann = await people.start()
      const bob = await people.start()
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const { id, link } = await ann.publish(source, { keep: true })
      await bob.open(link, { keep: true })
      assert.equal(await bob.read(id, '/a.txt'), 'a')
      await Promise.all([ann.leave(), bob.leave()])

      const [annAgain, bobAgain] = await Promise.all([
        people.start({ storage: ann.storage }),
        people.start({ storage: bob.storage }),
      ])
      await annAgain.until('it is shared', () => annAgain.share(id)?.status.kind === 'sharing')
      assert.equal((await annAgain.request('share.link', { id })).link, link)
      await bobAgain.until('they meet', () => bobAgain.opened(id)?.status.kind === 'connected')
      assert.equal(await bobAgain.read(id, '/a.txt'), 'a')
      assert.deepEqual(await bobAgain.list(id), ['a.txt'])
    })

    it('what was stopped stays stopped', async () => {
      const ann = await people.start()
      const { id } = await ann.publish(await makeTree(temporaryFolder('source'), { 'a.txt': 'a' }), {
        keep: true,
      })
      await ann.request('share.stop', { id })
      await ann.leave()
      const again = await people.start({ storage: ann.storage })
      assert.equal(again.share(id)?.status.kind, 'stopped')
      await again.request('share.start', { id })
      await again.until('it is shared again', () => again.share(id)?.status.kind === 'sharing')
    })
  })

  describe('the key of a share', () => {
    let ann: Person

    before(async () => {
      ann = await people.start()
    })
    after(() => people.leave())

    const keyOf = (link: string): string => {
      const parsed = parseLink(link)
      assert.ok(parsed.ok)
      return parsed.link.key
    }

    it('is never used again after the share was cancelled, of which nothing is left', async () => {
      const source = temporaryFolder('source')
      for (let n = 0; n < 15; n++) await writeFile(join(source, `${n}.bin`), randomBytes(4_000_000, n))
      const job = randomUUID()
      const cancelled = assert.rejects(ann.publish(source, { job }), { code: 'cancelled' })
      const transferIn = ({ transfers }: PeerState): TransferState | undefined =>
        transfers.find(({ id }) => id === job)
      const midway = await ann.caught(
        'some of it is published',
        state => (transferIn(state)?.bytes.done ?? 0) > 0,
      )
      const id = transferIn(midway)?.share
      await ann.request('transfer.cancel', { job })
      await cancelled
      await ann.until('it is shown as cancelled', () => transferIn(ann.state)?.status.kind === 'cancelled')
      assert.equal((await ann.request('state.get', {})).shares.length, 0)
      const added = await ann.publish(source)
      assert.notEqual(added.id, id)
      await ann.request('share.remove', { id: added.id })
    })

    it('is never used again after the share was removed', async () => {
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const first = await ann.publish(source, { keep: true })
      await ann.request('share.remove', { id: first.id })
      await assert.rejects(ann.request('share.link', { id: first.id }), { code: 'unknown-share' })
      const second = await ann.publish(source, { keep: true })
      assert.notEqual(keyOf(second.link), keyOf(first.link))
      assert.equal(await reader.read(await reader.open(second.link), '/a.txt'), 'a')
      await assert.rejects(reader.open(first.link, { timeout: 1_500 }), { code: 'nobody-found' })
    })

    it('stays the same however often the folder is shared, and whatever changes in it', async () => {
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const first = await ann.publish(source)
      await makeTree(source, { 'b.txt': 'b' })
      const [second, third] = await Promise.all([ann.publish(source), ann.publish(source)])
      assert.deepEqual([second.link, third.link], [first.link, first.link])
      assert.equal(second.files, 2)
      await ann.until('it is still shared', () => ann.share(second.id)?.status.kind === 'sharing')
      await ann.leave()
      ann = await people.start({ storage: ann.storage })
      assert.equal((await ann.publish(source)).link, first.link)
    })
  })
})
