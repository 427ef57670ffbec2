/**
 * Some files know the inside of other packages, which may change with any version. Each says in which one it was read,
 * so that whoever updates a package is told here what to read again.
 */
import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/projectRoot'

const READ_IN = /Read in (@?[\w/-]+) (\d+\.\d+\.\d+)/g
/** A field of something else that is not meant for others, or a part of Hypercore below its documented surface. */
const PRIVATE = /(?<!\bthis)\??\._[a-z]\w*|\breplicator\b/i

interface Source {
  readonly file: string
  readonly code: string
  /** What its comments say, in one line. */
  readonly comments: string
}

describe('what is known of the inside of other packages', () => {
  const sources = sourcesBelow(join(projectRoot, 'src'))

  it('was read in the version that is installed', () => {
    const read = sources.flatMap(({ file, comments }) =>
      [...comments.matchAll(READ_IN)].map(([, name = '', version]) => ({ file, name, version })),
    )
    assert.ok(read.length > 10, `only ${read.length} notes were found`)
    const other = read.filter(({ name, version }) => installed(name) !== version)
    assert.deepEqual(
      other.map(({ file, name, version }) => `${file}: ${name} ${version}, not ${installed(name)}`),
      [],
    )
  })

  it('is known in one room of the peer alone', () => {
    const elsewhere = sources.filter(
      ({ file, code }) => PRIVATE.test(code) && !/^peer[/\\]hypercore[/\\]/.test(file),
    )
    assert.deepEqual(
      elsewhere.map(({ file }) => file),
      [],
    )
  })

  it('is noted wherever a file uses it', () => {
    const silent = sources.filter(({ code, comments }) => PRIVATE.test(code) && !/Read in /.test(comments))
    assert.deepEqual(
      silent.map(({ file }) => file),
      [],
    )
  })
})

function sourcesBelow(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map(file => {
      const text = readFileSync(join(folder, file), 'utf8')
      const comment = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm
      const comments = (text.match(comment) ?? []).join(' ').replace(/\s*\n\s*(\*|\/\/) ?/g, ' ')
      return { file, code: text.replace(comment, ''), comments }
    })
}

function installed(name: string): string {
  const manifest = readFileSync(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8')
  const { version }: { version: string } = JSON.parse(manifest)
  return version
}
