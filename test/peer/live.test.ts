/** What the sharer saves, the others see: files that change, come, go, move, and those that must never appear. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { ChangedPath } from '../../src/common/protocol'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, type Tree, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

/** Of a file that is written bit by bit, with rests that are longer than a save waits for more. */
const PIECE = 700_000
const PIECES = 5
const WRITER = `
  const fs = require('node:fs')
  const [, path, piece] = process.argv
  const fd = fs.openSync(path, 'w')
  let left = ${PIECES}
  const write = () => {
    fs.writeSync(fd, Buffer.alloc(Number(piece), left))
    left--
    if (left > 0) setTimeout(write, 400)
    else fs.closeSync(fd)
  }
  write()
`

describe('a shared folder that changes', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person
  let source: string
  let id: ShareId

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start({ client: 'window' }), people.start({ client: 'window' })])
  })
  afterEach(async () => {
    await bob.request('open.remove', { id })
    await ann.request('share.remove', { id })
  })

  /** Shares a folder that bob opens; resolves when it is followed. */
  const share = async (tree: Tree) => {
    source = join(temporaryFolder('source'), 'shared')
    await makeTree(source, tree)
    const { link } = await ann.publish(source, { keep: true })
    id = await bob.open(link, { keep: true })
    await follows()
  }

  /** A first change shows that the watch has begun. */
  const follows = async () => {
    await writeFile(join(source, 'watched'), '')
    await arrives('/watched')
    bob.changes.length = 0
    ann.changes.length = 0
  }

  const sizeOf = async (path: DrivePath, version?: number) =>
    (await ann.request('fs.stat', { id, path, ...(version === undefined ? {} : { version }) })).size

  const changed = (who: Person): Map<string, ChangedPath['type']> =>
    new Map(
      who.changes
        .filter(change => change.id === id)
        .flatMap(({ paths }) => paths ?? [])
        .map(({ path, type }) => [path, type]),
    )

  const arrives = (path: string, type?: ChangedPath['type']) =>
    bob.until(`${path} is told as ${type ?? 'changed'}`, () => {
      const seen = changed(bob).get(path)
      return seen !== undefined && (type === undefined || seen === type)
    })

  /** A file may be seen while it is being written: what counts is what it comes to. */
  const becomes = (path: string, text: string) =>
    eventually(`${path} reads “${text}”`, async () => (await bob.read(id, path)) === text)

  it('tells its own windows and those of others which paths changed', async () => {
    await share({ 'a.txt': 'before', docs: { 'b.txt': 'b' } })
    await writeFile(join(source, 'a.txt'), 'after')
    await arrives('/a.txt', 'changed')
    await becomes('/a.txt', 'after')
    await ann.until('ann is told too', () => changed(ann).get('/a.txt') === 'changed')
    assert.deepEqual([...changed(bob)], [['/a.txt', 'changed']])
  })

  it('shows new files, also in folders that were made with them', async () => {
    await share({ 'a.txt': 'a' })
    await mkdir(join(source, 'new', 'deep', 'er'), { recursive: true })
    await writeFile(join(source, 'new', 'deep', 'er', 'file.txt'), 'found')
    await arrives('/new/deep/er/file.txt', 'added')
    await writeFile(join(source, 'new', 'deep', 'er', 'file.txt'), 'found again')
    await arrives('/new/deep/er/file.txt', 'changed')
    await becomes('/new/deep/er/file.txt', 'found again')
  })

  it('takes away what is deleted, and moves what is renamed without sending it again', async () => {
    const large = Buffer.alloc(3_000_000, 'large')
    await share({ 'gone.txt': 'gone', 'large.bin': large, folder: { 'x.txt': 'x' } })
    await bob.seed(id)
    await rm(join(source, 'gone.txt'))
    await rename(join(source, 'large.bin'), join(source, 'moved.bin'))
    await rename(join(source, 'folder'), join(source, 'renamed'))
    await Promise.all([
      arrives('/gone.txt', 'removed'),
      arrives('/large.bin', 'removed'),
      arrives('/moved.bin', 'added'),
      arrives('/folder/x.txt', 'removed'),
      arrives('/renamed/x.txt', 'added'),
    ])
    assert.deepEqual(await bob.list(id), ['moved.bin', 'renamed', 'watched'])
    const result = await bob.seed(id)
    assert.equal(result.fetched, 0)
    const copy = temporaryFolder('copy')
    await bob.copy(id, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('shows a large file that a program writes bit by bit when it is whole', async function () {
    if (process.platform !== 'linux') this.skip() // elsewhere a writer that rests for so long is not seen
    await share({ 'export.bin': randomBytes(2 * PIECE) })
    const path = '/export.bin' as DrivePath
    const writer = spawn(process.execPath, ['-e', WRITER, join(source, 'export.bin'), `${PIECE}`])
    await once(writer, 'exit')
    await eventually('it is there', async () => (await sizeOf(path)) === PIECES * PIECE)
    const versions = new Set(ann.changes.filter(change => change.id === id).map(({ version }) => version))
    const sizes = await Promise.all([...versions].map(version => sizeOf(path, version)))
    assert.deepEqual(
      sizes.filter(size => size !== 2 * PIECE && size !== PIECES * PIECE),
      [],
      'half of it was published',
    )
  })

  it('gathers a burst into few versions', async () => {
    await share({ 'a.txt': 'a' })
    const versions = () =>
      new Set(ann.changes.filter(change => change.id === id).map(({ version }) => version)).size
    const before = versions()
    await Promise.all(Array.from({ length: 400 }, (_, n) => writeFile(join(source, `${n}.txt`), `${n}`)))
    await bob.until('all are there', () => bob.opened(id)?.contents?.files === 402)
    assert.ok(versions() - before <= 8, `${versions() - before} versions`)
  })

  it('looks at what was saved and its folder, and at the rest with the next scan', async function () {
    if (process.platform === 'win32') this.skip() // there a folder tells of its files' second names
    await share({ here: { 'saved.txt': 'before' }, there: { 'quiet.txt': 'before' } })
    const outside = join(temporaryFolder('outside'), 'second name')
    const quiet = join(source, 'there', 'quiet.txt')
    // Neither a name that is made outside nor what is written by it is told by the system.
    await link(quiet, outside)
    // A save that the watcher tells late, or in parts, is looked for in the whole folder: on a busy machine, some are.
    const staysUnseen = async (round: number) => {
      await writeFile(outside, `unseen ${round}`)
      await writeFile(join(source, 'here', 'saved.txt'), `after ${round}`)
      await becomes('/here/saved.txt', `after ${round}`)
      await writeFile(join(source, 'here', `new ${round}.txt`), 'new')
      await arrives(`/here/new ${round}.txt`, 'added')
      return (await bob.read(id, '/there/quiet.txt')) !== `unseen ${round}`
    }
    let round = 1
    let isUnseen = await staysUnseen(round)
    while (!isUnseen && round < 5) isUnseen = await staysUnseen(++round)
    assert.ok(isUnseen, 'only what was saved is looked at')
    await ann.rescan(id)
    await arrives('/there/quiet.txt', 'changed')
    await becomes('/there/quiet.txt', `unseen ${round}`)
  })

  it('is one version after a checkout, however long that takes', async () => {
    const files = Array.from({ length: 12 }, (_, n) => `file-${n}.txt`)
    const folders = Object.fromEntries(files.map((name, n) => [`folder-${n}`, { [name]: 'before' }]))
    await share({ ...folders, '.git': { HEAD: 'ref: refs/heads/main\n', config: '' } })
    await ann.rescan(id) // the repository is known
    const lock = join(source, '.git', 'index.lock')
    await writeFile(lock, '')
    for (const [n, name] of files.entries()) {
      await writeFile(join(source, `folder-${n}`, name), 'after')
      await delay(120) // as long as it takes to write large files
    }
    await rm(lock)
    await arrives(`/folder-${files.length - 1}/${files.at(-1)}`)
    const versions = bob.changes.filter(change => change.id === id && (change.paths ?? []).length > 0)
    assert.deepEqual(
      versions.map(({ paths }) => paths?.length),
      [files.length],
      'all files came at once',
    )
  })

  it('never shows what is ignored or secret, however it comes', async () => {
    await share({ 'a.txt': 'a', '.gitignore': 'build/\n*.log\n' })
    const token = ['np', 'm_', 'q7Zr2LbXw9Kd4TnVy6Hs8Jf3Mg5Pc1AeRtUv'].join('')
    await makeTree(source, {
      '.env': 'PASSWORD=x',
      build: { 'out.js': 'out' },
      'debug.log': 'log',
      '.git': { config: '[core]' },
      deep: { id_rsa: 'key' },
      '.npmrc~': `//registry.npmjs.org/:_authToken=${token}\n`,
      'notes.md': `# Release\n\nWith ${token} it works.\n`,
    })
    await writeFile(join(source, 'harmless.txt'), 'MIIEpAIBAAKCAQEAx3')
    await rename(join(source, 'harmless.txt'), join(source, 'server.pem'))
    await writeFile(join(source, 'last.txt'), 'last')
    await arrives('/last.txt')
    assert.deepEqual(await bob.list(id), ['.gitignore', 'a.txt', 'last.txt', 'watched'])
    // Readers have the version a moment before its publisher is done with it.
    await eventually('what is left out is listed', async () => {
      const { skipped } = await ann.request('share.skipped', { id })
      const left = skipped.map(({ path }) => path)
      return ['/.env', '/server.pem', '/deep/id_rsa', '/.npmrc~', '/notes.md'].every(path =>
        left.includes(path),
      )
    })
    const { skipped } = await ann.request('share.skipped', { id })
    const told = skipped.find(({ path }) => path === '/notes.md')
    assert.equal(told?.detail, 'An npm token stands in line 3.', 'the kind and the line, not the value')
  })

  it('takes away what an ignore file names from now on', async () => {
    await share({ 'a.txt': 'a', 'debug.log': 'log' })
    await writeFile(join(source, '.peerfoldignore'), '*.log\n')
    await arrives('/debug.log', 'removed')
    assert.equal(await readFile(join(source, 'debug.log'), 'utf8'), 'log')
    await ann.request('settings.set', { ignore: ['a.*'] })
    await arrives('/a.txt', 'removed')
    await ann.request('settings.set', { ignore: [] })
    await arrives('/a.txt', 'added')
  })

  it('does not publish a file any further once a key is pasted into it, and says so once', async () => {
    await share({ 'config.txt': 'harmless' })
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEow'.repeat(40)}\n-----END RSA PRIVATE KEY-----\n`
    await writeFile(join(source, 'config.txt'), `harmless\n${key}`)
    const told = () =>
      ann.notices.filter(({ share: of, message }) => of === id && message.includes('config.txt'))
    await ann.until('ann is warned', () => told().length > 0)
    assert.equal(told()[0]?.level, 'warning')
    await writeFile(join(source, 'next.txt'), 'next')
    await arrives('/next.txt')
    await writeFile(join(source, 'config.txt'), `harmless, twice\n${key}`)
    await writeFile(join(source, 'later.txt'), 'later')
    await arrives('/later.txt')
    assert.equal(await bob.read(id, '/config.txt'), 'harmless')
    assert.equal(told().length, 1)
    await writeFile(join(source, 'config.txt'), 'harmless again')
    await arrives('/config.txt', 'changed')
    await becomes('/config.txt', 'harmless again')
  })

  it('pauses when it vanishes, keeps what was published, and goes on when it is back', async () => {
    await share({ 'a.txt': 'before' })
    const elsewhere = join(source, '..', 'elsewhere')
    await rename(source, elsewhere)
    await ann.until('ann is told', () => {
      const status = ann.share(id)?.status
      return status?.kind === 'failed' && status.error.code === 'source-vanished'
    })
    assert.equal(await bob.read(id, '/a.txt'), 'before')
    assert.deepEqual([...changed(bob)], [])
    await writeFile(join(elsewhere, 'a.txt'), 'after')
    await rename(elsewhere, source)
    await arrives('/a.txt', 'changed')
    await ann.until('it is shared again', () => ann.share(id)?.status.kind === 'sharing')
    await becomes('/a.txt', 'after')
  })

  it('follows a single file too, also when a program replaces it', async () => {
    source = await makeTree(temporaryFolder('source'), { 'one.txt': 'one', 'two.txt': 'two' })
    const { link } = await ann.publish(join(source, 'one.txt'), { keep: true })
    id = await bob.open(link, { keep: true })
    await writeFile(join(source, 'one.txt'), 'one again')
    await arrives('/one.txt', 'changed')
    await writeFile(join(source, 'temporary'), 'replaced')
    await rename(join(source, 'temporary'), join(source, 'one.txt'))
    await bob.until(
      'the replacement came',
      () => changed(bob).get('/one.txt') === 'changed' && bob.opened(id)?.contents?.bytes === 8,
    )
    await becomes('/one.txt', 'replaced')
    assert.deepEqual(await bob.list(id), ['one.txt'])
  })
})
