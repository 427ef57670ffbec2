/** The main job as commands: one shares, the other gets, lists and reads. Real processes, a local DHT. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import type { DriveKey, DrivePath, EncryptionKey } from '../../src/common/brand'
import { formatKey, formatLink, parseLink } from '../../src/common/link'
import type { PeerState } from '../../src/common/model'
import { eventually } from '../support/eventually'
import { compareTrees, executable, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type PeerfoldEvent, type PeerfoldProcess, peerfold, startPeerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

describe('peerfold share and get', () => {
  const people = withPeople()
  const shared = {
    'read me.txt': 'hello',
    'empty.txt': '',
    'zoë 🙂.md': '# Zoë',
    docs: { 'plan.txt': 'first plan', deep: { 'data.bin': randomBytes(9_000_000) } },
    'run.sh': executable('#!/bin/sh\necho hi\n'),
  }
  let source: string
  let ann: Person
  let bob: Person
  let sharing: PeerfoldProcess
  let link: string

  before(async () => {
    source = await makeTree(temporaryFolder('source'), shared)
    ann = people.place('ann')
    bob = people.place('bob')
    await people.process(bob) // else each of his commands would start one
    sharing = startPeerfold(['share', source], ann)
    link = await sharing.line(() => true)
  })
  after(() => sharing.stop())

  function linkTo(path: string, version?: number): string {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const at = { ...parsed.link, path: path as DrivePath }
    return formatLink(version === undefined ? at : { ...at, version })
  }

  it('print the link alone as the first line, once everything is published', () => {
    assert.equal(sharing.stdout[0], link)
    assert.equal(parseLink(link).ok, true)
    assert.match(link, /^vscode:\/\/peerfold\.peerfold\/open\/pf[a-z0-9]+$/)
  })

  it('bring every byte to the other machine, and say so', async () => {
    const copy = join(temporaryFolder('copy'), 'made', 'on the way')
    const got = await peerfold(['get', link, copy], bob)
    assert.equal(got.code, 0, got.stderr.join('\n'))
    assert.deepEqual(await compareTrees(source, copy), [])
    assert.match(got.stdout[0] ?? '', /^6 files, 9\.0 MB in .*made\/on the way/)
  })

  it('tell scripts what was done as events', async () => {
    const copy = temporaryFolder('copy')
    const carla = people.place('carla')
    const first = await peerfold(['get', link, copy, '--json'], carla)
    assert.equal(first.code, 0, first.stderr.join('\n'))
    assert.equal(first.events.length, first.stdout.length)
    const { fetched, ...done } = last(first.events)
    assert.deepEqual(done, {
      event: 'done',
      complete: true,
      files: 6,
      bytes: 9_000_039,
      skipped: [],
      skippedCount: 0,
      conflicts: [],
      warnings: ['/run.sh: is a program'],
      changes: { added: 6, updated: 0, gone: 0 },
      stale: false,
      silent: [],
    })
    assert.ok(Number(fetched) >= 9_000_039, `fetched ${fetched}`)

    const again = await peerfold(['get', link, copy, '--json'], carla)
    assert.equal(again.code, 0)
    assert.equal(again.events.at(-1)?.fetched, 0)
    assert.deepEqual(again.events.at(-1)?.changes, { added: 0, updated: 0, gone: 0 })
    const told = await peerfold(['get', link, copy], carla)
    assert.match(told.stdout[0] ?? '', / \(nothing changed\)$/)
  })

  it('read the link from standard input', async () => {
    const listed = await peerfold(['ls', '-'], { ...bob, input: `${link}\n` })
    assert.equal(listed.code, 0, listed.stderr.join('\n'))
    assert.deepEqual([...listed.stdout].sort(), ['docs/', 'empty.txt', 'read me.txt', 'run.sh', 'zoë 🙂.md'])
  })

  it('list folders and files, with or without a leading slash', async () => {
    for (const path of ['docs', '/docs/']) {
      const { stdout } = await peerfold(['ls', link, path], bob)
      assert.deepEqual([...stdout].sort(), ['docs/deep/', 'docs/plan.txt'])
    }
    assert.deepEqual((await peerfold(['ls', link, 'docs/plan.txt'], bob)).stdout, ['docs/plan.txt'])
    const { events } = await peerfold(['ls', link, 'docs', '--json'], bob)
    const file = events.find(event => event.path === 'docs/plan.txt')
    assert.equal(file?.event, 'entry')
    assert.equal(file?.type, 'file')
    assert.equal(file?.size, 10)
  })

  it('write one file to standard output, of any size', async () => {
    const plan = await peerfold(['cat', link, '/docs/plan.txt'], bob)
    assert.deepEqual([plan.code, ...plan.stdout], [0, 'first plan'])
    const big = startPeerfold(['cat', link, 'docs/deep/data.bin'], bob)
    const chunks: Buffer[] = []
    big.child.stdout?.on('data', chunk => chunks.push(chunk))
    assert.equal((await big.ended).code, 0)
    assert.equal(Buffer.compare(Buffer.concat(chunks), randomBytes(9_000_000)), 0)
  })

  it('take the file or folder that a link points at', async () => {
    const [plan, deep] = [linkTo('/docs/plan.txt'), linkTo('/docs/deep/')]
    const [printed, listed, listedFile] = await Promise.all([
      peerfold(['cat', plan], bob),
      peerfold(['ls', deep], bob),
      peerfold(['ls', plan], bob),
    ])
    assert.deepEqual([printed.code, ...printed.stdout], [0, 'first plan'])
    assert.deepEqual([listed.code, ...listed.stdout], [0, 'docs/deep/data.bin'])
    assert.deepEqual(listedFile.stdout, ['docs/plan.txt'])
    // What “ls” prints can be asked for by any link of the share.
    assert.deepEqual((await peerfold(['cat', deep, 'docs/plan.txt'], bob)).stdout, ['first plan'])

    const copy = temporaryFolder('copy')
    for (const link of [plan, deep]) {
      const got = await peerfold(['get', link, copy], bob)
      assert.equal(got.code, 0, got.stderr.join('\n'))
    }
    const expected = { 'plan.txt': 'first plan', deep: { 'data.bin': randomBytes(9_000_000) } }
    assert.deepEqual(await compareTrees(await makeTree(temporaryFolder('expected'), expected), copy), [])
  })

  it('say that a link leads to nothing, that its version cannot be had, and that it points at no file', async () => {
    const copy = temporaryFolder('copy')
    for (const command of [['cat'], ['ls'], ['get', copy]]) {
      const [name = '', ...rest] = command
      const gone = await peerfold([name, linkTo('/docs/gone.txt'), ...rest], bob)
      assert.equal(gone.code, 1, name)
      assert.match(gone.stderr.join('\n'), /“docs\/gone\.txt” is not in this share/, name)
    }
    const earlier = await peerfold(['cat', linkTo('/docs/plan.txt', 1)], bob)
    assert.deepEqual([earlier.code, ...earlier.stdout], [0, 'first plan'])
    assert.match(earlier.stderr.join('\n'), /^Version \d+, of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.$/m)
    const none = await peerfold(['cat', linkTo('/docs/plan.txt', 1_000_000)], bob)
    assert.equal(none.code, 1)
    assert.match(none.stderr.join('\n'), /This share has no version 1000000\./)
    const whole = await peerfold(['cat', link], bob)
    assert.equal(whole.code, 2)
    assert.match(whole.stderr.join('\n'), /“cat” needs a path: this link is of a whole folder/)
  })

  it('fail plainly where there is nothing of that name or kind', async () => {
    const missing = await peerfold(['cat', link, 'nothing.txt'], bob)
    assert.equal(missing.code, 1)
    assert.match(missing.stderr.join('\n'), /“nothing\.txt” is not in this share/)
    const folder = await peerfold(['cat', link, 'docs'], bob)
    assert.equal(folder.code, 1)
    assert.match(folder.stderr.join('\n'), /is a folder/)
    const nowhere = await peerfold(['ls', link, 'nothing'], bob)
    assert.equal(nowhere.code, 1)
  })

  it('bring over what changed and nothing else, keep what was changed locally, keep what is gone there', async () => {
    const copy = temporaryFolder('copy')
    assert.equal((await peerfold(['get', link, copy], bob)).code, 0)
    await writeFile(join(copy, 'read me.txt'), 'my own words')
    await writeFile(join(source, 'read me.txt'), 'hello again')
    await writeFile(join(source, 'docs', 'new.txt'), 'new')
    await rm(join(source, 'empty.txt'))
    await eventually('all three changes are published', async () => {
      const [top, docs] = await Promise.all([
        peerfold(['cat', link, 'read me.txt'], bob),
        peerfold(['ls', link, 'docs'], bob),
      ])
      return top.stdout[0] === 'hello again' && docs.stdout.includes('docs/new.txt')
    })

    const got = await peerfold(['get', link, copy, '--json'], bob)
    assert.equal(got.code, 0, got.stderr.join('\n'))
    const done = got.events.at(-1)
    assert.ok(Number(done?.fetched) < 1_000_000, `fetched ${done?.fetched}`)
    assert.equal(await readFile(join(copy, 'read me.txt'), 'utf8'), 'my own words')
    assert.equal(await readFile(join(copy, 'docs', 'new.txt'), 'utf8'), 'new')
    assert.equal(await readFile(join(copy, 'empty.txt'), 'utf8'), '')
    const conflicts = done?.conflicts
    assert.ok(Array.isArray(conflicts) && conflicts.length === 1)
    assert.equal(conflicts[0].path, join(copy, 'read me.txt'))
    assert.equal(await readFile(conflicts[0].copy, 'utf8'), 'hello again')
  })

  it('show a share as it was: by number, time and link, as a list, as differences, as a copy', async () => {
    const listed = await peerfold(['log', link, '--json'], bob)
    const versions = listed.events.filter(({ event }) => event === 'version')
    const [newest, first] = [versions[0], versions.at(-1)]
    assert.ok(versions.length >= 2 && newest !== undefined && first !== undefined)
    assert.deepEqual(first.changes, { added: 6, changed: 0, removed: 0, bytes: 9_000_039 })
    const at = String(first.version)
    const before = new Date(Number(first.time) + 1).toISOString()

    const read = ['cat', link, 'read me.txt']
    const all = await Promise.all([
      peerfold([...read, '--at', at], bob),
      peerfold([...read, '--at', before], bob),
      peerfold(['cat', linkTo('/read me.txt', Number(at))], bob),
    ])
    assert.deepEqual(
      all.map(({ stdout }) => stdout),
      [['hello'], ['hello'], ['hello']],
    )
    assert.deepEqual((await peerfold(['ls', link, 'docs', '--at', at], bob)).stdout, [
      'docs/deep/',
      'docs/plan.txt',
    ])

    const file = await peerfold(['log', join(source, 'read me.txt'), '--json'], ann)
    const changes = file.events.filter(({ event }) => event === 'version')
    assert.deepEqual(
      changes.map(({ change, size, kept }) => [change, size, kept]),
      [
        ['changed', 11, true],
        ['added', 5, true],
      ],
    )
    const folder = await peerfold(['log', link, 'docs'], bob)
    assert.deepEqual([folder.code, folder.stdout.length], [0, 2], folder.stdout.join('\n'))

    const differences = await peerfold(['diff', link, at, String(newest.version)], bob)
    assert.deepEqual(differences.stdout, ['+ docs/new.txt', '- empty.txt', '~ read me.txt'])
    assert.match(
      differences.stderr.join('\n'),
      /^1 file added, 1 changed, 1 removed, 14 B, from version \d+ to \d+\.$/m,
    )
    const none = await peerfold(['diff', link, at, before], bob)
    assert.deepEqual([none.code, none.stdout], [0, []])
    assert.match(none.stderr.join('\n'), /are both in version \d+, so nothing is different/)

    const copy = temporaryFolder('copy')
    const got = await peerfold(['get', link, copy, '--at', at], bob)
    assert.equal(got.code, 0, got.stderr.join('\n'))
    assert.deepEqual(await compareTrees(await makeTree(temporaryFolder('expected'), shared), copy), [])
    const back = await peerfold(['get', link, copy], bob)
    assert.equal(back.code, 0, back.stderr.join('\n'))
    assert.equal(await readFile(join(copy, 'read me.txt'), 'utf8'), 'hello again')
  })

  it('end with 3 and a clear message when the link’s keys lead to nobody', async () => {
    const wrong = formatLink({
      key: '1'.repeat(64) as DriveKey,
      encryptionKey: '2'.repeat(64) as EncryptionKey,
      isFile: false,
    })
    const copy = join(temporaryFolder('copy'), 'never')
    const got = await peerfold(['get', wrong, copy, '--timeout', '2', '--json'], bob)
    assert.equal(got.code, 3)
    const error = got.events.at(-1)
    assert.deepEqual([error?.event, error?.code], ['error', 'nobody-found'])
    assert.match(String(error?.message), /^Nobody who has this share was found\. /)
    await assert.rejects(readFile(copy), { code: 'ENOENT' })
  })

  it('end with 2 when the link is none, and say what is wrong with it', async () => {
    const got = await peerfold(['get', link.slice(0, -4), temporaryFolder('copy')], bob)
    assert.equal(got.code, 2)
    assert.match(got.stderr.join('\n'), /cut off/)
    assert.deepEqual(got.stdout, [])
    const log = await peerfold(['log', 'nothing'], bob)
    assert.equal(log.code, 2)
    assert.match(log.stderr.join('\n'), /“nothing” is neither a link nor a folder or file on this disk/)
  })

  it('end with 1 when there is nothing to share or no folder to write to', async () => {
    const share = await peerfold(['share', join(source, 'nothing')], bob)
    assert.equal(share.code, 1)
    assert.match(share.stderr.join('\n'), /There is no folder or file to share at/)
    const secrets = await peerfold(['share', await makeTree(temporaryFolder('x'), { '.env': 'A=1' })], bob)
    assert.equal(secrets.code, 1)
    assert.match(secrets.stderr.join('\n'), /\.env: Environment files hold passwords and keys\./)
    const get = await peerfold(['get', link, join(source, 'run.sh')], bob)
    assert.equal(get.code, 1)
    assert.doesNotMatch(get.stderr.join('\n'), /retry|try again/i)
    const long = await peerfold(['get', link, join(temporaryFolder('copy'), 'n'.repeat(300))], bob)
    assert.equal(long.code, 1)
    assert.match(long.stderr.at(-1) ?? '', /is too long for this disk\. Choose a shorter name\.$/)
  })
})

describe('peerfold share', () => {
  const people = withPeople()

  it('tells what it shares and leaves out, and ends with 130 on Ctrl-C', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', '.env': 'PASSWORD=x', b: {} })
    const sharing = startPeerfold(['share', source, '--json'], people.place('ann'))
    const event = await sharing.event('sharing')
    const parsed = parseLink(String(event.link))
    assert.ok(parsed.ok)
    assert.equal(event.key, formatKey(parsed.link.key))
    assert.deepEqual([event.files, event.bytes, event.skippedCount], [1, 1, 1])
    assert.ok(Array.isArray(event.skipped))
    assert.match(String(event.skipped[0].path), /\.env$/)
    sharing.kill('SIGINT')
    assert.equal((await sharing.ended).code, 130)
  })

  it('gives away no home folder, nor what is above one, unless it is told to', async () => {
    const home = await makeTree(temporaryFolder('home'), { 'a.txt': 'a' })
    const ann = people.place('ann')
    const at = { ...ann, env: { ...process.env, HOME: home, USERPROFILE: home } }
    for (const all of [home, join(home, '..'), parse(home).root]) {
      const { code, stderr } = await peerfold(['share', all], at)
      assert.equal(code, 2)
      assert.match(stderr.join('\n'), /add --yes to share all of it/)
    }
    const sharing = startPeerfold(['share', home, '--yes'], at)
    assert.match(await sharing.line(() => true), /\/open\/pf/)
    await sharing.stop()
  })

  it('gives the same folder the same link, by whatever name it is called', async () => {
    const folder = temporaryFolder('source')
    await makeTree(folder, { inner: { 'a.txt': 'a' } })
    const ann = people.place('ann')
    const links: string[] = []
    for (const [name, cwd] of [
      [join(folder, 'inner'), folder],
      ['inner', folder],
      ['.', join(folder, 'inner')],
    ] as const) {
      const sharing = startPeerfold(['share', name], { ...ann, cwd })
      links.push(await sharing.line(() => true))
      await sharing.stop()
    }
    assert.equal(new Set(links).size, 1)
  })

  it('shares a public folder, and a single file', async () => {
    const folder = await makeTree(temporaryFolder('source'), { 'one.txt': 'one', 'two.txt': 'two' })
    const ann = people.place('ann')
    const bob = people.place('bob')
    await people.process(bob)
    const open = startPeerfold(['share', folder, '--public', '--json'], ann)
    const { key } = await open.event('sharing')
    const single = startPeerfold(['share', join(folder, 'two.txt')], ann)
    const fileLink = await single.line(() => true)
    try {
      assert.deepEqual([...(await peerfold(['ls', String(key)], bob)).stdout].sort(), ['one.txt', 'two.txt'])
      const parsed = parseLink(fileLink)
      assert.ok(parsed.ok && parsed.link.isFile)
      const copy = temporaryFolder('copy')
      assert.equal((await peerfold(['get', fileLink, copy], bob)).code, 0)
      assert.equal(await readFile(join(copy, 'two.txt'), 'utf8'), 'two')
      assert.deepEqual((await peerfold(['cat', fileLink], bob)).stdout, ['two'])
    } finally {
      await Promise.all([open.stop(), single.stop()])
    }
  })

  it('publishes a folder once and does not follow it with --once', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'before' })
    const ann = people.place('ann')
    const sharing = startPeerfold(['share', source, '--once'], ann)
    const following = await makeTree(temporaryFolder('source'), { 'a.txt': 'before' })
    const followed = startPeerfold(['share', following], ann)
    try {
      const [link, followedLink] = await Promise.all([sharing.line(() => true), followed.line(() => true)])
      const bob = people.place('bob')
      await people.process(bob)
      await writeFile(join(source, 'a.txt'), 'after')
      await writeFile(join(following, 'a.txt'), 'after')
      await eventually('the followed folder is published', async () => {
        return (await peerfold(['cat', followedLink, 'a.txt'], bob)).stdout[0] === 'after'
      })
      assert.deepEqual((await peerfold(['cat', link, 'a.txt'], bob)).stdout, ['before'])
    } finally {
      await Promise.all([sharing.stop(), followed.stop()])
    }
  })

  it('is interrupted while it publishes without leaving a share', async () => {
    const source = temporaryFolder('source')
    await mkdir(join(source, 'many'))
    // Other bytes in each, since what is in the log already is not appended again: publishing must take long enough for
    // some progress to be told.
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        writeFile(join(source, 'many', `${n}.bin`), randomBytes(5_000_000, n)),
      ),
    )
    const ann = people.place('ann')
    // A second client keeps the peer process, so that what is left of the share can be looked at.
    const other = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const holding = startPeerfold(['share', other], ann)
    await holding.line(() => true)
    const sharing = startPeerfold(['share', source, '--json'], ann)
    await sharing.event('progress')
    sharing.kill('SIGINT')
    assert.equal((await sharing.ended).code, 130)
    assert.deepEqual(
      sharing.events().filter(({ event }) => event === 'sharing'),
      [],
    )
    await eventually('only the other share is there', async () => {
      const { events } = await peerfold(['status', '--json'], ann)
      const state = events[0]?.state as PeerState
      return state.shares.map(share => share.source).join() === other
    })
    await holding.stop()
  })
})

interface Person {
  readonly storage: string
  readonly bootstrap: string
}

function last(events: readonly PeerfoldEvent[]): PeerfoldEvent {
  const event = events.at(-1)
  assert.ok(event !== undefined)
  return event
}
