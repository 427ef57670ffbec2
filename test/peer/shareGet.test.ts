/** What is shared arrives, byte for byte, whatever it is called and however much it is. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import {
  compareTrees,
  executable,
  makeTree,
  randomBytes,
  setTimeOf,
  symbolicLink,
  type Tree,
  temporaryFolder,
} from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

describe('a share', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start(), people.start()])
  })

  const arrives = async (tree: Tree, options: { isPublic?: boolean } = {}) => {
    const source = await makeTree(temporaryFolder('source'), tree)
    const added = await ann.publish(source, options)
    const copy = temporaryFolder('copy')
    const result = await bob.get(added.link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    assert.deepEqual(result.skipped, [])
    assert.deepEqual([result.files, result.bytes], [added.files, added.bytes])
    return { added, result, source, copy }
  }

  it('of one file arrives', async () => {
    const { result } = await arrives({ 'one.txt': 'one' })
    assert.deepEqual([result.files, result.bytes, result.fetched, result.stale], [1, 3, 3, false])
  })

  it('of an empty file arrives', async () => {
    const { result } = await arrives({ 'empty.txt': '' })
    assert.deepEqual([result.files, result.bytes, result.fetched], [1, 0, 0])
  })

  it('arrives when it is public, and its link holds no key to decrypt', async () => {
    const { added } = await arrives({ 'a.txt': 'a', b: { 'c.txt': 'c' } }, { isPublic: true })
    const parsed = parseLink(added.link)
    assert.ok(parsed.ok)
    assert.equal(parsed.link.encryptionKey, undefined)
    await ann.until('ann sees it as public', () => ann.share(added.id)?.isPublic === true)
    await bob.until('bob sees it as public', () => bob.opened(added.id)?.isPublic === true)
  })

  it('of 1,200 small files in many folders arrives', async () => {
    const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
    const folder = (n: number) =>
      numbers(50).map(m => [`file ${m}.bin`, randomBytes(200 + ((m * 187) % 9_000), n * 50 + m)])
    const tree = numbers(24).map(n => [`folder ${n}`, Object.fromEntries(folder(n))])
    const { result } = await arrives(Object.fromEntries(tree))
    assert.equal(result.files, 1_200)
    // Small files travel packed together: hardly a byte comes twice.
    assert.ok(result.fetched < result.bytes * 1.1, `fetched ${result.fetched} of ${result.bytes}`)
  })

  it('keeps names with spaces, emoji, combining characters, other scripts and great length', async () => {
    const long = `${'n'.repeat(196)}.txt`
    await arrives({
      ' leading and trailing ': { 'a b.txt': 'spaces' },
      '👨‍👩‍👧‍👦 🙂.txt': 'a family',
      'e\u0301 and \u00e9': { 'e\u0301.txt': 'two characters', '\u00e9.txt': 'one character' },
      'می‌خواهم.txt': 'Persian, with a joiner that shows nothing',
      日本語: { 'ファイル.txt': 'Japanese' },
      [long]: 'long',
      'aux.c': 'a device on other systems',
      'ends with a dot.': 'so it does',
      'percent%20and#hash?': 'no address',
      'it’s "quoted" <here>': 'quoted',
      'UPPER.txt': 'upper',
      'upper.txt': 'lower',
      ['__proto__']: { constructor: 'no object of ours' },
    })
  })

  it('keeps who may execute a file, and links inside it', async () => {
    const { added, result, copy } = await arrives({
      'run.sh': executable('#!/bin/sh\n'),
      'plain.sh': '#!/bin/sh\n',
      sub: { tool: executable('tool'), up: symbolicLink('../plain.sh') },
      'to sub': symbolicLink('sub'),
    })
    assert.equal(result.files, 5)
    assert.deepEqual(result.warnings.filter(warning => warning.startsWith('/run.sh')).length, 1)
    // What a copy holds can be shared again and is the same share to look at.
    const again = await bob.publish(copy)
    assert.deepEqual([again.files, again.bytes], [added.files, added.bytes])
  })

  it('leaves links that lead out of it where they are, and says so', async () => {
    const outside = await makeTree(temporaryFolder('outside'), { 'secret.txt': 'mine' })
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    await symlink(join(outside, 'secret.txt'), join(source, 'absolute'))
    await symlink('../..', join(source, 'upwards'))
    const added = await ann.publish(source)
    assert.deepEqual([added.files, added.skippedCount], [1, 2])
    const copy = temporaryFolder('copy')
    await bob.get(added.link, copy)
    assert.deepEqual(await compareTrees(copy, await makeTree(temporaryFolder('a'), { 'a.txt': 'a' })), [])
  })

  it('leaves out names that other clients would take for folders, and says so', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', 'back\\slash': 'x' })
    const added = await ann.publish(source)
    assert.deepEqual(
      added.skipped.map(({ path }) => path),
      ['/back\\slash'],
    )
    assert.equal(added.files, 1)
  })

  it('of nothing, or of nothing but what is left out, is refused and leaves no share', async () => {
    const before = (await ann.request('state.get', {})).shares.length
    const empty = await makeTree(join(temporaryFolder('empty'), 'empty'), { inside: {} })
    await assert.rejects(ann.publish(empty), {
      code: 'source-empty',
      message: '“empty” has no files to share.',
    })
    const secrets = await makeTree(temporaryFolder('secrets'), { '.env': 'PASSWORD=x', '.gitignore': '*' })
    await assert.rejects(ann.publish(secrets), { code: 'nothing-to-share' })
    await assert.rejects(ann.publish(join(secrets, 'nowhere')), { code: 'not-a-folder' })
    assert.equal((await ann.request('state.get', {})).shares.length, before)
  })

  it('leaves out files that say they are empty and are not, and says so beforehand', async function () {
    const source = '/proc/sys/kernel/random'
    if (!existsSync(source)) this.skip()
    const asked = { source, isPublic: false, once: true, keep: false, allow: [] }
    const preview = await ann.request('share.preview', asked)
    assert.equal(preview.files, 0)
    assert.ok((preview.skippedCounts['special-file'] ?? 0) > 0)
    await assert.rejects(ann.publish(source), { code: 'nothing-to-share' })
  })

  it('carries every time that a file can have, of 1970 and before as well', async () => {
    const times = [0, -1, -1_000, -1_001, -1_500_000_000_123, 1, 999]
    const source = temporaryFolder('source')
    await makeTree(join(source, 'old'), Object.fromEntries(times.map(time => [`${time}`, `${time}`])))
    for (const time of times) await setTimeOf(join(source, 'old', `${time}`), time)
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    const listed = await bob.request('fs.list', { id, path: '/old' as DrivePath, after: '', limit: 100 })
    assert.deepEqual(new Set(listed.map(({ mtime }) => mtime)), new Set(times))
    const copy = temporaryFolder('copy')
    await bob.copy(id, copy)
    const arrived = times.map(time => Math.floor(statSync(join(copy, 'old', `${time}`)).mtimeMs))
    assert.deepEqual(arrived, times)
  })

  it('of a single file arrives under its name, and only it', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'the one.txt': 'this',
      'another.txt': 'not this',
    })
    const added = await ann.publish(join(source, 'the one.txt'))
    const copy = temporaryFolder('copy')
    const id = await bob.open(added.link)
    await bob.until('the share is known to be of a file', () => bob.opened(id)?.isFile === true)
    await bob.copy(id, copy)
    const expected = await makeTree(temporaryFolder('expected'), { 'the one.txt': 'this' })
    assert.deepEqual(await compareTrees(copy, expected), [])
  })

  it('gives a chosen folder or file of it', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'top.txt': 'top',
      docs: { 'plan.txt': 'plan', deep: { 'er.txt': 'er' } },
      'docs too': { 'x.txt': 'x' },
    })
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    const [folder, file] = [temporaryFolder('copy'), temporaryFolder('copy')]
    await bob.copy(id, folder, '/docs')
    await bob.copy(id, file, '/docs/plan.txt')
    const expected = temporaryFolder('expected')
    await makeTree(expected, {
      folder: { docs: { 'plan.txt': 'plan', deep: { 'er.txt': 'er' } } },
      file: { 'plan.txt': 'plan' },
    })
    assert.deepEqual(await compareTrees(folder, join(expected, 'folder')), [])
    assert.deepEqual(await compareTrees(file, join(expected, 'file')), [])
    await assert.rejects(bob.copy(id, file, '/nothing'), { code: 'file-not-found' })
  })

  it('refuses to be copied into the folder it comes from', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', sub: { 'b.txt': 'b' } })
    const { id } = await ann.publish(source)
    await assert.rejects(ann.copy(id, source), { code: 'target-overlaps' })
    await assert.rejects(ann.copy(id, join(source, 'sub')), { code: 'target-overlaps' })
    const copy = temporaryFolder('copy')
    await ann.copy(id, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('tells before anything is published what it would hold and leave out', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'a.txt': 'a',
      '.gitignore': 'build/\n',
      build: { 'out.js': 'x' },
      '.env': 'PASSWORD=x',
      'aux.txt': 'not for Windows',
    })
    const preview = await ann.request('share.preview', {
      source,
      isPublic: false,
      once: false,
      keep: false,
      allow: [],
    })
    assert.equal(preview.files, 3)
    assert.deepEqual(preview.skipped.map(({ path }) => path).sort(), ['/.env', '/build/'])
    assert.ok(preview.unportable.some(({ path }) => path === '/aux.txt'))
    assert.equal(preview.existing, undefined)
    assert.equal(
      ann.state.shares.some(share => share.source === source),
      false,
    )
  })

  it('brings every name that the reader’s system can hold, and its sharer is told at once what others leave out', async function () {
    if (process.platform !== 'linux') this.skip()
    const source = await makeTree(temporaryFolder('source'), {
      'T: notes.txt': 't',
      'a:b': 'ab',
      '.peerfold-notes': 'mine',
      'line\u2028separator': 'nobody takes it',
      'today.log': 'ignored',
      '.gitignore': '*.log\n',
      'pasted.txt': `-----BEGIN PRIVATE ${'KEY'}-----\nabc\n`,
      latest: symbolicLink('today.log'),
      gone: symbolicLink('no such file'),
      pasted: symbolicLink('pasted.txt'),
      notes: symbolicLink('T: notes.txt'),
    })
    const added = await ann.publish(source)
    assert.deepEqual(Object.fromEntries(added.skipped.map(({ path, reason }) => [path, reason])), {
      '/gone': 'link-dangling',
      '/latest': 'link-dangling',
      '/line\u2028separator': 'name',
      '/pasted': 'link-dangling',
      '/pasted.txt': 'secret-content',
      '/today.log': 'gitignore',
    })
    assert.deepEqual(Object.fromEntries(added.unportable?.map(({ path, reason }) => [path, reason]) ?? []), {
      '/T: notes.txt': 'win32:drive-letter',
      '/a:b': 'win32:drive-letter',
      '/notes': 'win32:link-absolute',
    })
    const told = () => ann.state.shares.find(({ id }) => id === added.id)
    await ann.until('the state says how many', () => told()?.unportable === 3)

    const copy = temporaryFolder('copy')
    const result = await bob.get(added.link, copy)
    assert.deepEqual([result.skipped, result.files], [[], added.files])
    const names = ['.gitignore', '.peerfold-notes', 'T: notes.txt', 'a:b', 'notes']
    assert.deepEqual((await readdir(copy)).sort(), names)
    assert.equal(await readFile(join(copy, 'notes'), 'utf8'), 't')

    await rm(join(source, 'T: notes.txt'))
    await ann.until('the link that it leaves dangling is gone, too', () => {
      return told()?.files === 3 && told()?.unportable === 1
    })
  })

  it('is asked for by names as they are typed, however it spells them; what is spelled in two ways is told', async function () {
    if (process.platform === 'darwin') this.skip() // its disks hold one of the two only
    const source = await makeTree(temporaryFolder('source'), {
      'cafe\u0301': { 'me\u0301nu.txt': 'decomposed' },
      '\u1e9b\u0323': 'one',
      '\u017f\u0323\u0307': 'two',
    })
    const { link } = await ann.publish(source)
    const id = await bob.open(link)
    assert.equal(await bob.read(id, '/caf\u00e9/m\u00e9nu.txt'), 'decomposed')
    assert.deepEqual(await bob.list(id, '/caf\u00e9'), ['me\u0301nu.txt'])
    const found = await bob.request('fs.find', { id, query: 'm\u00e9nu', limit: 10 })
    assert.deepEqual(found, ['/cafe\u0301/me\u0301nu.txt'])
    const copy = temporaryFolder('copy')
    assert.equal((await bob.copy(id, copy, '/caf\u00e9/m\u00e9nu.txt')).files, 1)
    assert.deepEqual(await readdir(copy), ['me\u0301nu.txt'])
    assert.equal(await bob.read(id, '/\u1e9b\u0323'), 'one', 'the exact name wins')
    await assert.rejects(bob.read(id, '/\u017f\u0307\u0323'), {
      code: 'ambiguous-path',
      message: /u\{17f\}.* and .*u\{1e9b\}/,
    })
  })

  it('lets in by name what the secrets filter leaves out', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', '.env': 'PORT=1' })
    const { link } = await ann.publish(source, { allow: ['/.env' as never] })
    const copy = temporaryFolder('copy')
    await bob.get(link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('of one large file arrives', async () => {
    const source = temporaryFolder('source')
    await writeFile(join(source, 'large.bin'), randomBytes(80_000_000, 7))
    await mkdir(join(source, 'beside'))
    await writeFile(join(source, 'beside', 'small.txt'), 'small')
    await chmod(join(source, 'large.bin'), 0o755)
    const { link } = await ann.publish(source)
    const copy = temporaryFolder('copy')
    const result = await bob.get(link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    assert.equal(result.fetched, 80_000_005)
  })
})
