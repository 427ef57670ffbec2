import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { SafeWriter } from '../../src/peer/disk/writer'
import type { NamedEntry } from '../../src/peer/names/copyTree'
import { foretell, isForetoldBy, unportable } from '../../src/peer/names/foretell'
import { compareDrivePaths } from '../../src/peer/names/pathOrder'
import { selectPaths } from '../../src/peer/names/pathSet'
import { checkPath, refusalToShare } from '../../src/peer/names/paths'
import { rulesFor, TARGET_SYSTEMS, type TargetSystem } from '../../src/peer/names/rules'
import { namesIn } from '../../src/peer/publish/scan/sortedPaths'
import { atOnce } from '../support/atOnce'
import { temporaryFolder } from '../support/folders'
import { holds } from '../support/fuzz'

function foretold(entries: Readonly<Record<string, string>> | readonly string[]): Record<string, string> {
  const named: NamedEntry[] = Array.isArray(entries)
    ? entries.map(path => ({ path }))
    : Object.entries(entries).map(([path, linkTarget]) => ({ path, ...(linkTarget && { linkTarget }) }))
  named.sort((a, b) => compareDrivePaths(a.path, b.path))
  const told = atOnce(foretell(named))
  return Object.fromEntries(told.map(({ path, reason, systems }) => [path, `${systems.join()}: ${reason}`]))
}

/** Files of a tree: none lies below another. */
function sortedTree(paths: readonly string[]): NamedEntry[] {
  return paths
    .filter(path => !paths.some(other => path.startsWith(`${other}/`)))
    .map(path => ({ path }))
    .sort((a, b) => compareDrivePaths(a.path, b.path))
}

describe('what receivers will leave out, as their sharer is told', () => {
  it('is named with the systems and the reason', () => {
    assert.deepEqual(
      foretold([
        '/12:30.log',
        '/T: notes.txt',
        '/\\\\srv',
        '/a\\b',
        '/a:b',
        '/con',
        '/dot.',
        '/fine.txt',
        '/folder:x/in it',
        '/space ',
        '/what?',
        '/PROGRA~1',
      ]),
      {
        '/12:30.log': 'win32: alternate-data-stream',
        '/T: notes.txt': 'win32: drive-letter',
        '/\\\\srv': 'win32: network-path',
        '/a\\b': 'win32: backslash',
        '/a:b': 'win32: drive-letter',
        '/con': 'win32: reserved-device-name',
        '/dot.': 'win32: trailing-dot-or-space',
        '/folder:x/in it': 'win32: alternate-data-stream',
        '/space ': 'win32: trailing-dot-or-space',
        '/what?': 'win32: forbidden-character',
        '/PROGRA~1': 'win32: short-name',
      },
    )
    assert.deepEqual(foretold(['/caf\u00e9', '/cafe\u0301', '/Readme', '/README', '/A/x', '/a/X', '/a/y']), {
      '/caf\u00e9': 'darwin: twin',
      '/Readme': 'darwin,win32: twin',
      '/a/X': 'darwin,win32: twin',
    })
  })

  it('is told in a sentence, with a number of files', () => {
    const [told] = atOnce(foretell([{ path: '/README' }, { path: '/Readme' }]))
    assert.match(told?.detail ?? '', /^Left out on macOS and Windows\. Another entry has the same name/)
    const { unportable: list, unportableCount } = unportable(told === undefined ? [] : [told])
    assert.equal(unportableCount, 1)
    assert.equal(list[0]?.reason, 'darwin,win32:twin')
  })

  it('includes links that lead to what a system leaves out', () => {
    const links = {
      '/aux.c': '',
      '/to aux': 'aux.c',
      '/by way of it': 'to aux',
      '/con/x': '',
      '/to folder': 'con',
      '/x': '',
      '/good': 'x',
      '/C:': '',
      '/drive': 'C:',
    }
    assert.deepEqual(foretold(links), {
      '/C:': 'win32: drive-letter',
      '/aux.c': 'win32: reserved-device-name',
      '/by way of it': 'win32: link-dangling',
      '/con/x': 'win32: reserved-device-name',
      '/drive': 'win32: link-absolute',
      '/to aux': 'win32: link-bad-target',
      '/to folder': 'win32: link-bad-target',
    })
  })

  it('follows links by the names that a system has for what they name', () => {
    assert.deepEqual(foretold({ '/Sub/File': '', '/link': 'sub/FILE' }), { '/link': 'linux: link-dangling' })
    assert.deepEqual(foretold({ '/cafe\u0301': '', '/link': 'caf\u00e9' }), {
      '/link': 'linux,win32: link-dangling',
    })
  })

  const piece = fc.oneof(
    fc.constantFrom(
      'a',
      'A',
      'b',
      'con',
      'AUX',
      'nul.txt',
      'com1',
      '.',
      '..',
      ' ',
      ':',
      '\\',
      '~1',
      'T: n',
      '?',
    ),
    fc.constantFrom(
      '\u00e9',
      'e\u0301',
      'ß',
      'SS',
      'ſ',
      'ı',
      'İ',
      '\u212a',
      'k',
      '\u{1f600}',
      '\u2028',
      '\u202e',
    ),
    fc.constantFrom(
      '\n',
      '\ud800',
      '.peerfold-',
      '.peerfold-0123456789abcdef.part',
      'é'.repeat(128),
      'LongName~1',
    ),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  )
  const name = fc
    .array(piece, { minLength: 1, maxLength: 3 })
    .map(pieces => pieces.join('').replaceAll('/', ''))
    .filter(text => text !== '' && text !== '.' && text !== '..')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(names => `/${names.join('/')}`)
  /** What a disk can hold: nothing is a file and a folder. */
  const tree = fc
    .uniqueArray(path, { maxLength: 10 })
    .map(paths =>
      paths.filter(one => !paths.some(other => other.startsWith(`${one}/`))).sort(compareDrivePaths),
    )

  it('is exactly what a receiver of each system refuses, for the same reason; and what is not shared, nobody takes', () => {
    const isTaken = (one: string) => TARGET_SYSTEMS.some(system => checkPath(one, rulesFor(system)).ok)
    holds(
      'names foretold',
      fc.property(tree, paths => {
        const isRefused = (one: string) =>
          one.split('/').some((_, depth, all) => {
            const above = all.slice(0, depth + 1).join('/')
            return depth > 0 && refusalToShare(above) !== undefined
          })
        const shared = paths.filter(one => !isRefused(one))
        for (const one of paths.filter(isRefused)) assert.ok(!isTaken(one) || one.includes('\\'), one)
        const told = atOnce(foretell(shared.map(one => ({ path: one }))))
        for (const system of TARGET_SYSTEMS) {
          const { refused } = atOnce(selectPaths(shared, rulesFor(system)))
          const expected = told
            .filter(({ systems }) => systems.includes(system))
            .map(one => `${one.path} ${one.reason}`)
          assert.deepEqual(refused.map(one => `${one.path} ${one.reason}`).sort(), expected.sort())
        }
      }),
      2_000,
    )
  })

  it('stays as it is when a file comes or goes that has no part in it', () => {
    const part = fc.constantFrom('a', 'A', 'b', 'é', 'e\u0301', 'con', 'c.', 'plain.txt', 'Plain.txt')
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => `/${parts.join('/')}`)
    const counted = { kept: 0, asked: 0 }
    holds(
      'files that come or go',
      fc.property(fc.uniqueArray(path, { maxLength: 8 }), path, (paths, one) => {
        const isAbove = (folder: string, other: string) => other.startsWith(`${folder}/`)
        // A file is no folder.
        const others = paths.filter(other => !isAbove(other, one) && !isAbove(one, other))
        const without = sortedTree(others.filter(other => other !== one))
        const withIt = sortedTree([...without.map(entry => entry.path), one])
        for (const there of [without, withIt]) {
          counted.asked++
          if (isForetoldBy(one, folder => namesIn(there, folder, 100))) continue
          counted.kept++
          assert.deepEqual(atOnce(foretell(without)), atOnce(foretell(withIt)), one)
        }
        assert.ok(
          isForetoldBy(one, () => undefined),
          'where it is not known, it may be',
        )
      }),
      2_000,
    )
    assert.ok(counted.kept > counted.asked / 10, `${counted.kept} of ${counted.asked}`)
  })

  it('is what the writer of a copy refuses of links, for the same reason', function () {
    if (process.platform === 'win32') this.skip()
    const step = fc.constantFrom('a', 'b', 'c', '..', '.', 'aux', 'd:')
    const target = fc
      .tuple(fc.constantFrom('', '', '', '/'), fc.array(step, { minLength: 1, maxLength: 4 }))
      .map(([start, steps]) => start + steps.join('/'))
    const place = fc.array(fc.constantFrom('a', 'b', 'c', 'aux', 'd:'), { minLength: 1, maxLength: 3 })
    const entry = fc.record({
      path: place.map(names => `/${names.join('/')}`),
      linkTarget: fc.option(target, { nil: undefined, freq: 2 }),
    })
    const entries = fc.uniqueArray(entry, { maxLength: 8, selector: ({ path: one }) => one }).map(all =>
      all
        .filter(({ path: one }) => !all.some(other => other.path.startsWith(`${one}/`)))
        .sort((one, other) => compareDrivePaths(one.path, other.path))
        .map(
          ({ path: one, linkTarget }): NamedEntry => (linkTarget ? { path: one, linkTarget } : { path: one }),
        ),
    )
    const top = temporaryFolder('foretold')
    let at = 0
    holds(
      'links foretold',
      fc.property(entries, fc.constantFrom<TargetSystem>('linux', 'win32'), (all, system) => {
        const folder = join(top, String(at++))
        mkdirSync(folder)
        const told = atOnce(foretell(all))
          .filter(({ systems }) => systems.includes(system))
          .map(({ path: one, reason }) => `${one} ${reason}`)
        const writer = SafeWriter.open(folder, rulesFor(system), { holdFolders: false })
        assert.deepEqual(copied(all, writer, system).sort(), told.sort())
        rmSync(folder, { recursive: true })
      }),
      500,
    )
  })

  it('costs little where all names are good: 100,000 of them less than half a second', () => {
    const paths = Array.from({ length: 100_000 }, (_, n) => ({
      path: `/src/Folder ${n % 300}/File-${n}.test.ts`,
    }))
    paths.sort((a, b) => compareDrivePaths(a.path, b.path))
    const before = process.cpuUsage()
    assert.deepEqual(atOnce(foretell(paths)), [])
    const { user, system } = process.cpuUsage(before)
    console.log(`      ${(user + system) / 1000} ms`)
    assert.ok(user + system < 500_000)
  })
})

/** Makes a copy with the parts that make every copy. @returns what it leaves out, and why */
function copied(entries: readonly NamedEntry[], writer: SafeWriter, system: TargetSystem): string[] {
  const rules = rulesFor(system)
  const { accepted, refused } = atOnce(
    selectPaths(
      entries.map(one => one.path),
      rules,
    ),
  )
  const leftOut = refused.map(({ path, reason }) => `${path} ${reason}`)
  const targets = new Map(entries.map(({ path, linkTarget }) => [path, linkTarget]))
  let links = accepted.filter(({ path }) => targets.get(path) !== undefined)
  for (const { path, segments } of accepted) {
    if (targets.get(path) === undefined)
      writer.writeSmallSync(segments, Buffer.of(), { executable: false, mtimeMs: 0 })
  }
  for (let before = -1; before !== links.length; ) {
    before = links.length
    links = links.filter(({ path, segments }) => !writer.makeLink(segments, targets.get(path) ?? '').ok)
  }
  for (const { path, segments } of links) {
    const made = writer.makeLink(segments, targets.get(path) ?? '')
    if (!made.ok) leftOut.push(`${path} ${made.reason}`)
  }
  return leftOut
}
