/** Versions of one share that are read beside each other, by who publishes it and by who opened it. */
import assert from 'node:assert/strict'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import Corestore from 'corestore'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../src/common/brand'
import type { KeepRule } from '../../src/common/keptVersions'
import { BlockReferences } from '../../src/peer/drive/blockReferences'
import { statAt } from '../../src/peer/drive/follow'
import type { BlobRef } from '../../src/peer/drive/format/entry'
import { readHistory } from '../../src/peer/drive/history'
import { listFolder } from '../../src/peer/drive/listFolder'
import { endOfVersion } from '../../src/peer/drive/pastVersions'
import { readWhole } from '../../src/peer/drive/read'
import { readPast } from '../../src/peer/drive/readPast'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import type { Version } from '../../src/peer/drive/version'
import { differences } from '../../src/peer/drive/versionDiff'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Past } from '../../src/peer/retention/past'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { makeTree, temporaryFolder } from '../support/folders'
import { hears } from '../support/hears'

const never = new AbortController().signal
const READ = { timeout: 5_000 }
const ALL = { path: '/' as DrivePath, limit: 1_000, timeout: 5_000, signal: never }

describe('versions of a share', () => {
  let source: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let publisher: Publisher
  let dataFolder: string

  beforeEach(async () => {
    dataFolder = temporaryFolder('beside')
    source = await makeTree(temporaryFolder('source'), {})
    store = new Corestore(join(dataFolder, 'store'))
    catalog = await Catalog.open(join(dataFolder, 'catalog'))
    share = await ShareDrive.create(store, '0'.repeat(32))
    const record: ShareRecord = {
      seed: '0'.repeat(32),
      source,
      isFile: false,
      name: 'beside',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    const lost = (error: unknown) => assert.fail(String(error))
    publisher = new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      lost,
    )
  })
  afterEach(async () => {
    await publisher.settle()
    await share.close()
    await catalog.close()
    await store.close()
  })

  /** → the version that was made */
  async function publish(): Promise<Version> {
    await publisher.publish({ ignore: [], dataFolder }, never, () => {})
    const { version } = publisher
    assert.ok(version)
    await share.refresh(never, version)
    return version
  }

  const write = (name: string, text: string) => writeFileSync(join(source, name), text)
  const text = async (of: ShareDrive, { index }: Version, path: string) => {
    const entry = index.entry(path as DrivePath)
    return entry === undefined ? undefined : String(await readWhole(of, entry, READ))
  }
  const names = ({ index }: Version) => listFolder(index, { path: '/' as DrivePath }).map(({ name }) => name)

  /** The same share, opened by somebody who is connected. */
  async function reading(work: (reader: ShareDrive) => Promise<void>): Promise<void> {
    const other = new Corestore(temporaryFolder('reader'))
    const reader = await ShareDrive.open(other, share.key)
    const streams = connected(reader.paths, share.paths)
    await reader.paths.update({ wait: true })
    streams.push(...connected(await reader.bytesReady(), await share.bytesReady()))
    await reader.refresh()
    await work(reader)
    for (const stream of streams) stream.destroy()
    await reader.close()
    await other.close()
  }

  it('write a pack again, with the next listing, only when most of it is in use no more', async () => {
    const large = (n: number) => `large ${n} `.padEnd(4_000, '.')
    for (let n = 0; n < 300; n++) write(`a${n}.txt`, `small ${n}`)
    for (let n = 0; n < 400; n++) write(`b${n}.txt`, large(n))
    const first = await publish()
    const before = (await share.bytesReady()).byteLength
    for (let n = 0; n < 300; n++) write(`a${n}.txt`, `another small ${n}`)
    for (let n = 0; n < 400; n += 20) write(`b${n}.txt`, large(n + 1_000))
    const second = await publish()
    assert.notDeepEqual(second.listing, first.listing)
    const added = (await share.bytesReady()).byteLength - before
    assert.ok(added < 400_000, `${added} bytes`)
  })

  it('are read beside each other, each with its own files and their content', async () => {
    for (let n = 0; n < 400; n++) write(`${n}.txt`, `file number ${n}`)
    const first = await publish()
    write('7.txt', 'another seven')
    write('new.txt', 'not there before')
    rmSync(join(source, '8.txt'))
    const second = await publish()
    write('7.txt', 'a third seven')
    const third = await publish()

    const areBeside = async (who: ShareDrive) => {
      assert.equal(who.version?.length, third.length)
      const [one, two] = [await who.versionAt(first.length), await who.versionAt(second.length)]
      const sevens = [one, two, who.version].map(version => text(who, version, '/7.txt'))
      assert.deepEqual(await Promise.all(sevens), ['file number 7', 'another seven', 'a third seven'])
      const eights = [one, two].map(version => text(who, version, '/8.txt'))
      assert.deepEqual(await Promise.all(eights), ['file number 8', undefined])
      assert.deepEqual(
        [one, two].map(version => names(version).includes('new.txt')),
        [false, true],
      )
      assert.equal(statAt(one.index, '/new.txt' as DrivePath).kind, 'nowhere')
      assert.deepEqual([one.index.files, two.index.files], [400, 400])
      assert.equal(who.version?.length, third.length, 'the newest stays what it is')
    }
    await areBeside(share)
    await reading(areBeside)
  })

  it('are what a reader makes of the logs, without being read back by who appended them', async () => {
    const texts = ['one', 'two', 'three', 'one', 'four', 'five']
    for (const [at, what] of texts.entries()) {
      for (let n = 0; n < 20; n++) write(`${(7 * at + n) % 60}.txt`, `${what} ${n}`)
      rmSync(join(source, `${(7 * at) % 60}.txt`))
      if (at === 3) for (let n = 0; n < 400; n++) write(`many ${n}.txt`, `one of many ${n}`)
      const { get } = share.paths
      const reads: number[] = []
      const { version } = await publisher
        .publish({ ignore: [], dataFolder }, never, () => {})
        .then(() => publisher)
      share.paths.get = (block, options) => {
        reads.push(block)
        return get.call(share.paths, block, options)
      }
      await share.refresh(never, version)
      share.paths.get = get
      assert.deepEqual(reads, [])
      assert.equal(share.version, version)
      await reading(async reader => assert.deepEqual(toldBy(share.version), toldBy(reader.version)))
    }
  })

  /** What a folder holds: content, executable bit and kind of every file and link in it. */
  const tree = (): Map<string, string> => {
    const found = new Map<string, string>()
    for (const dirent of readdirSync(source, { recursive: true, withFileTypes: true })) {
      const at = join(dirent.parentPath, dirent.name)
      const path = `/${relative(source, at)}`
      if (dirent.isSymbolicLink()) found.set(path, `link ${readlinkSync(at)}`)
      else if (dirent.isFile()) {
        const mode = (lstatSync(at).mode & 0o100) === 0 ? 'plain' : 'executable'
        found.set(path, `${mode} ${readFileSync(at, 'utf8')}`)
      }
    }
    return found
  }

  const treeOf = async (who: ShareDrive, { index }: Version): Promise<Map<string, string>> => {
    const found = new Map<string, string>()
    for (const entry of index.entries()) {
      const mode = entry.executable ? 'executable' : 'plain'
      const content =
        entry.kind === 'link' ? '' : await readPast(who, entry, READ, o => readWhole(who, entry, o))
      found.set(entry.path, entry.kind === 'link' ? `link ${entry.linkTarget}` : `${mode} ${content}`)
    }
    return found
  }

  type Step = readonly ['text' | 'run' | 'link' | 'gone', name: string, text: string]

  const take = ([what, name, text]: Step): void => {
    const at = join(source, name)
    const above = name.split('/').slice(0, -1)
    for (const end of above.keys()) {
      const folder = join(source, ...above.slice(0, end + 1))
      if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(folder)
    }
    rmSync(at, { recursive: true, force: true })
    if (what === 'gone') return
    mkdirSync(dirname(at), { recursive: true })
    if (what === 'link') symlinkSync(relative(dirname(at), join(source, 'stays.txt')), at)
    else writeFileSync(at, text, { mode: what === 'run' ? 0o755 : 0o644 })
  }

  it('hold each what the folder held, and their differences are those of the folder, whatever was published', async () => {
    const name = fc.constantFrom('a', 'b.txt', 'd', 'd/e', 'd/e/f', 'é', 'x/1', 'x/2')
    const text = fc.constantFrom('', 'one', 'two', 'longer than before')
    const step: fc.Arbitrary<Step> = fc.tuple(
      fc.constantFrom('text', 'text', 'run', 'link', 'gone'),
      name,
      text,
    )
    const steps = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 })
    const trees = new Map<number, Map<string, string>>()
    write('stays.txt', 'stays')
    trees.set((await publish()).length, tree())
    const run = async (some: readonly (readonly Step[])[]) => {
      for (const each of some) {
        for (const one of each) take(one)
        const now = tree()
        trees.set((await publish()).length, now)
      }
      const ends = [...trees.keys()]
      const newest = ends.at(-1) ?? 0
      const { versions } = await readHistory(share, { ...ALL, from: newest })
      assert.deepEqual(versions.map(({ version }) => version).reverse(), ends)
      const below = await readHistory(share, { ...ALL, from: newest, path: '/x' as DrivePath })
      for (const [at, end] of ends.entries()) {
        const version = await share.versionAt(end)
        assert.deepEqual(await treeOf(share, version), trees.get(end))
        const other = ends[(at * 7 + 1) % ends.length] ?? end
        const { list } = await differences(version.index, (await share.versionAt(other)).index)
        assert.deepEqual(
          list.map(({ path, type }) => `${type} ${path}`).sort(),
          differencesOf(trees.get(other), trees.get(end)),
        )
        const before = ends[at - 1]
        const told = versions.find(each => each.version === end)?.changes
        const since = differencesOf(before === undefined ? undefined : trees.get(before), trees.get(end))
        // A file that was written again with what it held counts as changed: it has another time.
        assert.equal(told?.added, since.filter(each => each.startsWith('added')).length)
        assert.equal(told?.removed, since.filter(each => each.startsWith('removed')).length)
        const toldBelow = below.versions.find(each => each.version === end)?.changes
        for (const type of ['added', 'removed'] as const) {
          const count = since.filter(each => each.startsWith(`${type} /x/`)).length
          assert.equal(toldBelow?.[type] ?? 0, count, `${type} in the folder`)
        }
        assert.equal(await endOfVersion(share.paths, (before ?? 1) + 1, ALL), end, 'a number means an end')
      }
    }
    await fc.assert(fc.asyncProperty(steps, run), { numRuns: 12, endOnFailure: true })
  }).timeout(60_000)

  it('name what stays when a rule keeps some of them, and nothing else, whatever was published', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd/e')
    const change = fc.tuple(name, fc.constantFrom('one', 'two', 'three and more', undefined))
    const changes = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 6 })
    const rule: fc.Arbitrary<KeepRule> = fc.oneof(
      fc.constantFrom<KeepRule>({ kind: 'all' }, { kind: 'none' }, { kind: 'thinned' }),
      fc.nat(4).map(count => ({ kind: 'count' as const, count })),
    )
    write('stays.txt', 'stays')
    const ends = [(await publish()).length]
    const run = async (
      some: readonly (readonly [string, string | undefined][])[],
      kind: KeepRule,
      pin: number,
    ) => {
      const keeping = { rule: kind, budget: 1e9, pinned: [ends[pin % ends.length] ?? 0], large: false }
      const pastOf = () =>
        new Past(
          share,
          () => keeping,
          () => 1e9,
          never,
        )
      const followed = pastOf()
      await blocksKept(followed)
      for (const each of some) {
        for (const [file, text] of each)
          take(text === undefined ? ['gone', file, ''] : ['text', file, `${text} ${Math.random()}`])
        const { length } = await publish()
        if (length !== ends.at(-1)) ends.push(length) // what takes away what is not there makes no version
        await blocksKept(followed)
      }
      const newest = ends.at(-1) ?? 0
      const most = kind.kind === 'count' ? kind.count : kind.kind === 'none' ? 0 : ends.length
      const kept = ends.slice(-1 - most)
      for (const end of [...kept, ...keeping.pinned]) if (!kept.includes(end)) kept.unshift(end)
      const expected = new Set<number>()
      for (const end of kept) {
        if (end === newest) continue
        const { index, listing } = await share.versionAt(end)
        for (const { blob } of index.entries()) addBlocks(expected, blob)
        addBlocks(expected, listing?.chunks)
      }
      for (const { blob } of share.version?.index.entries() ?? []) removeBlocks(expected, blob)
      for (const blocks of [await blocksKept(pastOf()), await blocksKept(followed)]) {
        for (const { blob } of share.version?.index.entries() ?? []) removeBlocks(blocks, blob)
        const listings = new Set<number>()
        for (const end of ends) addBlocks(listings, (await share.versionAt(end)).listing?.chunks)
        const content = (all: ReadonlySet<number>) => [...all].filter(each => !listings.has(each)).sort()
        assert.deepEqual(
          content(blocks),
          content(expected),
          `${kind.kind}, of ${ends}, pinned ${keeping.pinned}`,
        )
      }
    }
    await fc.assert(fc.asyncProperty(changes, rule, fc.nat(), run), { numRuns: 12, endOnFailure: true })
  }).timeout(60_000)

  /** Blocks that kept former versions need. */
  async function blocksKept(past: Past): Promise<Set<number>> {
    const references = new BlockReferences()
    if (share.version !== undefined) await past.addTo(references, share.version)
    const blocks = new Set<number>()
    for (const { start, end } of references.runs()) for (let at = start; at < end; at++) blocks.add(at)
    return blocks
  }

  it('in which very much has changed are read from their listing, and not path by path', async () => {
    const writeAll = (count: number, round: string) => {
      for (let at = 0; at < count; at++) write(`f${at}`, `${round} ${at}`)
    }
    writeAll(400, 'one')
    await publish()
    await reading(async reader => {
      const before = reader.version?.length ?? 0
      writeAll(300, 'another')
      rmSync(join(source, 'f399'))
      const made = await publish()
      await hears(reader.paths, share.paths)
      const change = await reader.refresh()
      assert.equal(change?.paths?.length, 301)
      assert.ok(reader.version)
      const all = (version: Version) =>
        [...version.index.entries()].sort((a, b) => (a.path < b.path ? -1 : 1))
      assert.deepEqual(all(reader.version), all(made))
      assert.equal(await text(reader, reader.version, '/f299'), 'another 299')
      const newer = made.length - before
      const { bitfield } = reader.paths.core
      assert.ok(bitfield.count(before, newer, true) < newer / 10, 'few of the path log came')

      write('f0', 'alone')
      const next = await publish()
      await hears(reader.paths, share.paths)
      await reader.refresh()
      assert.deepEqual(all(reader.version), all(next), 'the next is read from the path log again')
    })
  })

  it('are not there for lengths that the path log does not have', async () => {
    write('a.txt', 'a')
    const { length } = await publish()
    for (const none of [0, length + 1]) await assert.rejects(share.versionAt(none), { code: 'not-listed' })
    assert.equal(await share.versionAt(length), share.version)
  })
})

function connected(here: Hypercore, there: Hypercore): { destroy(): unknown }[] {
  const [a, b] = [here.replicate(true), there.replicate(false)]
  a.pipe(b).pipe(a)
  return [a, b]
}

/** All that a version says, but where its small files lie a second time: the path log does not tell that. */
function toldBy(version: Version | undefined) {
  assert.ok(version)
  const { index, ...about } = version
  const entries = [...index.entries()].map(({ pack: _, ...entry }) => entry)
  return { ...about, entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

function differencesOf(before = new Map<string, string>(), now = new Map<string, string>()): string[] {
  const paths = new Set([...before.keys(), ...now.keys()])
  return [...paths]
    .flatMap(path => {
      const [old, held] = [before.get(path), now.get(path)]
      if (old === held) return []
      return `${old === undefined ? 'added' : held === undefined ? 'removed' : 'changed'} ${path}`
    })
    .sort()
}

function addBlocks(blocks: Set<number>, blob: BlobRef | undefined): void {
  for (let at = 0; at < (blob?.blockLength ?? 0); at++) blocks.add((blob?.blockOffset ?? 0) + at)
}

function removeBlocks(blocks: Set<number>, blob: BlobRef | undefined): void {
  for (let at = 0; at < (blob?.blockLength ?? 0); at++) blocks.delete((blob?.blockOffset ?? 0) + at)
}
