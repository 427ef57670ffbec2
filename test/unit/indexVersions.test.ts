/** Indexes of versions beside each other: what one is made of is never changed by the next. */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { applyChanges } from '../../src/peer/drive/changes'
import { findPaths } from '../../src/peer/drive/find'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import type { PathIndex } from '../../src/peer/drive/pathIndex'
import { PathIndexBuilder } from '../../src/peer/drive/pathIndexBuilder'
import { changeTo, indexOf, type Version, versionAfter } from '../../src/peer/drive/version'
import { NO_LIMITS } from '../../src/peer/limits'
import { compareDrivePaths } from '../../src/peer/names/pathOrder'
import { holds } from '../support/fuzz'

const limits = () => NO_LIMITS

describe('the index of a version', () => {
  it('stays as it is when the next is made from it, and that is as if it was made from nothing', () => {
    const folder = fc.constantFrom('', '/a', '/a/b', '/a/b/c', '/é', '/large')
    // Enough names that a folder of them is shared rather than copied.
    const path = fc.tuple(folder, fc.nat(150)).map(([where, name]) => `${where}/${name}.txt`)
    const change = fc.tuple(path, fc.constantFrom('put', 'touched', 'gone', 'malformed'))
    const changes = fc.array(change, { minLength: 1, maxLength: 120 })
    holds(
      'versions made from each other',
      fc.property(fc.array(path, { maxLength: 400 }), fc.array(changes, { maxLength: 4 }), (first, later) => {
        const model = new Map<string, DriveEntry>()
        const malformed = new Set<string>()
        const builder = PathIndexBuilder.empty(limits)
        for (const each of first) {
          builder.put(file(each))
          model.set(each, file(each))
        }
        const made: { readonly index: PathIndex; readonly told: unknown }[] = []
        let index = builder.done()
        made.push({ index, told: toldBy(index) })
        for (const some of later) {
          const paths = new Map<string, DriveEntry | 'gone' | 'malformed'>()
          for (const [where, what] of some) {
            paths.set(
              where,
              what === 'put' || what === 'touched' ? file(where, what === 'put' ? 0 : 7) : what,
            )
          }
          const next = PathIndexBuilder.from(index, limits)
          applyChanges(next, { paths })
          for (const [where, now] of paths) {
            malformed.delete(where)
            if (now === 'malformed') malformed.add(where)
            if (typeof now === 'string') model.delete(where)
            else model.set(where, now)
          }
          index = next.done()
          made.push({ index, told: toldBy(index) })
          const anew = PathIndexBuilder.empty(limits)
          for (const entry of model.values()) anew.put(entry)
          for (const key of malformed) anew.putMalformed(key)
          assert.deepEqual(withoutTimes(toldBy(index)), withoutTimes(toldBy(anew.done())))
        }
        for (const { index: each, told } of made) assert.deepEqual(toldBy(each), told)
      }),
      150,
    )
  })

  it('tells all that differs from another one, made from it or not', async () => {
    const path = fc
      .tuple(fc.constantFrom('', '/a', '/a/b'), fc.nat(90))
      .map(([where, name]) => `${where}/${name}`)
    const entry = fc.tuple(path, fc.constantFrom(0, 7)).map(([where, mtime]) => file(where, mtime))
    const entries = fc.array(entry, { maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(entries, entries, fc.array(path), async (some, more, gone) => {
        const before = versionOf(await indexOf(some, limits), 5)
        const paths = new Map<string, DriveEntry | 'gone'>(gone.map(each => [each, 'gone']))
        for (const each of more) paths.set(each.path, each)
        const now = await versionAfter(before, { paths, info: undefined, listing: undefined }, 9, limits)
        const expected = differences(before.index, now.index)
        const unrelated = versionOf(await indexOf([...now.index.entries()], limits), 9)
        for (const version of [now, unrelated]) {
          const change = await changeTo(version, before)
          assert.equal(change.version, 9)
          const told = change.paths?.map(each => `${each.type} ${each.path}`) ?? []
          assert.deepEqual(told.sort(), expected)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is read part by part as before while newer ones are made from it', () => {
    const builder = PathIndexBuilder.empty(limits)
    for (let n = 0; n < 300; n++) builder.put(file(`/folder/${String(n).padStart(3, '0')}`))
    const old = builder.done()
    const first = old.list('/folder' as DrivePath, '', 100)?.map(({ name }) => name) ?? []
    const next = PathIndexBuilder.from(old, limits)
    next.put(file('/folder/zzz'))
    next.put(file('/folder/050', 9))
    assert.equal(next.list('/folder' as DrivePath)?.length, 301)
    next.remove('/folder/100' as DrivePath)
    const rest = old.list('/folder' as DrivePath, first.at(-1))?.map(({ name }) => name) ?? []
    assert.deepEqual([rest[0], rest.at(-1), rest.length], ['100', '299', 200])
    assert.equal(next.done().list('/folder' as DrivePath)?.length, 300)
  })

  for (const [where, pathOf] of [
    ['one folder', (n: number) => `/folder/file number ${n}.txt`],
    ['10,000 folders', (n: number) => `/folder ${n % 100}/${n % 10_000}/file number ${n}.txt`],
  ] as const)
    it(`costs the next one little memory and time where one of 100,000 files in ${where} changed`, async () => {
      const entries = Array.from({ length: 100_000 }, (_, n) => file(pathOf(n)))
      const before = usedMemory()
      const version = versionOf(await indexOf(entries, limits), 100_000)
      const first = usedMemory() - before
      const later: Version[] = [version]
      const started = process.cpuUsage()
      for (let n = 0; n < 20; n++) {
        const paths = new Map([[pathOf(n), file(pathOf(n), n + 1)]])
        const last = later.at(-1) ?? version
        const next = await versionAfter(
          last,
          { paths, info: undefined, listing: undefined },
          100_001 + n,
          limits,
        )
        const told = (await changeTo(next, last)).paths
        assert.deepEqual(told, [{ path: pathOf(n), type: 'changed' }])
        later.push(next)
      }
      const { user, system } = process.cpuUsage(started)
      const more = usedMemory() - before - first
      console.log(
        `      the first: ${(first / 1e6).toFixed(1)} MB, each that follows: ${(more / 20e3).toFixed(0)} kB, ` +
          `${((user + system) / 20e3).toFixed(2)} ms`,
      )
      assert.ok(more / 20 < first / 50, `20 versions more take ${more} bytes, the first took ${first}`)
      assert.equal(later.length, 21)
      assert.equal(version.index.entry(pathOf(3) as DrivePath)?.mtime, 0)
    })
})

function versionOf(index: PathIndex, length: number): Version {
  return { length, fork: 0, index, info: undefined, listing: undefined, isListingFirst: false }
}

/** Everything an index answers. */
function toldBy(index: PathIndex) {
  const paths = [...index.entries()].map(({ path }) => path)
  const folders = [...new Set(paths.flatMap(foldersOf))].sort()
  return {
    files: index.files,
    bytes: index.bytes,
    entries: paths.sort(compareDrivePaths).map(path => index.entry(path)),
    lists: folders.map(folder => [folder, index.list(folder), index.list(folder, '0.txt', 3)]),
    below: [...index.select('/a' as DrivePath)].map(({ path }) => path).sort(),
    malformed: index.malformedBelow('/' as DrivePath),
    found: findPaths(index, '1', 20),
  }
}

/** A folder's time stays when what gave it leaves. */
function withoutTimes(told: ReturnType<typeof toldBy>) {
  const lists = told.lists.map(([folder, ...all]) => [
    folder,
    ...all.map(list =>
      Array.isArray(list) ? list.map(({ name, kind, size }) => ({ name, kind, size })) : list,
    ),
  ])
  return { ...told, lists }
}

function differences(before: PathIndex, now: PathIndex): string[] {
  const told: string[] = []
  for (const { path, mtime } of now.entries()) {
    const old = before.entry(path)
    if (old === undefined) told.push(`added ${path}`)
    else if (old.mtime !== mtime) told.push(`changed ${path}`)
  }
  for (const { path } of before.entries()) if (now.entry(path) === undefined) told.push(`removed ${path}`)
  return told.sort()
}

function foldersOf(path: string): DrivePath[] {
  const parts = path.split('/').slice(1, -1)
  return ['/', ...parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)] as DrivePath[]
}

function file(path: string, mtime = 0): DriveEntry {
  return { path: path as DrivePath, kind: 'file', size: 3, mtime, executable: false }
}

/** Bytes on the heap that somebody still holds. */
function usedMemory(): number {
  setFlagsFromString('--expose_gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  for (let n = 0; n < 3; n++) collect()
  return process.memoryUsage().heapUsed
}
