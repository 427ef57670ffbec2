import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { listFiles, PackageManager } from '@vscode/vsce'
import { temporaryFolder } from '../support/folders'
import { built, projectRoot } from '../support/projectRoot'

/** What a VSIX may hold, as paths in the project. Whoever adds to it looks at this list and at .vscodeignore. */
const allowed = [
  /^(package\.json|package\.nls(\.[a-z-]+)?\.json|(README|CHANGELOG|SECURITY|ARCHITECTURE)\.md|LICENSE)$/,
  /^docs\/[\w/-]+\.md$/,
  /^l10n\/[\w.-]+\.json$/,
  /^media\/[\w./-]+\.(svg|png|md)$/,
  /^dist\/(extension|peer|cli|dht|dashboard)\.js$/,
  /^dist\/dashboard\.css$/,
  /^dist\/node_modules\/.*(\.(js|cjs|mjs|json|node)|\/(LICENSE|NOTICE)[\w.-]*)$/i,
]
const budget = 30e6

describe('the VSIX', () => {
  let files: string[]

  before(async () => {
    files = await listFiles({ cwd: projectRoot, packageManager: PackageManager.None })
  })

  it('holds nothing that is not on the list', () => {
    assert.deepEqual(
      files.filter(file => !allowed.some(pattern => pattern.test(file))),
      [],
    )
  })

  it('holds all programs and what describes them', () => {
    const needed = [
      'package.json',
      'package.nls.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'SECURITY.md',
      'ARCHITECTURE.md',
    ]
    const programs = ['extension.js', 'peer.js', 'cli.js', 'dht.js', 'dashboard.js', 'dashboard.css']
    const expected = [...needed, ...programs.map(program => `dist/${program}`)]
    assert.deepEqual(
      expected.filter(file => !files.includes(file)),
      [],
    )
  })

  it('holds what its documents link to', () => {
    const links = files
      .filter(file => file.endsWith('.md') && !file.startsWith('dist/'))
      .flatMap(file =>
        [...readFileSync(join(projectRoot, file), 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(
          ([, to = '']) => posix.join(posix.dirname(file), to),
        ),
      )
    assert.ok(links.length > 10, `only ${links.length} links`)
    assert.deepEqual(
      links.filter(to => !files.includes(to)),
      [],
    )
  })

  it('holds addons of one platform only', () => {
    const addons = files.filter(file => file.endsWith('.node'))
    const target = `${process.platform}-${process.arch}`
    assert.ok(addons.length >= 7, `only ${addons.length} addons`)
    assert.deepEqual(
      addons.filter(file => !file.includes(target)),
      [],
    )
  })

  it(`is within ${budget / 1e6} MB before it is compressed`, () => {
    const bytes = files
      .map(file => statSync(join(projectRoot, file)).size)
      .reduce((sum, size) => sum + size, 0)
    assert.ok(bytes < budget, `${bytes} bytes`)
  })

  it('has programs of ASCII alone: with one other character the whole is twice as large in memory, and read slower', () => {
    const programs = files.filter(file => /^dist\/\w+\.js$/.test(file))
    const other = programs.flatMap(
      file => /.{0,40}[^\0-\x7f].{0,40}/u.exec(readFileSync(join(projectRoot, file), 'utf8')) ?? [],
    )
    assert.deepEqual(other, [])
  })

  it('has native packages that load without the project around them', () => {
    const alone = join(temporaryFolder('alone'), 'node_modules')
    cpSync(built('node_modules'), alone, { recursive: true })
    const target = `${process.platform}-${process.arch}`
    const names = readdirSync(alone).filter(name => hasAddon(join(alone, name, 'prebuilds', target)))
    assert.ok(names.includes('rocksdb-native'))
    const code = `for (const name of ${JSON.stringify([...names, '@parcel/watcher'])}) require(name); console.log('loaded')`
    const printed = execFileSync(process.execPath, ['-e', code], { cwd: join(alone, '..'), encoding: 'utf8' })
    assert.equal(printed, 'loaded\n')
  })
})

function hasAddon(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some(file => file.endsWith('.node'))
}
