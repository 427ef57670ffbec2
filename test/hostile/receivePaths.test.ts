/** Paths that attack, and paths that only look like it. Each row: what a share brings, what each system makes of it. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { selectPaths } from '../../src/peer/names/pathSet'
import { checkPath, type PathRefusal } from '../../src/peer/names/paths'
import { rulesFor, TARGET_SYSTEMS } from '../../src/peer/names/rules'
import { atOnce } from '../support/atOnce'
import { attackGroup } from '../support/attacks'

type Verdict = PathRefusal | 'ok'

function verdicts(path: string): Verdict[] {
  return TARGET_SYSTEMS.map(system => {
    const decision = checkPath(path, rulesFor(system))
    return decision.ok ? 'ok' : decision.reason
  })
}

function everywhere(reason: PathRefusal, ...paths: string[]): void {
  for (const path of paths) {
    it(`${show(path)} is refused everywhere: ${reason}`, () => {
      assert.deepEqual(new Set(verdicts(path)), new Set([reason]))
    })
  }
}

function onWindows(reason: PathRefusal, ...names: string[]): void {
  for (const name of names) {
    it(`${show(name)} is refused on Windows (${reason}) and kept elsewhere`, () => {
      assert.deepEqual(verdicts(`/${name}`), ['ok', 'ok', reason])
      assert.deepEqual(verdicts(`/folder/${name}/file`), ['ok', 'ok', reason])
    })
  }
}

/** Forms that begin another tree on Windows, and are ordinary names elsewhere. */
function atTheTopOnWindows(reason: PathRefusal, ...paths: string[]): void {
  for (const path of paths) {
    it(`${show(path)} is refused on Windows (${reason}), and stays below the folder elsewhere`, () => {
      assert.deepEqual(verdicts(`/${path}`), ['ok', 'ok', reason])
      assert.equal(posix.resolve('/root', ...path.split('/')), `/root/${path}`)
      assert.notEqual(verdicts(`/folder/${path}`)[2], 'ok')
    })
  }
}

function kept(...names: string[]): void {
  for (const name of names) {
    it(`${show(name)} is kept everywhere`, () => assert.deepEqual(verdicts(`/${name}`), ['ok', 'ok', 'ok']))
  }
}

function show(path: string): string {
  const text = JSON.stringify(path).replace(
    /[^\x20-\x7e]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length > 50 ? `${text.slice(0, 40)}… (${path.length})` : text
}

attackGroup('paths that leave the folder', () => {
  everywhere('parent-component', '/..', '/../x', '/a/../../x', `/a${'/..'.repeat(40)}/etc/passwd`, '/a/..')
  everywhere('current-component', '/.', '/./a', '/a/./b')
  everywhere('empty-component', '/', '//', '//srv/share', '/a//b', '/a/')
  everywhere('no-leading-slash', '', 'a', '../a', 'C:\\x', '\\\\srv\\share', '.')
  atTheTopOnWindows('drive-letter', 'C:', 'C:/x', 'C:\\x', 'C:x', 'z:..', 'T: notes.txt')
  atTheTopOnWindows('network-path', '\\\\srv\\share\\x', '\\\\srv')
  atTheTopOnWindows('device-path', '\\\\?\\C:\\x', '\\\\.\\pipe\\x', '\\??\\C:\\x')
  onWindows('parent-component', '..\\x', 'a\\..\\..\\x')
  onWindows('backslash', 'a\\b', '\\x')
})

attackGroup('characters that hide or break', () => {
  everywhere(
    'control-character',
    '/a\0b',
    '/a\nb',
    '/\x1b[2Ja',
    '/a\x7f',
    '/a\x9b31m',
    '/a\u2028b',
    '/a\rb',
    '/\tb',
  )
  everywhere('bidi', '/cod\u202egnp.exe', '/a\u2066b', '/a\u2069', '/a\u202ab')
  everywhere('lone-surrogate', '/a\ud800', '/\udc00b', '/\ud83d/\ude00')
  kept(
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
    'می\u200cخواهم',
    'e\u0301',
    '<img>'.replace(/[<>]/g, ''),
    '$(rm -rf)',
  )
})

attackGroup('lengths', () => {
  everywhere(
    'component-too-long',
    `/${'a'.repeat(256)}`,
    `/${'\u{1f600}'.repeat(64)}`,
    `/x/${'é'.repeat(128)}/y`,
  )
  everywhere(
    'path-too-long',
    `/${'a'.repeat(5000)}`,
    `/${`${'a'.repeat(200)}/`.repeat(21)}x`,
    `/${'é/'.repeat(1500)}x`,
  )
  everywhere('too-deep', '/a'.repeat(1000), '/a'.repeat(256))
  kept('a'.repeat(255), 'é'.repeat(127))
})

attackGroup('Windows names', () => {
  onWindows(
    'reserved-device-name',
    'CON',
    'con',
    'aux.c',
    'aux.h',
    'NUL.txt',
    'nul.tar.gz',
    'PRN',
    'COM1',
    'lpt9.log',
  )
  // The forms of CVE-2023-45284.
  onWindows(
    'reserved-device-name',
    'COM1 ',
    'COM1 .txt',
    'COM\u00b9',
    'com\u00b2.x',
    'LPT\u00b3',
    'CONIN$',
    'conout$',
  )
  onWindows('reserved-device-name', 'NUL:', 'NUL:stream', 'COM0')
  onWindows('trailing-dot-or-space', 'a.', 'a ', 'a...', 'a. .', '...', ' ')
  onWindows('alternate-data-stream', 'a.txt:stream', 'file::$DATA', ':x')
  onWindows('forbidden-character', 'a<b', 'a>b', 'a"b', 'a|b', 'what?', '*')
  onWindows('short-name', 'PROGRA~1', 'progra~1.exe', 'A~12', 'GIT~1')
  kept(
    'console',
    'com10',
    'lpt',
    'auxiliary.h',
    'nul-1',
    ' a',
    '~$doc.docx',
    'backup~',
    'long file name~1',
    'COM\u2074',
  )
})

attackGroup('names of our own and of macOS', () => {
  everywhere('temporary-name', '/.peerfold-0123456789abcdef.part', '/a/.PEERFOLD-0123456789ABCDEF.PART')
  it('"..namedfork" is the way into a resource fork on macOS', () => {
    assert.deepEqual(verdicts('/f/..namedfork/rsrc'), ['ok', 'alternate-data-stream', 'ok'])
  })
  kept('.peerfoldignore', '.peerfold-1.part')
})

attackGroup('paths beside each other', () => {
  const losers = (...paths: string[]) =>
    TARGET_SYSTEMS.map(system => atOnce(selectPaths(paths, rulesFor(system))).refused.map(({ path }) => path))

  it('a file beside a folder of its name: the folder’s content is refused, the rest arrives', () => {
    assert.deepEqual(losers('/a', '/a/b', '/a/c/d', '/b'), Array(3).fill(['/a/b', '/a/c/d']))
  })
  it('a file below a twin of a file (CVE-2021-21300) is refused where case is ignored', () => {
    assert.deepEqual(losers('/A', '/a/hook'), [[], ['/a/hook'], ['/a/hook']])
  })
  it('case twins lose the second where case is ignored', () => {
    assert.deepEqual(losers('/README', '/Readme', '/readme'), [
      [],
      ['/Readme', '/readme'],
      ['/Readme', '/readme'],
    ])
  })
  it('twins by Unicode normalisation lose the second on macOS only', () => {
    assert.deepEqual(losers('/caf\u00e9', '/cafe\u0301'), [[], ['/caf\u00e9'], []])
  })
  it('twins by case and normalisation at once', () => {
    assert.deepEqual(losers('/CAFE\u0301', '/caf\u00e9'), [[], ['/caf\u00e9'], []])
  })
  it('ß and SS are twins on macOS only', () => {
    assert.deepEqual(losers('/MASSE', '/maße'), [[], ['/maße'], []])
  })
  it('twins far down are found by their folders', () => {
    assert.deepEqual(losers('/A/B/c', '/a/b/C'), [[], ['/a/b/C'], ['/a/b/C']])
  })
  it('bad paths take no place away from good ones', () => {
    const { accepted } = atOnce(selectPaths(['/a/..', '/a', '/x/../a'], rulesFor('linux')))
    assert.deepEqual(
      accepted.map(({ path }) => path),
      ['/a'],
    )
  })
  it('__proto__ and constructor are names like any other', () => {
    assert.deepEqual(losers('/__proto__', '/constructor/x', '/toString'), [[], [], []])
  })
})
