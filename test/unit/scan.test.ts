import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Corestore from 'corestore'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import type { DrivePath } from '../../src/common/brand'
import { compareDrivePaths } from '../../src/peer/names/pathOrder'
import { refusalToShare } from '../../src/peer/names/paths'
import { describeRefusal } from '../../src/peer/names/refusals'
import { previewFolder } from '../../src/peer/publish/scan/preview'
import { scanFile, scanFolder } from '../../src/peer/publish/scan/scan'
import type { ScanOptions } from '../../src/peer/publish/scan/scanned'
import { holds } from '../support/fuzz'

const posix = process.platform !== 'win32'
const key = `-----BEGIN PRIVATE ${'KEY'}-----\nabc\n`
let top = ''
let root = ''

/** Writes files, given by drive path, into the shared folder. */
function put(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true })
    fs.writeFileSync(join(root, path), content)
  }
}

async function scanned(options?: ScanOptions) {
  const scan = await scanFolder(root, options)
  return {
    ...scan,
    paths: scan.files.map(file => String(file.path)),
    why: Object.fromEntries(scan.skipped.map(entry => [entry.path, entry.reason])),
  }
}

/** Permissions do not stop root, so as root this does something as nobody. */
async function withoutPrivileges<T>(action: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return action()
  process.seteuid?.(65534)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}

describe('a scan', function () {
  this.timeout(20_000)

  beforeEach(() => {
    top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'peerfold-scan-')))
    root = join(top, 'share')
    fs.mkdirSync(root)
  })
  afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

  it('lists files by their paths, with what the index compares', async () => {
    put({ '/b.txt': 'bb', '/a/c.txt': 'c', '/empty': '' })
    fs.mkdirSync(join(root, 'nothing'))
    if (posix) fs.chmodSync(join(root, 'b.txt'), 0o755)
    const scan = await scanned()
    assert.deepEqual(scan.paths, ['/a/c.txt', '/b.txt', '/empty'])
    const stats = fs.lstatSync(join(root, 'b.txt'))
    assert.deepEqual(scan.files[1], {
      path: '/b.txt',
      kind: 'file',
      size: 2,
      mtimeMs: stats.mtimeMs,
      ctimeMs: stats.ctimeMs,
      ino: stats.ino,
      executable: posix,
      allowed: false,
    })
    assert.equal(scan.bytes, 3)
    assert.equal(scan.folders, 3)
    assert.equal(scan.isFile, false)
  })

  it('puts paths in the order of their UTF-8 bytes', async () => {
    put({ '/a/x': '', '/a.txt': '', '/a-': '', '/ab': '', '/😀': '', '/\uFB01': '', '/é': '', '/A/x/y': '' })
    const { paths } = await scanned()
    const sorted = [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(paths, sorted)
    assert.equal(paths.length, 8)
  })

  it('compares any two paths as their bytes compare', () => {
    const text = fc.string({ unit: fc.constantFrom('/', 'a', 'b', '.', 'é', '\uFB01', '\uD7FF', '😀', '𝒳') })
    const property = fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareDrivePaths(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))
    })
    holds('the order of paths', property)
  })

  it('sorts a folder with many entries', async () => {
    for (let index = 0; index < 6_000; index++) fs.writeFileSync(join(root, `f${(index * 7919) % 6_000}`), '')
    const { paths } = await scanned()
    assert.deepEqual(paths, [...paths].sort())
    assert.equal(paths.length, 6_000)
  })

  it('leaves out what ignore files, settings and git say, a whole folder as one entry', async () => {
    put({
      '/.gitignore': 'node_modules/\n*.log\n',
      '/.peerfoldignore': '!keep.log\n/private\n',
      '/node_modules/a/index.js': '',
      '/node_modules/b/index.js': '',
      '/a.log': '',
      '/keep.log': '',
      '/private/x': '',
      '/b.tmp': '',
      '/.git/HEAD': '',
      '/sub/.git': 'gitdir: elsewhere',
      '/sub/.gitignore': '!a.log\n',
      '/sub/a.log': '',
    })
    const scan = await scanned({ ignore: ['*.tmp'] })
    assert.deepEqual(scan.paths, [
      '/.gitignore',
      '/.peerfoldignore',
      '/keep.log',
      '/sub/.gitignore',
      '/sub/a.log',
    ])
    assert.deepEqual(scan.why, {
      '/node_modules/': 'gitignore',
      '/a.log': 'gitignore',
      '/private/': 'peerfoldignore',
      '/b.tmp': 'settings',
      '/.git/': 'git-folder',
      '/sub/.git': 'git-folder',
    })
    assert.deepEqual(scan.skippedCounts, { gitignore: 2, peerfoldignore: 1, settings: 1, 'git-folder': 2 })
    assert.deepEqual(scan.ignoredFolders, ['/.git', '/node_modules', '/private'])
  })

  it('shares .git when asked to', async () => {
    put({ '/.git/HEAD': '' })
    assert.deepEqual((await scanned({ includeGit: true })).paths, ['/.git/HEAD'])
  })

  it('leaves out secrets by name, and by content where the name needs it', async () => {
    put({
      '/.env': 'A=1',
      '/.env.example': '',
      '/.ssh/config': '',
      '/.npmrc': '_authToken=abc',
      '/a/.npmrc': 'registry=https://registry.example/',
      '/cert.pem': '-----BEGIN CERTIFICATE-----\n',
      '/key.pem': key,
    })
    const scan = await scanned()
    assert.deepEqual(scan.paths, ['/.env.example', '/a/.npmrc', '/cert.pem'])
    assert.deepEqual(scan.why, {
      '/.env': 'secret-name',
      '/.ssh/': 'secret-name',
      '/.npmrc': 'secret-content',
      '/key.pem': 'secret-content',
    })
  })

  it('sees that the shared folder itself is one of secrets', async () => {
    root = join(root, '.aws')
    put({ '/config': '' })
    assert.deepEqual((await scanned()).why, { '/config': 'secret-name' })
  })

  it('lets in by name what would be left out, also inside folders that are left out', async () => {
    put({
      '/.gitignore': 'dist/\n*.log\n',
      '/.env': 'A=1',
      '/a.log': '',
      '/dist/deep/app.js': '',
      '/dist/other.js': '',
      '/.ssh/config': '',
    })
    const allow = [
      '/.env',
      '/a.log',
      '/dist/deep/app.js',
      '/.ssh/config',
      '/absent',
      '/../x',
      '/dist/absent/y',
      '',
    ]
    const scan = await scanned({ allow })
    assert.deepEqual(scan.paths, ['/.env', '/.gitignore', '/.ssh/config', '/a.log', '/dist/deep/app.js'])
    assert.deepEqual(
      scan.files.filter(file => !file.allowed).map(file => file.path),
      ['/.gitignore'],
    )
    assert.deepEqual(scan.ignoredFolders, [], 'a folder with something let in has to be watched')
  })

  it('never shares its own data folder or its temporary files', async () => {
    put({ '/data/key': '', '/.peerfold-0123456789abcdef.part': '', '/a': '', '/.peerfold-notes': '' })
    const scan = await scanned({ dataFolder: join(root, 'data'), allow: ['/data/key'] })
    assert.deepEqual(scan.paths, ['/.peerfold-notes', '/a'], 'only names of exactly that form are its own')
    assert.equal(scan.skippedCounts['peerfold-temporary'], 2)
    const own = scanFolder(join(root, 'data'), { dataFolder: root })
    await assert.rejects(own, { code: 'nothing-to-share' })
  })

  it('never shares the data folder of another Peerfold, of whatever format, or anything of it', async () => {
    const before = ['keys.json', 'token', 'catalog/x', 'store/x'].map(name => `/before/${name}`)
    const now = ['token', 'peer.log', 'format-2/keys.json'].map(name => `/now/${name}`)
    const later = ['token', 'format-17.part/keys.json'].map(name => `/later/${name}`)
    const apart = ['/apart/format-2/keys.json', '/apart/format-2/catalog/x', '/apart/note']
    const harmless = ['/harmless/format-2/a', '/harmless/store/a']
    const paths = [...before, ...now, ...later, ...apart]
    put(Object.fromEntries([...paths, ...harmless].map(path => [path, ''])))
    const scan = await scanned({ allow: paths.filter(path => path !== '/apart/note') })
    assert.deepEqual(scan.paths, ['/apart/note', ...harmless])
    for (const part of ['before', 'now', 'now/format-2', 'later', 'apart/format-2'])
      await assert.rejects(scanFolder(join(root, part)), { code: 'nothing-to-share' }, part)
  })

  it('keeps relative links that lead to places inside, as links', async function () {
    if (!posix) this.skip()
    put({ '/a/b.txt': '', '/c/d': '', '/T: x': '' })
    const links = {
      a1: 'a/b.txt',
      a2: './a/../a',
      drive: 'T: x',
      'c/up': '../a/b.txt',
      hop: 'a2/b.txt',
    }
    for (const [link, target] of Object.entries(links)) fs.symlinkSync(target, join(root, link))
    const { files } = await scanFolder(root)
    const kept = files.filter(file => file.kind === 'link').map(file => [file.path.slice(1), file.linkTarget])
    assert.deepEqual(Object.fromEntries(kept), links)
    assert.equal(files.length, 8, 'nothing is read through a link')
  })

  it('lists links that lead out, directly or through other links, and follows none', async function () {
    if (!posix) this.skip()
    put({ '/a/b.txt': '' })
    fs.mkdirSync(join(top, 'outside'))
    fs.writeFileSync(join(top, 'outside', 'private'), '')
    const links = {
      absolute: join(root, 'a'),
      out: '../outside',
      around: '../share/a',
      through: 'out/private',
      'a/deep': '../../outside/private',
      sly: 'a/../../outside',
      circle: 'circle2',
      circle2: 'circle',
      windows: 'C:\\Windows',
    }
    for (const [link, target] of Object.entries(links)) fs.symlinkSync(target, join(root, link))
    const scan = await scanned()
    assert.deepEqual(scan.paths, ['/a/b.txt'])
    assert.deepEqual(scan.skippedCounts, { 'link-outside': 8, 'link-dangling': 1 })
  })

  it('lists links to what is not shared, and shares them as soon as it is', async function () {
    if (!posix) this.skip()
    put({ '/a': '', '/logs/today.log': '', '/deep/er/x': '', '/.gitignore': '*.log\n', '/id_rsa': key })
    const links = {
      dangling: 'later',
      chain: 'dangling',
      ignored: 'logs/today.log',
      folder: 'logs',
      secret: 'id_rsa',
      'deep/up': '..',
      'deep/own': '.',
      good: 'a',
    }
    for (const [link, target] of Object.entries(links)) fs.symlinkSync(target, join(root, link))
    const before = await scanned()
    assert.deepEqual(before.paths, ['/.gitignore', '/a', '/deep/er/x', '/good'])
    assert.deepEqual(before.why, {
      '/id_rsa': 'secret-name',
      '/logs/today.log': 'gitignore',
      '/dangling': 'link-dangling',
      '/chain': 'link-dangling',
      '/ignored': 'link-dangling',
      '/folder': 'link-dangling',
      '/secret': 'link-dangling',
      '/deep/up': 'link-loop',
      '/deep/own': 'link-loop',
    })
    put({ '/later': '', '/.gitignore': '' })
    const { paths } = await scanned({ allow: ['/id_rsa'] })
    for (const name of ['chain', 'dangling', 'folder', 'ignored', 'secret']) {
      assert.ok(paths.includes(`/${name}` as never), name)
    }
  })

  it('lists sockets and pipes, and takes a hard link for the file it is', async function () {
    if (!posix) this.skip()
    put({ '/file': 'x' })
    fs.linkSync(join(root, 'file'), join(root, 'same'))
    spawnSync('mkfifo', [join(root, 'pipe'), join(root, '.npmrc')])
    const server = createServer().listen(join(root, 'socket'))
    const scan = await scanned().finally(() => server.close())
    assert.deepEqual(scan.paths, ['/file', '/same'])
    assert.deepEqual(scan.why, {
      '/pipe': 'special-file',
      '/.npmrc': 'special-file',
      '/socket': 'special-file',
    })
  })

  it('lists names that no receiver takes', async function () {
    if (process.platform !== 'linux') this.skip()
    put({
      '/new\nline': '',
      '/line\u2028separator': '',
      '/back\\slash': '',
      '/rtl\u202egnp.exe': '',
      '/ok \uFFFD': '',
      '/dir\t/x': '',
      '/ü': '',
    })
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/latin`), Buffer.of(0xe9)]), '')
    const scan = await scanned()
    assert.deepEqual(scan.paths, ['/ok \uFFFD', '/ü'])
    assert.deepEqual(new Set(Object.values(scan.why)), new Set(['name']))
    assert.equal(scan.skippedCounts.name, 6)
    const detailOf = (path: string) => scan.skipped.find(entry => entry.path === path)?.detail
    assert.equal(detailOf('/line\u2028separator'), describeRefusal('control-character'))
    assert.equal(detailOf('/back\\slash'), describeRefusal('foreign-separator'))
    assert.equal(scan.why['/latin\\xe9'], 'name')
  })

  it('says what is true of a backslash: a stock Hyperdrive takes it for the end of a folder’s name', async () => {
    const store = new Corestore(join(top, 'store'))
    const drive = new Hyperdrive(store)
    await drive.put('/back\\slash', Buffer.from('x'))
    assert.equal((await drive.entry('/back\\slash'))?.key, '/back/slash')
    await drive.close()
    await store.close()
  })

  it('refuses names and paths that are too long or too deep', () => {
    assert.equal(refusalToShare(`/${'é'.repeat(127)}`), undefined)
    assert.equal(refusalToShare(`/${'é'.repeat(128)}`), 'component-too-long')
    assert.equal(refusalToShare('/aaaaaaaaa'.repeat(410)), 'path-too-long')
    assert.equal(refusalToShare('/a'.repeat(256)), 'too-deep')
    assert.equal(refusalToShare('/a'.repeat(255)), undefined)
  })

  it('lists what cannot be read, and goes on', async function () {
    if (!posix) this.skip()
    put({ '/a': '', '/closed/x': '', '/b': '' })
    fs.chmodSync(top, 0o755)
    fs.chmodSync(join(root, 'a'), 0)
    fs.chmodSync(join(root, 'closed'), 0)
    const scan = await withoutPrivileges(scanned)
    fs.chmodSync(join(root, 'closed'), 0o700)
    assert.deepEqual(scan.paths, ['/b'])
    assert.deepEqual(scan.unreadable, ['/a', '/closed'])
    assert.equal(scan.skippedCounts.unreadable, 2)
  })

  it('shares nothing of a folder whose ignore file is beyond reading', async () => {
    put({ '/a/.gitignore': '#'.repeat(1024 * 1024 + 1), '/a/x': '', '/b': '' })
    const scan = await scanned()
    assert.deepEqual(scan.paths, ['/b'])
    assert.deepEqual(scan.unreadable, ['/a/.gitignore', '/a'])
  })

  it('takes a disk for gone whose folder lay below what is a file now, and not one it may not look at', async function () {
    if (!posix) this.skip()
    put({ '/a': 'a file', '/closed/disk/x': '' })
    fs.chmodSync(top, 0o755)
    fs.chmodSync(join(root, 'closed'), 0)
    const boundaries = ['/a/disk', '/closed/disk'].map(path => path as DrivePath)
    const scan = await withoutPrivileges(() => scanned({ boundaries }))
    fs.chmodSync(join(root, 'closed'), 0o700)
    assert.deepEqual(scan.paths, ['/a'])
    assert.deepEqual(scan.vanished, ['/a/disk'])
  })

  it('says that a folder is gone instead of calling it empty', async () => {
    await assert.rejects(scanFolder(join(top, 'absent')), { code: 'source-vanished' })
    for (let index = 0; index < 300; index++) put({ [`/d${index}/f`]: '' })
    let moved = false
    const onProgress = () => {
      if (!moved) fs.renameSync(root, `${root}-moved`)
      moved = true
    }
    // The walk pauses after a slice at the latest, and must pause here at least once for the folder to be moved.
    const scan = scanFolder(root, { onProgress, ignore: Array(20_000).fill('*a*b*c') })
    await assert.rejects(scan, { code: 'source-vanished' })
    assert.equal(moved, true)
  })

  it('ends when it is aborted', async () => {
    put({ '/a': '' })
    const reason = new Error('enough')
    await assert.rejects(scanFolder(root, { signal: AbortSignal.abort(reason) }), reason)
  })

  it('lets other work happen while it goes through 10,000 files', async () => {
    for (let index = 0; index < 10_000; index++) {
      if (index % 100 === 0) fs.mkdirSync(join(root, `d${index / 100}`))
      fs.writeFileSync(join(root, `d${Math.floor(index / 100)}`, `f${index}`), '')
    }
    let turns = 0
    let over = false
    const turn = () => {
      turns++
      if (!over) setImmediate(turn)
    }
    setImmediate(turn)
    const started = performance.now()
    const { files } = await scanFolder(root)
    const took = performance.now() - started
    over = true
    console.log(`      10,000 files: ${took.toFixed(0)} ms, ${turns} turns of the event loop`)
    assert.equal(files.length, 10_000)
    assert.ok(turns >= 3)
  })

  it('of a single file holds that file, unless it is a secret or a link', async () => {
    put({ '/.gitignore': 'one.txt\n', '/one.txt': 'x', '/.env': 'A=1' })
    const scan = await scanFile(join(root, 'one.txt'))
    assert.deepEqual(
      scan.files.map(file => file.path),
      ['/one.txt'],
    )
    assert.equal(scan.isFile, true)
    assert.deepEqual((await scanFile(join(root, '.env'))).skippedCounts, { 'secret-name': 1 })
    assert.equal((await scanFile(join(root, '.env'), { allow: ['/.env'] })).files.length, 1)
    await assert.rejects(scanFile(join(root, 'absent')), { code: 'source-vanished' })
    await assert.rejects(scanFile(root), { code: 'not-a-folder' })
    if (!posix) return
    fs.symlinkSync('one.txt', join(root, 'link'))
    await assert.rejects(scanFile(join(root, 'link')), { code: 'not-a-folder' })
  })
})

describe('a preview', function () {
  this.timeout(20_000)

  beforeEach(() => {
    top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'peerfold-preview-')))
    root = join(top, 'share')
    fs.mkdirSync(root)
  })
  afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

  it('also leaves out the files whose content is a secret', async () => {
    put({ '/notes.txt': `pasted:\n${key}`, '/a.txt': 'aa', '/.env': '', '/let.txt': key })
    const preview = await previewFolder(root, { allow: ['/let.txt'] })
    assert.deepEqual(
      preview.entries.map(file => file.path),
      ['/a.txt', '/let.txt'],
    )
    assert.equal(preview.files, 2)
    assert.equal(preview.bytes, 2 + key.length)
    assert.deepEqual(preview.skippedCounts, { 'secret-name': 1, 'secret-content': 1 })
    assert.deepEqual(preview.skipped[1], {
      path: '/notes.txt',
      reason: 'secret-content',
      detail: 'A private key stands in line 2.',
    })
    assert.equal(preview.allLookedAt, true)
  })

  it('leaves out a link to a file whose content is a secret', async function () {
    if (!posix) this.skip()
    put({ '/notes.txt': `pasted:\n${key}`, '/a.txt': 'aa' })
    fs.symlinkSync('notes.txt', join(root, 'notes'))
    const preview = await previewFolder(root)
    assert.equal(preview.files, 1)
    assert.deepEqual(preview.skippedCounts, { 'secret-content': 1, 'link-dangling': 1 })
  })

  it('says when it could not look into everything', async () => {
    put({ '/a.txt': 'aa', '/big.txt': 'b'.repeat(9 * 1024 * 1024) })
    assert.equal((await previewFolder(root)).allLookedAt, false)
    assert.equal((await previewFolder(join(root, 'a.txt'))).allLookedAt, true)
    assert.equal((await previewFolder(join(root, 'a.txt'), { budget: 1 })).allLookedAt, false)
  })
})
