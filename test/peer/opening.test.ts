/** Opening, and what can be done with an opened share and its transfers: every request of the contract. */
import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { formatKey, formatLink, parseLink } from '../../src/common/link'
import {
  compareTrees,
  executable,
  makeTree,
  randomBytes,
  symbolicLink,
  temporaryFolder,
} from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

describe('an opened share', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start({ client: 'window' }), people.start({ client: 'window' })])
  })

  const share = async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'a.txt': 'a text',
      docs: { 'plan.md': 'plan', deep: { 'er.txt': 'er' } },
      'run.sh': executable('#!/bin/sh\n'),
      link: symbolicLink('docs/plan.md'),
      'large.bin': randomBytes(2_000_000, 1),
    })
    return { source, ...(await ann.publish(source, { name: 'Ann’s things' })) }
  }
  const at = (path: string) => path as DrivePath

  it('is listed and described without its bytes being fetched', async () => {
    const { link } = await share()
    const id = await bob.open(link)
    assert.deepEqual(await bob.list(id), ['a.txt', 'docs', 'large.bin', 'link', 'run.sh'])
    const {
      name,
      kind,
      size,
      executable: runs,
    } = await bob.request('fs.stat', { id, path: at('/large.bin') })
    assert.deepEqual([name, kind, size, runs], ['large.bin', 'file', 2_000_000, false])
    assert.equal((await bob.request('fs.stat', { id, path: at('/run.sh') })).executable, true)
    assert.equal((await bob.request('fs.stat', { id, path: at('/docs') })).kind, 'folder')
    assert.equal((await bob.request('fs.stat', { id, path: at('/link') })).linkTarget, 'docs/plan.md')
    await assert.rejects(bob.request('fs.stat', { id, path: at('/docs/x') }), { code: 'file-not-found' })
    await assert.rejects(bob.request('fs.list', { id, path: at('/a.txt') }), { code: 'not-a-folder-entry' })
    await assert.rejects(bob.read(id, '/docs'), { code: 'is-a-folder' })
    await bob.until('its name is shown', () => bob.opened(id)?.name === 'Ann’s things')
    assert.equal(bob.opened(id)?.bytesHere, 0)
  })

  it('is read whole, in part, and through its links', async () => {
    const { link } = await share()
    const id = await bob.open(link)
    assert.equal(await bob.read(id, '/link'), 'plan')
    const part = { id, path: at('/large.bin'), start: 1_500_000, length: 1_000_000, timeout: 20_000 }
    const end = Buffer.from(await bob.request('fs.readRange', part))
    assert.ok(end.equals(Buffer.from(randomBytes(2_000_000, 1)).subarray(1_500_000)))
    const whole = { id, path: at('/large.bin'), limit: 1_000_000, timeout: 20_000 }
    await assert.rejects(bob.request('fs.read', whole), { code: 'too-large' })
    const found = await bob.request('fs.find', { id, query: 'DEEP er', limit: 10 })
    assert.deepEqual(found, ['/docs/deep/er.txt'])
  })

  it('shows a file that is read for somebody among the transfers, part by part, until it is given up or here', async () => {
    const size = 14_000_000 // more than is fetched ahead
    const source = await makeTree(temporaryFolder('source'), { 'film.bin': randomBytes(size, 2) })
    const { link } = await ann.publish(source)
    const id = await bob.open(link, { keep: true })
    const part = { id, path: at('/film.bin'), length: size, timeout: 20_000, job: 'shown' }
    const reads = () => bob.state.transfers.filter(({ kind }) => kind === 'read')
    await bob.request('fs.readRange', { ...part, start: 0, length: 1_000_000 })
    await bob.request('open.stop', { id })
    const rest = bob.request('fs.readRange', { ...part, start: 1_000_000 })
    rest.catch(() => {}) // awaited below
    await bob.until('it is shown', () => reads().length === 1)
    const [{ name, share: of, bytes } = assert.fail()] = reads()
    assert.deepEqual([name, of, bytes.total], ['film.bin', id, size])
    assert.ok(bytes.done >= 1_000_000 && bytes.done < size, `${bytes.done} bytes`)
    await bob.request('transfer.cancel', { job: 'shown' })
    await assert.rejects(rest, { code: 'cancelled' })
    await bob.until('it is not shown any more', () => reads().length === 0)

    const { length: before } = bob.states
    await bob.request('open.start', { id })
    const whole = { id, path: at('/film.bin'), limit: size, timeout: 20_000, job: 'whole' }
    assert.equal((await bob.request('fs.read', whole)).length, size)
    await bob.until('it is not shown any more', () => bob.states.length > before && reads().length === 0)
  })

  it('is one, however often and by whomever it is opened, and ours is no other', async () => {
    const { id, link } = await share()
    const [first, second] = await Promise.all([bob.open(link), bob.open(link)])
    assert.deepEqual([first, second], [id, id])
    assert.equal((await bob.request('state.get', {})).opened.filter(each => each.id === id).length, 1)
    assert.deepEqual(await ann.request('open.add', { link, keep: false }), { id, own: true })
    assert.equal(await ann.read(id, '/a.txt'), 'a text')
    assert.deepEqual(await ann.list(id, '/docs'), ['deep', 'plan.md'])
  })

  it('that is private says that its key alone does not do, and opens with the whole link later', async () => {
    const { id, link } = await share()
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const bare = formatLink({ key: parsed.link.key, isFile: false })
    for (const key of [formatKey(parsed.link.key), bare]) {
      await assert.rejects(bob.open(key, { timeout: 10_000 }), {
        code: 'not-readable',
        message: /whole link/,
      })
    }
    assert.equal(await bob.read(await bob.open(link), '/a.txt'), 'a text')
    assert.equal((await bob.request('open.link', { id })).link.length, link.length)
  })

  it('is forgotten with all that was fetched of it, and can be opened again', async () => {
    const { id, link } = await share()
    await bob.open(link, { keep: true })
    await bob.seed(id)
    const copy = temporaryFolder('copy')
    await bob.copy(id, copy)
    await bob.request('open.remove', { id })
    await bob.until('it is gone', () => bob.opened(id) === undefined)
    await assert.rejects(bob.read(id, '/a.txt'), { code: 'unknown-share' })
    assert.equal(await readFile(join(copy, 'a.txt'), 'utf8'), 'a text')
    await bob.open(link)
    assert.ok((await bob.seed(id)).fetched >= 2_000_000)
  })

  it('is left when it is stopped, and joined when it is started', async () => {
    const { id, link } = await share()
    await bob.open(link, { keep: true })
    await ann.until('bob is there', () => ann.share(id)?.peers === 1)
    await bob.request('open.stop', { id })
    await ann.until('bob is gone', () => ann.share(id)?.peers === 0)
    await bob.until('it is stopped', () => bob.opened(id)?.stopped === true)
    await bob.request('open.start', { id })
    await ann.until('bob is there again', () => ann.share(id)?.peers === 1)
    assert.equal(await bob.read(id, '/a.txt'), 'a text')
  })
})

describe('a transfer', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start(), people.start()])
  })

  const transfer = (job: string) => bob.state.transfers.find(({ id }) => id === job)

  it('that is cancelled leaves no half-written file, and goes on when it is asked for again', async () => {
    const source = temporaryFolder('source')
    for (let n = 0; n < 12; n++) await writeFile(join(source, `${n}.bin`), randomBytes(3_000_000, n))
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    const copy = temporaryFolder('copy')
    const { job } = await bob.startCopy(id, copy)
    assert.equal((await bob.startCopy(id, copy)).job, job, 'the same copy is one job')
    await bob.caught('some of it came', ({ transfers }) =>
      transfers.some(({ id, bytes }) => id === job && bytes.done > 0),
    )
    await bob.request('transfer.cancel', { job })
    await bob.until('it has ended', () => ['cancelled', 'done'].includes(transfer(job)?.status.kind ?? ''))
    for (const name of await readdir(copy)) {
      assert.match(name, /^\d+\.bin$/)
      assert.ok((await readFile(join(copy, name))).equals(await readFile(join(source, name))), name)
    }
    const kept = (await readdir(copy)).length
    const result = await bob.copy(id, copy)
    assert.deepEqual([result.files, result.bytes], [12, 36_000_000])
    assert.ok(
      result.fetched <= 36_000_000 - kept * 3_000_000,
      `${kept} files were there, yet ${result.fetched} came`,
    )
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('that waits for its folder to come back says so and goes on', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    const copy = join(temporaryFolder('parent'), 'copy')
    await assert.rejects(bob.copy(id, copy), { code: 'target-vanished' })
    await makeTree(copy, {})
    const { job } = (await bob.request('state.get', {})).transfers
      .filter(({ folder }) => folder === copy)
      .map(({ id: job }) => ({ job }))[0] ?? { job: '' }
    await bob.request('transfer.retry', { job })
    await bob.until('it is done', () => transfer(job)?.status.kind === 'done')
    assert.equal(await readFile(join(copy, 'a.txt'), 'utf8'), 'a')
    await bob.request('transfer.clear', {})
    await bob.until('the list is empty', () => transfer(job) === undefined)
  })

  it('is not stopped by a file that cannot be written', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' })
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    const copy = await makeTree(temporaryFolder('copy'), { 'b.txt': { 'in the way': '' } })
    const { skipped, files } = await bob.copy(id, copy)
    assert.deepEqual(
      skipped.map(({ path, reason }) => [path, reason]),
      [['/b.txt', 'kept-folder']],
    )
    assert.equal(files, 2)
    await rm(join(copy, 'b.txt'), { recursive: true })
    assert.deepEqual((await bob.copy(id, copy)).skipped, [])
    assert.deepEqual(await compareTrees(source, copy), [])
  })
})
