/** The table of kinds: what of the secrets that people have would leave, and what of harmless files would stay. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSecret } from '../../src/peer/publish/secrets/secrets'
import { holds } from '../support/fuzz'
import { harmlessFiles, type SampleFile, secretFiles } from '../support/secretFiles'

/** Of 105 kinds at most 5 may leave, of 40 harmless files at most 2 may stay. All of them are right today. */
const MOST_LEAVING = 0
const MOST_STAYING = 0

const COPIES = [
  ...[' copy', ' copy 2', ' (1)', ' - Copy', ' - Copy (2)', ' - Kopie', ' (copy)'],
  ' (Ann’s conflicted copy 2026-01-02)',
]

const verdict = ({ path, content }: SampleFile) => isSecret(path, content)
const names = (files: readonly SampleFile[]) => files.map(({ what, path }) => `${what} (${path})`)

describe('kinds of secrets', () => {
  it('are held back in their true form, whatever their values', () => {
    const kinds = new Set(secretFiles().map(({ what }) => what))
    assert.ok(kinds.size >= 105, `only ${kinds.size} kinds`)
    for (let seed = 1; seed <= 40; seed++) {
      const leaving = names(secretFiles(seed).filter(file => verdict(file) === undefined))
      assert.ok(leaving.length <= MOST_LEAVING, `with seed ${seed} these leave: ${leaving.join(', ')}`)
    }
  })

  it('do not hold back the harmless files that look like them', () => {
    const files = harmlessFiles()
    assert.ok(files.length >= 40, `only ${files.length} files`)
    const staying = files.filter(file => verdict(file) !== undefined)
    const told = staying.map(file => `${file.path}: ${verdict(file)?.detail}`)
    assert.ok(staying.length <= MOST_STAYING, `these stay: ${told.join(', ')}`)
  })

  it('are told by kind and line, and never by their value', () => {
    for (const file of secretFiles()) {
      const found = verdict(file)
      assert.match(found?.detail ?? '', /^\p{Lu}[^\n]*\.$/u, file.what)
      if (found?.reason === 'secret-content') assert.match(found.detail, / stands in line \d+\.$/, file.what)
      const values = file.content.toString('latin1').match(/[\w+/~.-]{16,}/g) ?? []
      for (const value of values) assert.ok(!found?.detail.includes(value), file.what)
    }
  })

  it('are found in text that Windows writes in two bytes a character, and after an escape', () => {
    for (const file of secretFiles().filter(({ path }) => /^\/(?:docs|src)\//.test(path))) {
      const text = file.content.toString('utf8')
      const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
      assert.notEqual(isSecret(file.path, wide), undefined, file.what)
      const escaped = Buffer.from(JSON.stringify({ text: text.replace(/(use |connect\(")/, '\n') }))
      assert.notEqual(isSecret('/notes.json', escaped), undefined, file.what)
    }
  })

  const added: readonly ((name: string) => string)[] = [
    name => `${name}.swp`,
    name => `.${name}.swp`,
    name => `.${name}.un~`,
    ...[
      '~',
      '.bak',
      '.orig',
      '.old',
      '.save',
      '.bak2',
      '.backup',
      '.tmp',
      '.~1~',
      '.rpmsave',
      '.dpkg-old',
      '.1',
    ].map(end => (name: string) => name + end),
    ...['_old', '-2026-01-02', '.20260102', '_20260102-030405', '.sync-conflict-20260102-030405-ABCDEFG'].map(
      end => (name: string) => name + end,
    ),
    name => `#${name}#`,
    name => `.#${name}`,
    name => `~$${name}`,
    name => `Copy of ${name}`,
    ...COPIES.map(end => (name: string) => name + end),
  ]
  const inside = [...COPIES, '.bak'].map(addition => (name: string) => beforeEnding(name, addition))
  const additions = fc
    .tuple(
      fc.array(fc.constantFrom(...inside), { maxLength: 1 }),
      fc.array(fc.constantFrom(...added), { maxLength: 3 }),
    )
    .map(([first, more]) => [...first, ...more])

  it('keep their judgement with all that editors, backups and copying add to a name', () => {
    const property = fc.property(fc.constantFrom(...secretFiles()), additions, (file, more) => {
      const path = named(file.path, more)
      assert.notEqual(isSecret(path, file.content), undefined, `${path} leaves`)
    })
    holds('decorated secrets', property)
  })

  it('leave harmless files harmless with the same additions', () => {
    const property = fc.property(fc.constantFrom(...harmlessFiles()), additions, (file, more) => {
      const path = named(file.path, more)
      assert.equal(isSecret(path, file.content), undefined, `${path} stays`)
    })
    holds('decorated harmless files', property)
  })
})

function named(path: string, additions: readonly ((name: string) => string)[]): string {
  const slash = path.lastIndexOf('/') + 1
  return path.slice(0, slash) + additions.reduce((name, add) => add(name), path.slice(slash))
}

/** `report.txt` → `report copy.txt`; a name without an ending gets it at its end. */
function beforeEnding(name: string, addition: string): string {
  return name.replace(/^(.*?\w.*?)(\.[a-zA-Z0-9]{1,8})?$/, `$1${addition.replaceAll('$', '$$$$')}$2`)
}
