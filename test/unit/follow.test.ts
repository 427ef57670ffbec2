/** Links of a share are followed as the kernel follows them, inside the share, and lead nobody on for ever. */
import assert from 'node:assert/strict'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { realPathOf } from '../../src/common/followed'
import type { FileEntry } from '../../src/common/model'
import { findPaths } from '../../src/peer/drive/find'
import { absence, follow, statAt } from '../../src/peer/drive/follow'
import { emptyFile, linkEntry } from '../../src/peer/drive/format/entry'
import { listFolder } from '../../src/peer/drive/listFolder'
import type { PathIndex } from '../../src/peer/drive/pathIndex'
import { PathIndexBuilder } from '../../src/peer/drive/pathIndexBuilder'
import { temporaryFolder } from '../support/folders'

const at = (path: string) => path as DrivePath

/** Targets by the paths of links; `undefined` for files. */
type Share = Readonly<Record<string, string | undefined>>

describe('links of a share', () => {
  it('lead where the kernel leads, for any tree, any links and any path through them', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map(parts => `/${parts.join('/')}`)
    const part = fc.oneof(
      { weight: 4, arbitrary: name },
      { weight: 3, arbitrary: fc.constant('..') },
      fc.constantFrom('.', ''),
    )
    const target = fc
      .tuple(fc.constantFrom('', '', '', '', '/'), fc.array(part, { minLength: 1, maxLength: 5 }))
      .map(([start, parts]) => `${start}${parts.join('/')}` || '.')
    const entry = fc.tuple(path, fc.option(target, { nil: undefined }))
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 12 }),
        fc.array(path, { maxLength: 20 }),
        (entries, asked) => {
          const { index, folder, paths } = makeBoth(entries)
          for (const path of new Set(['/', ...paths, ...asked])) {
            assert.equal(ours(index, path), kernels(folder, path), path)
            assert.equal(oursUnfollowed(index, path), kernelsUnfollowed(folder, path), `${path} itself`)
            assert.deepEqual(childrenByUs(index, path), childrenByKernel(folder, path), `in ${path}`)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('lead through as many other links as the kernel takes', () => {
    const chain = Object.fromEntries(Array.from({ length: 60 }, (_, step) => [`/l${step}`, `l${step + 1}`]))
    const { index, folder, paths } = makeBoth(Object.entries({ ...chain, '/l60': undefined }))
    for (const path of paths) assert.equal(ours(index, path), kernels(folder, path), path)
    assert.equal(ours(index, '/l20'), 'file /l60')
    assert.equal(ours(index, '/l19'), 'nowhere')
  })

  it('say what they lead to that is not there', () => {
    const index = indexOf({
      '/docs/a.txt': undefined,
      '/gone': 'nothing/here',
      '/absolute': '/usr/share/doc',
      '/up': '../elsewhere',
      '/chain': 'docs/up',
      '/docs/up': '../../x',
      '/below': 'docs/a.txt/x',
      '/one': 'two',
      '/two': 'one',
    })
    const told = (path: string) => {
      const place = follow(index, at(path))
      return place.kind === 'nowhere' ? absence(at(path), place).message : place.kind
    }
    assert.equal(told('/gone'), '“gone” is a link to “nothing/here”, which is not in this share.')
    assert.equal(
      told('/absolute'),
      '“absolute” is a link to “/usr/share/doc”, which is outside of this share.',
    )
    assert.equal(told('/up'), '“up” is a link to “../elsewhere”, which is outside of this share.')
    assert.equal(
      told('/up/x.txt'),
      '“up/x.txt” leads to “up”, a link to “../elsewhere”, which is outside of this share.',
    )
    assert.equal(
      told('/chain'),
      '“chain” leads to “docs/up”, a link to “../../x”, which is outside of this share.',
    )
    assert.equal(told('/below'), '“below” is a link to “docs/a.txt/x”, which is not in this share.')
    assert.match(told('/one'), /a circle of links/)
    assert.equal(told('/docs/b.txt'), '“docs/b.txt” is not in this share.')
  })

  it('tell the size and the time of what they point at, and where it is', () => {
    const index = indexOf({ '/l': 'docs', '/m': 'docs/a.txt', '/docs/a.txt': undefined })
    index.put({ path: at('/docs/a.txt'), kind: 'file', size: 7, mtime: 70, executable: true })
    const found = statAt(index, at('/m'))
    const target = { kind: 'file', path: '/docs/a.txt', size: 7, mtime: 70, executable: true }
    assert.deepEqual(found, {
      name: 'm',
      kind: 'link',
      size: 0,
      mtime: 1,
      executable: false,
      linkTarget: 'docs/a.txt',
      pointsAt: target,
    })
    const through = statAt(index, at('/l/a.txt'))
    assert.deepEqual(through, {
      name: 'a.txt',
      kind: 'file',
      size: 7,
      mtime: 70,
      executable: true,
      realPath: '/docs/a.txt',
    })
  })

  it('lead nobody who walks from listing to listing on for ever', () => {
    const rings = indexOf({
      '/a/x': undefined,
      '/a/self': '.',
      '/a/up': '..',
      '/a/over': '../b',
      '/b/back': '../a',
      '/b/y': undefined,
    })
    assert.deepEqual([...walk(rings)].sort(), [
      '/a',
      '/a/over',
      '/a/over/back',
      '/a/over/y',
      '/a/self',
      '/a/up',
      '/a/x',
      '/b',
      '/b/back',
      '/b/back/over',
      '/b/back/self',
      '/b/back/up',
      '/b/back/x',
      '/b/y',
    ])
    const rungs = Array.from({ length: 40 }, (_, rung) => rung)
    const ladder = indexOf(
      Object.fromEntries(
        rungs.flatMap(rung => [
          [`/${rung}/left`, `../${rung + 1}`],
          [`/${rung}/right`, `../${rung + 1}`],
          [`/${rung}/x`, undefined],
        ]),
      ),
    )
    assert.ok(walk(ladder).size < 40 * 2 ** 6, `${walk(ladder).size} places`)
    const deep = Array.from({ length: 30 }, (_, depth) => '/d'.repeat(depth + 1))
    const parents = indexOf(
      Object.fromEntries(
        deep.flatMap(path => [
          [`${path}/x`, undefined],
          [`${path}/p`, '..'],
          [`${path}/pp`, '../..'],
        ]),
      ),
    )
    assert.equal(walk(parents).size, 30 * 4 - 0)
    assert.equal(
      ours(parents, `${'/d/p'.repeat(20)}/d/x`),
      'file /d/x',
      'by their paths they are followed all the same',
    )
  })

  it('cost a listing a bounded number of steps, whatever they say', () => {
    const index = PathIndexBuilder.empty()
    const winding = 'x/../'.repeat(800)
    index.put(must(emptyFile('/x/file', false, 1)))
    for (let link = 0; link < 40; link++)
      index.put(must(linkEntry(`/chain${link}`, `${winding}chain${link + 1}`, 1)))
    index.put(must(emptyFile('/chain40', false, 1)))
    for (let link = 0; link < 5_000; link++) index.put(must(linkEntry(`/to${link}`, 'chain1', 1)))
    let looks = 0
    const { files } = index.root
    const get = files.get.bind(files)
    files.get = key => {
      looks++
      return get(key)
    }
    const listed = listFolder(index, { path: at('/'), limit: 1_000 })
    assert.equal(listed.length, 1_000)
    // One look for each child, and one at most for each of the steps.
    assert.ok(looks < 100_000 + 2 * 1_000, `${looks} looks`)
    const one = statAt(index, at('/to4999'))
    assert.equal(one.kind === 'link' && one.pointsAt?.path, '/chain40', 'alone it is told all the same')
  })

  it('are found by name where they lead to a file, as files are and folders are not', () => {
    const index = indexOf({ '/docs/plan.txt': undefined, '/plan-link': 'docs/plan.txt', '/plans': 'docs' })
    assert.deepEqual(findPaths(index, 'plan', 10), ['/plan-link', '/docs/plan.txt'])
  })
})

/** All places that somebody comes to who opens every folder that a listing shows. */
function walk(index: PathIndex): Set<string> {
  const seen = new Set<string>()
  const ahead = ['/']
  for (let folder = ahead.pop(); folder !== undefined; folder = ahead.pop()) {
    for (const { name, kind, pointsAt } of listFolder(index, { path: at(folder) })) {
      const path = `${folder === '/' ? '' : folder}/${name}`
      seen.add(path)
      if (kind === 'folder' || pointsAt?.kind === 'folder') ahead.push(path)
      assert.ok(seen.size < 20_000, 'it goes on and on')
    }
  }
  return seen
}

function indexOf(share: Share): PathIndexBuilder {
  const index = PathIndexBuilder.empty()
  for (const [path, target] of Object.entries(share))
    index.put(must(target === undefined ? emptyFile(path, false, 1) : linkEntry(path, target, 1)))
  return index
}

/** The same tree as an index and on the disk; what finds no place on the disk is in neither. */
function makeBoth(entries: readonly (readonly [string, string | undefined])[]) {
  const folder = join(temporaryFolder('links'), 'share')
  mkdirSync(folder)
  const made: Record<string, string | undefined> = {}
  for (const [path, target] of entries) {
    if (!hasPlace(Object.keys(made), path)) continue
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    if (target === undefined) writeFileSync(join(folder, path), '')
    else symlinkSync(target, join(folder, path))
    made[path] = target
  }
  return { index: indexOf(made), folder, paths: Object.keys(made) }
}

function hasPlace(paths: readonly string[], path: string): boolean {
  return !paths.some(other => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`))
}

function ours(index: PathIndex, path: string): string {
  const place = follow(index, at(path))
  return place.kind === 'nowhere' ? 'nowhere' : `${place.kind} ${place.path}`
}

function kernels(folder: string, path: string): string {
  try {
    const real = inside(folder, realpathSync.native(join(folder, path)))
    if (real === undefined) return 'nowhere'
    return `${statSync(join(folder, path)).isDirectory() ? 'folder' : 'file'} ${real}`
  } catch {
    return 'nowhere'
  }
}

/** What lies at a path, and, of a link, where it leads and whether it is shown as that. */
function oursUnfollowed(index: PathIndex, path: string): string {
  const found = statAt(index, at(path))
  if (found.kind !== 'link') return found.kind
  return pointing(found)
}

function kernelsUnfollowed(folder: string, path: string): string {
  try {
    if (inside(folder, realpathSync.native(join(folder, dirname(path)))) === undefined) return 'nowhere'
    const stat = lstatSync(join(folder, path))
    if (!stat.isSymbolicLink()) return stat.isDirectory() ? 'folder' : 'file'
  } catch {
    return 'nowhere'
  }
  const target = kernels(folder, path)
  if (target === 'nowhere' || (target.startsWith('folder ') && isAround(folder, path, target.slice(7))))
    return 'link'
  return `link to ${target}`
}

/** By the rule for people: folders that the way went through, and more than three links to folders on it. */
function isAround(folder: string, path: string, target: string): boolean {
  const above = path.split('/').slice(0, -1)
  const way = above.map((_, end) => `/${above.slice(1, end + 1).join('/')}`)
  const real = way.map(each => kernels(folder, each).slice('folder '.length))
  const links = way.filter(each => each !== '/' && lstatSync(join(folder, each)).isSymbolicLink())
  return (
    links.length >= 3 || real.some(each => target === '/' || each === target || each.startsWith(`${target}/`))
  )
}

function childrenByUs(index: PathIndex, path: string): string[] {
  if (!ours(index, path).startsWith('folder ')) return []
  return listFolder(index, { path: at(path) })
    .map(entry => `${entry.name}: ${entry.kind === 'link' ? pointing(entry) : entry.kind}`)
    .sort()
}

function childrenByKernel(folder: string, path: string): string[] {
  if (!kernels(folder, path).startsWith('folder ')) return []
  return readdirSync(join(folder, path))
    .map(name => `${name}: ${kernelsUnfollowed(folder, join(path, name))}`)
    .sort()
}

function pointing(entry: FileEntry): string {
  const { pointsAt } = entry
  return pointsAt === undefined ? 'link' : `link to ${pointsAt.kind} ${realPathOf(at('/'), entry)}`
}

/** A path on the disk as a path of the share; undefined outside. */
function inside(folder: string, path: string): string | undefined {
  if (path === folder) return '/'
  return path.startsWith(`${folder}/`) ? path.slice(folder.length) : undefined
}

function must<T>(value: T | undefined): T {
  assert.ok(value !== undefined)
  return value
}
