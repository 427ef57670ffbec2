/** What vanishes from a shared folder without having been deleted stays shared, is told, and leaves in its time. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { ShareState } from '../../src/common/model'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { eventually } from '../support/eventually'
import { makeTree, type Tree, temporaryFolder } from '../support/folders'
import { PeerProcess, type PeerProcessOptions } from '../support/peerProcess'

/** Nobody listens there: nothing here needs a network. */
const NOWHERE = '127.0.0.1:1'

describe('what vanished from a shared folder', () => {
  let ann: PeerProcess
  let source: string
  let id: ShareId

  const start = (options: Partial<PeerProcessOptions> = {}) =>
    PeerProcess.start({ storage: temporaryFolder('ann'), bootstrap: NOWHERE, ...options })
  const share = async (tree: Tree) => {
    await makeTree(source, tree)
    id = (await ann.share(source)).id
  }
  const state = async (): Promise<ShareState> => {
    const found = (await ann.state()).shares.find(shared => shared.id === id)
    assert.ok(found)
    return found
  }
  const held = async () => (await state()).held ?? []
  const paths = async (folder = '/') =>
    (await ann.request('fs.list', { id, path: folder as DrivePath })).map(({ name }) => name)
  const many = (count: number): Tree =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}.txt`, `${index}`]))

  beforeEach(() => {
    source = join(temporaryFolder('source'), 'shared')
  })
  afterEach(() => ann.stop())

  it('is held when it was many files, told, and leaves when it is still gone', async () => {
    ann = await start({ hold: 2 })
    await share({ all: many(8), 'stays.txt': 'stays' })
    rmSync(join(source, 'all'), { recursive: true })
    await eventually('it is told', async () => (await held()).length > 0)
    const [files] = await held()
    assert.deepEqual({ kind: files?.kind, files: files?.files }, { kind: 'removal', files: 8 })
    assert.deepEqual(await paths(), ['all', 'stays.txt'])
    await eventually('they have left', async () => (await paths()).length === 1)
    assert.deepEqual(await held(), [])
  })

  it('leaves at once where a file or a link stands in the place of its folder', async () => {
    ann = await start({ hold: 600 })
    await share({ all: many(8), 'stays.txt': 'stays' })
    rmSync(join(source, 'all'), { recursive: true })
    writeFileSync(join(source, 'all'), 'a file now')
    await eventually('the file is there, and nothing below it', async () => {
      const [first] = await ann.request('fs.list', { id, path: '/' as DrivePath })
      return first?.name === 'all' && first.kind === 'file' && (await paths()).length === 2
    })
    assert.deepEqual(await held(), [])
  })

  it('stays for as long as it takes when it comes back in time, and other changes are published', async () => {
    ann = await start({ hold: 600 })
    await share({ all: many(8), 'stays.txt': 'stays' })
    renameSync(join(source, 'all'), `${source}-away`)
    await eventually('it is told', async () => (await held()).length > 0)
    writeFileSync(join(source, 'new.txt'), 'new')
    await eventually('what is new is there', async () => (await paths()).includes('new.txt'))
    assert.deepEqual(await paths(), ['all', 'new.txt', 'stays.txt'])
    renameSync(`${source}-away`, join(source, 'all'))
    await eventually('nothing is held', async () => (await held()).length === 0)
    assert.equal((await paths('/all')).length, 8)
    rmSync(join(source, 'all'), { recursive: true })
    await eventually('it is told again', async () => (await held()).length > 0)
    await ann.request('share.settle', { id, kind: 'removal', keep: false })
    assert.deepEqual(await paths(), ['new.txt', 'stays.txt'])
  })

  it('is not held when something came in its place, when a rule leaves it out, or when git took it', async function () {
    ann = await start({ hold: 600 })
    await share({ all: many(8), 'stays.txt': 'stays' })
    renameSync(join(source, 'all'), join(source, 'moved'))
    await ann.rescan(id)
    assert.deepEqual(await paths(), ['moved', 'stays.txt'])
    writeFileSync(join(source, '.gitignore'), 'moved/\n')
    await ann.rescan(id)
    assert.deepEqual(await paths(), ['.gitignore', 'stays.txt'])
    rmSync(join(source, '.gitignore'))
    const git = (...args: string[]) =>
      spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false', ...args], {
        cwd: source,
      }).status
    if (git('init', '-q', '-b', 'main') !== 0) this.skip()
    assert.equal(git('commit', '-q', '--allow-empty', '-m', 'empty'), 0)
    assert.equal(git('branch', 'bare'), 0)
    assert.equal(git('add', '-A'), 0)
    assert.equal(git('commit', '-q', '-m', 'all'), 0)
    await ann.rescan(id)
    assert.equal((await paths('/moved')).length, 8)
    writeFileSync(join(source, 'own.txt'), 'untracked')
    await ann.rescan(id)
    assert.equal(git('checkout', '-q', 'bare'), 0)
    await eventually('the checkout is published', async () => (await paths()).join() === 'own.txt')
  })

  it('stays until its disk is back, when a disk was mounted there', async function () {
    const namespace = ['unshare', '--mount', '--']
    const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
    if (tried.status !== 0) this.skip() // no mounts without being root
    ann = await start({ hold: 0, launcher: namespace })
    const pid = ann.process.child.pid ?? 0
    const inside = (...command: string[]) => {
      const { status, stderr } = spawnSync('nsenter', ['--mount', '--target', `${pid}`, '--', ...command])
      assert.equal(status, 0, `${command.join(' ')}: ${stderr}`)
    }
    const disk = join(source, 'disk')
    const mount = (text: string) => {
      const made = join(source, '..', text)
      mkdirSync(made)
      inside('mount', '-t', 'tmpfs', 'none', made)
      inside('sh', '-c', `for n in 1 2 3; do echo ${text} > "${made}/$n.txt"; done`)
      inside('mount', '--bind', made, disk) // with what is on it, as other disks
    }
    mkdirSync(disk, { recursive: true })
    mount('one')
    await share({ 'a.txt': 'a', 'b.txt': 'b' })
    assert.deepEqual(await paths('/disk'), ['1.txt', '2.txt', '3.txt'])
    inside('umount', disk)
    await eventually('that the disk is gone is told', async () => (await held()).length > 0)
    assert.deepEqual(await held(), [{ kind: 'disk', files: 3, paths: ['/disk'] }])
    writeFileSync(join(source, 'c.txt'), 'c')
    await ann.rescan(id)
    assert.deepEqual(await paths(), ['a.txt', 'b.txt', 'c.txt', 'disk'])
    assert.deepEqual(await paths('/disk'), ['1.txt', '2.txt', '3.txt'])
    mount('two')
    await eventually('the disk is back', async () => (await held()).length === 0)
    inside('sh', '-c', `echo three > "${disk}/4.txt"`)
    await eventually('what changes on it is seen', async () => (await paths('/disk')).includes('4.txt'))
    assert.equal((await ann.read(id, '/disk/1.txt')).toString(), 'two\n')
    inside('umount', disk)
    await eventually('it is gone again', async () => (await held()).length > 0)
    // Also while the folder is looked at: that look began when the disk was still waited for.
    const looking = ann.request('share.start', { id })
    await ann.request('share.settle', { id, kind: 'disk', keep: false })
    await looking
    assert.deepEqual(await paths(), ['a.txt', 'b.txt', 'c.txt'])
    assert.deepEqual(await held(), [])
  })

  it('leaves at once when an ignore file outside of the folder begins to hide it', async () => {
    const home = temporaryFolder('home')
    const env = { HOME: home, XDG_CONFIG_HOME: '', GIT_CONFIG_NOSYSTEM: '1' }
    mkdirSync(join(source, '..', '.git', 'info'), { recursive: true })
    ann = await start({ hold: 600, env })
    await share({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd' })
    writeFileSync(join(source, '..', '.gitignore'), 'a.txt\n')
    await eventually('by .gitignore above', async () => !(await paths()).includes('a.txt'))
    writeFileSync(join(source, '..', '.git', 'info', 'exclude'), 'b.txt\n')
    await eventually('by info/exclude', async () => !(await paths()).includes('b.txt'))
    writeFileSync(join(home, '.gitconfig'), '[core]\n\texcludesFile = ~/hidden\n')
    writeFileSync(join(home, 'hidden'), 'c.txt\n')
    await eventually('by the user’s own file', async () => !(await paths()).includes('c.txt'))
    assert.deepEqual(await paths(), ['d.txt'])
  })

  describe('because a newer Peerfold leaves it out', () => {
    const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEow'.repeat(40)}\n-----END RSA PRIVATE KEY-----\n`

    /** As an earlier version would have left it: shared, and no word about rules. */
    const updated = async (options: Partial<PeerProcessOptions> = {}) => {
      mkdirSync(join(source, '.git', 'info'), { recursive: true })
      ann = await start()
      await makeTree(source, { 'a.txt': 'a', 'notes.txt': KEY, 'private.txt': 'b', 'own.txt': 'c' })
      const allow = ['/notes.txt'] as DrivePath[]
      const params = { source, isPublic: false, once: false, keep: true, allow, job: 'first' }
      id = (await ann.request('share.add', params)).id
      const { storage } = ann.options
      await ann.stop()
      const catalog = await Catalog.open(dataFolderPaths(storage).catalog)
      for await (const [seed, record] of catalog.list('share')) {
        const { rules: _, ...rest } = record
        await catalog.put('share', seed, { ...rest, allow: [] })
      }
      await catalog.close()
      writeFileSync(join(source, '.git', 'info', 'exclude'), 'private.txt\n')
      writeFileSync(join(source, '.gitignore'), 'own.txt\n')
      ann = await start({ storage, ...options })
      await eventually('it is told', async () => (await held()).length > 0)
      const [files] = await held()
      assert.equal(files?.kind, 'update')
      assert.deepEqual([...(files?.paths ?? [])].sort(), ['/notes.txt', '/private.txt'])
      assert.equal(files?.until, undefined, 'no time runs before somebody was told')
      assert.deepEqual(await paths(), ['.gitignore', 'a.txt', 'notes.txt', 'private.txt'])
    }

    it('stays until that was told, and then leaves', async () => {
      await updated({ toldFor: 1 })
      await ann.request('share.told', { id })
      await eventually('it has left', async () => (await paths()).join() === '.gitignore,a.txt')
      assert.deepEqual(await held(), [])
    })

    it('leaves at a click, and stays at another', async () => {
      await updated()
      await ann.request('share.settle', { id, kind: 'update', keep: false })
      assert.deepEqual(await paths(), ['.gitignore', 'a.txt'])
      await ann.stop()
      source = join(temporaryFolder('source'), 'shared')
      await updated()
      await ann.request('share.settle', { id, kind: 'update', keep: true })
      assert.deepEqual(await held(), [])
      writeFileSync(join(source, 'b.txt'), 'b')
      await eventually('the folder is looked at again', async () => (await paths()).includes('b.txt'))
      assert.deepEqual(await paths(), ['.gitignore', 'a.txt', 'b.txt', 'notes.txt', 'private.txt'])
    })
  })
})
