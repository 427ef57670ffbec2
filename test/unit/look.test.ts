/**
 * A look at the places that changed tells what a scan of everything would: checked against one after random steps in a
 * real folder, of which only the names are told that a watcher tells.
 */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { type Look, lookAt } from '../../src/peer/publish/scan/look'
import { scanFolder } from '../../src/peer/publish/scan/scan'
import type { ScanResult } from '../../src/peer/publish/scan/scanned'
import type { FolderScan } from '../../src/peer/publish/scan/scanResult'

const posix = process.platform !== 'win32'
const RUNS = Number(process.env.PEERFOLD_ROUNDS ?? 60)
const KEY = `-----BEGIN PRIVATE ${'KEY'}-----\nabc\n`
const OPTIONS = { ignore: ['*.tmp'], allow: ['/build/let-in.txt', '/.env'], ignoreCase: false }

const FOLDERS = ['', '/a', '/b', '/a/c', '/build', '/a/c/d']
const NAMES = [
  ...['x.txt', 'y.txt', 'X.txt', 'a', 'b', 'c', 'd', 'build', 'con', 'é.txt'],
  ...['.env', 'server.pem', 'debug.log', 'z.tmp', 'let-in.txt', '.gitignore', '.peerfoldignore'],
  ...['keys.json', 'store', 'catalog', 'token', 'format-2', '.git', 'link', 'other-link'],
]
const TEXTS = ['', 'one', 'two', '*.log\n', 'build/\n', '!debug.log\n', 'x.txt\n', 'a\n', 'link\n', KEY]
const TARGETS = [
  'x.txt',
  '../x.txt',
  'a',
  'c/x.txt',
  'link',
  'other-link',
  '../../out',
  '/abs',
  'debug.log',
  '.',
]

const place = fc
  .tuple(fc.constantFrom(...FOLDERS), fc.constantFrom(...NAMES))
  .map(([folder, name]) => `${folder}/${name}`)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), at: place, text: fc.constantFrom(...TEXTS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      at: place,
      text: fc.constantFrom(...TEXTS),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('folder' as const), at: place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), at: place, to: place }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('link' as const),
      at: place,
      text: fc.constantFrom(...TARGETS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('second name' as const), at: place, to: place }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('mode' as const),
      at: place,
      mode: fc.constantFrom(0o644, 0o755, 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), at: place }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 })

describe('a look at places that changed', function () {
  this.timeout(60_000)
  let top = ''
  let root = ''

  /** Root may read everything. */
  const begin = () => {
    top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'peerfold-look-')))
    root = join(top, 'share')
    fs.mkdirSync(root)
    if (process.getuid?.() !== 0) return
    for (const folder of [top, root]) fs.chownSync(folder, 65534, 65534)
    process.seteuid?.(65534)
  }
  const end = () => {
    if (process.getuid?.() === 0) process.seteuid?.(0)
    makeReadable(top)
    fs.rmSync(top, { recursive: true, force: true })
  }

  /** Does a step, as far as it can be done. → what a watcher tells of it */
  const make = (one: Step): string[] => {
    const at = join(root, one.at)
    try {
      fs.mkdirSync(dirname(at), { recursive: true })
      switch (one.kind) {
        case 'write':
          fs.writeFileSync(at, one.text)
          break
        case 'replace':
          fs.writeFileSync(`${at}~`, one.text)
          fs.renameSync(`${at}~`, at)
          break
        case 'remove':
          fs.rmSync(at, { recursive: true })
          break
        case 'folder':
          fs.mkdirSync(at)
          break
        case 'rename':
          fs.renameSync(at, join(root, one.to))
          break
        case 'link':
          fs.symlinkSync(one.text, at)
          break
        case 'second name':
          fs.linkSync(at, join(root, one.to))
          return [one.to]
        case 'mode':
          fs.chmodSync(at, fs.statSync(at).isDirectory() && one.mode === 0o644 ? 0o755 : one.mode)
          break
        case 'time':
          fs.utimesSync(at, 1_000_000_000, 1_000_000_000)
      }
    } catch {
      // There is nothing to be done this to, or it may not be.
    }
    return [one.at, `${one.at}~`, ...('to' in one ? [one.to] : [])]
  }

  /** Folders on the way that were made with it are told as well; and everything by the folder that it really is in. */
  const told = (one: Step): DrivePath[] => {
    const absent = foldersAbove(one.at).filter(path => !fs.existsSync(join(root, path)))
    return [...absent, ...make(one)].flatMap(name => {
      const folder = realFolder(dirname(join(root, name)))
      return folder?.startsWith(root) ? [`${folder.slice(root.length)}/${basename(name)}` as DrivePath] : []
    })
  }

  it('tells what a scan of everything would, whatever was done', async function () {
    if (!posix) this.skip()
    const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
    const counted = { looks: 0, scans: 0 }
    const property = fc.asyncProperty(batches, async all => {
      begin()
      try {
        let now: FolderScan = await scanFolder(root, OPTIONS)
        for (const batch of all) {
          const names = batch.flatMap(told)
          const before = new Map(now.files.map(file => [file.path, file]))
          const look = await lookAt(root, now.scanned, names, OPTIONS)
          const scan = await scanFolder(root, OPTIONS)
          if (look === undefined) counted.scans++
          else {
            counted.looks++
            assert.deepEqual(described(look.scan), described(scan), `after ${names.join(', ')}`)
            assertNamesChanges(look, before, scan)
          }
          now = look === undefined ? scan : { ...look.scan, scanned: now.scanned }
        }
      } finally {
        end()
      }
    })
    await fc.assert(property, { numRuns: RUNS, seed })
    console.log(
      `      ${RUNS} folders, seed ${seed}: ${counted.looks} looks sufficed, ${counted.scans} did not`,
    )
    assert.ok(counted.looks > counted.scans, 'mostly a look suffices')
  })
})

/** What differs between two scans is among what a look tells. */
function assertNamesChanges(look: Look, before: ReadonlyMap<DrivePath, unknown>, scan: ScanResult): void {
  const now = new Set(scan.files.map(({ path }) => path))
  assert.deepEqual([...look.gone].sort(), [...before.keys()].filter(path => !now.has(path)).sort())
  const looked = new Set(look.looked.map(({ path }) => path))
  for (const file of scan.files) {
    if (looked.has(file.path)) continue
    assert.deepEqual(file, before.get(file.path), `${file.path} was looked at`)
  }
}

function described({ hardLinked, unreadable, inputs, repositories, ...scan }: ScanResult) {
  const { scanned, ...rest } = scan as Partial<FolderScan>
  return {
    ...rest,
    hardLinked: hardLinked.map(({ path }) => path).sort(),
    unreadable: [...unreadable].sort(),
    repositories: [...repositories].sort(),
  }
}

function realFolder(path: string): string | undefined {
  try {
    return fs.realpathSync(path)
  } catch {
    return undefined // nothing can be in it
  }
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
}

function makeReadable(folder: string): void {
  fs.chmodSync(folder, 0o755)
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) makeReadable(join(folder, entry.name))
}
