import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import fc from 'fast-check'
import { conflictName, isConflictName } from '../../src/peer/disk/conflicts'
import { contentWarnings } from '../../src/peer/disk/warnings'
import { PathSet, selectPaths } from '../../src/peer/names/pathSet'
import { checkPath, utf8Length } from '../../src/peer/names/paths'
import { describeRefusal } from '../../src/peer/names/refusals'
import { foldName, rulesFor, TARGET_SYSTEMS, type TargetSystem } from '../../src/peer/names/rules'
import { atOnce } from '../support/atOnce'
import { holds } from '../support/fuzz'

const FAMILY = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}'
const PERSIAN = 'می\u200cخواهم.txt'

const linux = rulesFor('linux')
const darwin = rulesFor('darwin')
const windows = rulesFor('win32')

function verdict(path: string, system: TargetSystem): string {
  const decision = checkPath(path, rulesFor(system))
  return decision.ok ? 'ok' : decision.reason
}

describe('which paths may become files', () => {
  it('gives the components of a good path', () => {
    assert.deepEqual(checkPath('/src/main.ts', linux), { ok: true, segments: ['src', 'main.ts'] })
  })

  it('never loses a name that is good on the system it is for', () => {
    for (const name of [
      'aux.c',
      'con',
      'a\\b',
      ':b c',
      'x.',
      'x ',
      'what?.txt',
      'PROGRA~1',
      '12:30.log',
      'T: notes.txt',
      '\\srv',
    ]) {
      assert.equal(verdict(`/${name}`, 'linux'), 'ok', name)
    }
    for (const name of [
      FAMILY,
      PERSIAN,
      'שלום\u200f.txt',
      'e\u0301',
      '...',
      '.env',
      '-rf',
      '~',
      'a'.repeat(255),
    ]) {
      for (const system of ['linux', 'darwin'] as const) assert.equal(verdict(`/${name}`, system), 'ok', name)
    }
    for (const name of [
      FAMILY,
      PERSIAN,
      'auxiliary.c',
      'com10',
      'console.log',
      '~$doc.docx',
      'a~b',
      '.gitignore',
    ]) {
      assert.equal(verdict(`/${name}`, 'win32'), 'ok', name)
    }
  })

  it('takes a component of 255 bytes and a path of 4,096, and not one byte more', () => {
    assert.equal(verdict(`/${'ü'.repeat(127)}x`, 'linux'), 'ok')
    assert.equal(verdict(`/${'ü'.repeat(128)}`, 'linux'), 'component-too-long')
    const path = `/${'a'.repeat(254)}`.repeat(16)
    assert.equal(verdict(`${path}/${'b'.repeat(15)}`, 'linux'), 'ok')
    assert.equal(verdict(`${path}/${'b'.repeat(16)}`, 'linux'), 'path-too-long')
    assert.equal(verdict('/a'.repeat(255), 'linux'), 'ok')
    assert.equal(verdict('/a'.repeat(256), 'linux'), 'too-deep')
  })

  it('has a sentence for every reason', () => {
    assert.match(describeRefusal('parent-component'), /^[A-Z].*\.$/)
  })

  it('accepts only what stays below the target folder, unchanged by the system’s own path rules', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '...',
        '\\',
        '..\\',
        'C:',
        'C:\\',
        '\\\\?\\',
        'CON',
        'aux.c',
        'a.',
        'a ',
        'x:y',
      ),
      fc.constantFrom('\0', '\n', '\u202e', '\ud800', '\u200d', 'a~1', 'COM¹', '\u00df', 'ﬁ'),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ maxLength: 6 }),
    )
    const path = fc
      .array(
        fc.array(piece, { maxLength: 3 }).map(pieces => pieces.join('')),
        { maxLength: 5 },
      )
      .chain(names => fc.constantFrom(`/${names.join('/')}`, names.join('/')))
    holds(
      'accepted paths stay inside',
      fc.property(path, fc.constantFrom(...TARGET_SYSTEMS), (drivePath, system) => {
        const decision = checkPath(drivePath, rulesFor(system))
        if (!decision.ok) {
          assert.ok(describeRefusal(decision.reason))
          return
        }
        assert.equal(`/${decision.segments.join('/')}`, drivePath)
        assert.equal(posix.resolve('/root', ...decision.segments), `/root${drivePath}`)
        if (system !== 'win32') return
        const place = win32.resolve('C:\\root', ...decision.segments)
        assert.equal(place, `C:\\root\\${decision.segments.join('\\')}`)
      }),
    )
  })

  it('accepts every ordinary name on Linux, whatever letters it is made of', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter(text => !/[/\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]|^\.{1,2}$/iu.test(text))
      .filter(text => utf8Length(text) <= 255)
    holds(
      'ordinary names',
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), names => {
        assert.deepEqual(checkPath(`/${names.join('/')}`, linux), { ok: true, segments: names })
      }),
    )
  })

  it('counts bytes as UTF-8 does', () => {
    holds(
      'bytes',
      fc.property(fc.string({ unit: 'binary' }), text => {
        assert.equal(utf8Length(text), Buffer.byteLength(text))
      }),
    )
  })
})

describe('paths beside each other', () => {
  it('refuse a file where a folder is, whichever of them comes first', () => {
    const set = new PathSet(linux)
    assert.deepEqual(set.take(['a']), { ok: true })
    assert.deepEqual(set.take(['a', 'b']), { ok: false, reason: 'file-beside-folder', other: '/a' })
    assert.deepEqual(set.take(['c', 'd', 'e']), { ok: true })
    assert.deepEqual(set.take(['c', 'd']), { ok: false, reason: 'file-beside-folder', other: '/c/d' })
    assert.deepEqual(set.take(['c', 'f']), { ok: true })
  })

  it('are twins only where the target takes them for one', () => {
    const losers = (system: TargetSystem, ...paths: string[]) =>
      atOnce(selectPaths(paths, rulesFor(system))).refused.map(({ path, other }) => [path, other])
    const byCase = ['/A/x', '/a/X']
    assert.deepEqual(losers('linux', ...byCase), [])
    assert.deepEqual(losers('win32', ...byCase), [['/a/X', '/A/x']])
    assert.deepEqual(losers('darwin', ...byCase), [['/a/X', '/A/x']])
    const byAccent = ['/e\u0301', '/\u00e9']
    assert.deepEqual(losers('linux', ...byAccent), [])
    assert.deepEqual(losers('win32', ...byAccent), [])
    assert.deepEqual(losers('darwin', ...byAccent), [['/\u00e9', '/e\u0301']])
    const sharpS = ['/STRASSE', '/straße']
    assert.deepEqual(losers('linux', ...sharpS), [])
    assert.deepEqual(losers('win32', ...sharpS), [], 'NTFS compares letter by letter')
    assert.deepEqual(losers('darwin', ...sharpS), [['/straße', '/STRASSE']])
  })

  it('merge folders that differ in case, and lose no file by it', () => {
    assert.deepEqual(atOnce(selectPaths(['/A/x', '/a/y'], windows)).refused, [])
  })

  it('see a file and a folder that are twins', () => {
    assert.deepEqual(atOnce(selectPaths(['/A', '/a/b'], windows)).refused, [
      { path: '/a/b', reason: 'file-beside-folder', other: '/A' },
    ])
  })

  it('are chosen the same in any order, and fit beside each other in the end', () => {
    const name = fc.constantFrom(
      'a',
      'A',
      'b',
      '\u00e9',
      'e\u0301',
      'ß',
      'SS',
      'ss',
      'ẞ',
      'a-',
      '\u{1f600}',
      '\uff5e',
    )
    const paths = fc.uniqueArray(
      fc.array(name, { minLength: 1, maxLength: 4 }).map(names => `/${names.join('/')}`),
      { maxLength: 12 },
    )
    holds(
      'selections',
      fc.property(
        paths,
        fc.infiniteStream(fc.nat()),
        fc.constantFrom(...TARGET_SYSTEMS),
        (all, random, system) => {
          const rules = rulesFor(system)
          const { accepted, refused } = atOnce(selectPaths(all, rules))
          const shuffled = [...all].sort(() => (random.next().value % 3) - 1)
          assert.deepEqual(atOnce(selectPaths(shuffled, rules)).accepted, accepted)
          assert.equal(accepted.length + refused.length, all.length)
          const keys = accepted.map(({ path }) => foldName(path, rules))
          assert.equal(new Set(keys).size, keys.length)
          for (const key of keys) assert.ok(!keys.some(other => other.startsWith(`${key}/`)), key)
        },
      ),
    )
  })

  it('may be left for other work before each of them', () => {
    const paths = Array.from({ length: 2_000 }, (_, at) => `/${at}`)
    assert.ok([...selectPaths(paths, linux)].length >= paths.length)
  })

  it('fold once and for all', () => {
    holds(
      'folding',
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(darwin, windows), (text, rules) => {
        const folded = foldName(text, rules)
        assert.equal(foldName(folded, rules), folded)
      }),
    )
  })
})

describe('the name of a conflict copy', () => {
  const when = new Date(2026, 10, 22, 16, 30, 5)

  it('keeps the folder and the ending, and says when', () => {
    assert.deepEqual(conflictName(['docs', 'notes.md'], when, linux), [
      'docs',
      'notes.conflict-20261122-163005.md',
    ])
    assert.deepEqual(conflictName(['Makefile'], when, linux), ['Makefile.conflict-20261122-163005'])
    assert.deepEqual(conflictName(['.env'], when, linux), ['.env.conflict-20261122-163005'])
  })

  it('is known as that of its own file, and of no other whose name begins alike', () => {
    const nameFor = (name: string) => conflictName([name], when, linux)[0] ?? ''
    for (const name of ['5', 'a.txt', `${'long '.repeat(50)}.md`])
      assert.ok(isConflictName(nameFor(name), name))
    assert.equal(isConflictName(nameFor('5'), '54'), false)
    assert.equal(isConflictName(nameFor('a.txt'), 'ab.txt'), false)
  })

  it('is one that nothing has', () => {
    const taken = new Set(['a.conflict-20261122-163005.md', 'a.conflict-20261122-163005-2.md'])
    const name = conflictName(['a.md'], when, linux, segments => taken.has(segments.join('/')))
    assert.deepEqual(name, ['a.conflict-20261122-163005-3.md'])
  })

  it('is a good name wherever the file’s own was one', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 })
    holds(
      'conflict names',
      fc.property(name, fc.constantFrom(linux, darwin, windows), (text, rules) => {
        const own = checkPath(`/${text}`, rules)
        if (!own.ok) return
        const copy = conflictName(own.segments, when, rules)
        assert.equal(checkPath(`/${copy.join('/')}`, rules).ok, true)
      }),
    )
  })

  it('does not tear a family apart to make room', () => {
    const [name = ''] = conflictName([FAMILY.repeat(10)], when, linux)
    assert.equal(name, `${FAMILY.repeat(9)}.conflict-20261122-163005`)
  })
})

describe('what a copy brings that may run', () => {
  it('is told by kind, wherever it lies and however it is written', () => {
    const kinds = (...paths: string[]) => contentWarnings(paths).map(({ kind }) => kind)
    assert.deepEqual(kinds('/.vscode/tasks.json', '/sub/.VSCODE/Settings.json', '/.vscode/launch.json'), [
      'editor-tasks',
      'editor-settings',
      'editor-launch',
    ])
    assert.deepEqual(
      kinds('/x.code-workspace', '/.git/hooks/post-checkout', '/.git/modules/m/hooks/update'),
      ['workspace-file', 'git-hook', 'git-hook'],
    )
    assert.deepEqual(kinds('/.envrc', 'sub/.envrc', '/.g\u200cit/config', '/setup.exe'), [
      'envrc',
      'envrc',
      'git-config',
      'executable',
    ])
    assert.deepEqual(
      kinds('/src/tasks.json', '/settings.json', '/hooks/useThing.ts', '/.env', '/git/config'),
      [],
    )
  })

  it('includes what is marked executable', () => {
    assert.deepEqual(contentWarnings(['/a', '/run'], new Set(['/run'])), [
      { path: '/run', kind: 'executable' },
    ])
  })
})
