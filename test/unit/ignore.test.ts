import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { compileGlob } from '../../src/peer/names/glob'
import { excludesFile, parseGitConfig } from '../../src/peer/publish/ignore/gitConfig'
import { GitFiles } from '../../src/peer/publish/ignore/gitExcludes'
import { IgnoreLayers, parseIgnore } from '../../src/peer/publish/ignore/ignore'
import { Inputs } from '../../src/peer/publish/scan/inputs'
import { scanFolder } from '../../src/peer/publish/scan/scan'
import { holds } from '../support/fuzz'

const RUNS = 2_000
const SEED = Number(process.env.PEERFOLD_SEED ?? Date.now() % 1_000_000_000)

/** Texts of ignore files by the folder they lie in, `''` for the shared folder itself. */
type Files = Readonly<Record<string, { git?: string; own?: string }>>

interface Asked {
  readonly isFolder?: boolean
  readonly settings?: string[]
  /** The shared folder, and where git's configuration is, when they matter. */
  readonly root?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Walks to a path as the scan does and answers whether it is left out on the way. */
function leavesOut(files: Files, path: string, options: Asked = {}) {
  const components = path.split('/')
  const { root = folder, settings = [], env = {} } = options
  let layers = IgnoreLayers.forRoot(root, settings, false, new GitFiles(env)).withFiles('', files[''] ?? {})
  for (const [index, name] of components.entries()) {
    const isFolder = index < components.length - 1 || (options.isFolder ?? false)
    if (layers.verdict(name, isFolder)?.ignored) return true
    const inner = components.slice(0, index + 1).join('/')
    layers = layers.enter(name).withFiles(`/${inner}`, files[inner] ?? {})
  }
  return false
}

let folder = ''

describe('the ignore rules', () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'peerfold-ignore-'))
  })
  after(function () {
    this.timeout(60_000)
    rmSync(folder, { recursive: true, force: true })
  })

  it('leave out what a pattern names, anywhere or only at its own folder', () => {
    const git = 'build/\n*.log\n/top.txt\ndocs/*.pdf\n# comment\n\\#hash\nkeep me \nspaced\\ \n'
    const files = { '': { git } }
    assert.equal(leavesOut(files, 'build/out.js'), true)
    assert.equal(leavesOut(files, 'deep/build/out.js'), true)
    assert.equal(leavesOut(files, 'build'), false, 'a file of a folder pattern’s name stays')
    assert.equal(leavesOut(files, 'deep/a.log'), true)
    assert.equal(leavesOut(files, 'top.txt'), true)
    assert.equal(leavesOut(files, 'deep/top.txt'), false)
    assert.equal(leavesOut(files, 'docs/a.pdf'), true)
    assert.equal(leavesOut(files, 'docs/b/a.pdf'), false)
    assert.equal(leavesOut(files, '#hash'), true)
    assert.equal(leavesOut(files, 'keep me'), true)
    assert.equal(leavesOut(files, 'spaced '), true)
    assert.equal(leavesOut(files, '# comment'), false)
  })

  it('let a later line, and a deeper file, overrule an earlier one', () => {
    assert.equal(leavesOut({ '': { git: '*.log\n!keep.log' } }, 'keep.log'), false)
    assert.equal(leavesOut({ '': { git: '*.log' }, a: { git: '!*.log' } }, 'a/x.log'), false)
    assert.equal(leavesOut({ '': { git: '*.log' }, a: { git: '!*.log' } }, 'b/x.log'), true)
  })

  it('do not bring back a file of a folder that is left out', () => {
    assert.equal(leavesOut({ '': { git: 'out/\n!out/keep' } }, 'out/keep'), true)
  })

  it('let a .peerfoldignore file bring back what .gitignore leaves out, and leave out more', () => {
    const files = { '': { git: 'dist/\n', own: '!dist/\n*.psd\n' }, art: { git: '!*.psd' } }
    assert.equal(leavesOut(files, 'dist/app.js'), false)
    assert.equal(leavesOut(files, 'art/big.psd'), true, 'it stands above every .gitignore, however deep')
  })

  it('place the settings between the two', () => {
    assert.equal(leavesOut({ '': { git: '!a.tmp' } }, 'a.tmp', { settings: ['*.tmp'] }), true)
    assert.equal(leavesOut({ '': { own: '!a.tmp' } }, 'a.tmp', { settings: ['*.tmp'] }), false)
  })

  it('follow the rules of the repository around the shared folder, unless these ignore the folder itself', () => {
    const app = join(folder, 'repository', 'packages', 'app')
    mkdirSync(app, { recursive: true })
    mkdirSync(join(folder, 'repository', '.git'))
    writeFileSync(
      join(folder, 'repository', '.gitignore'),
      'node_modules/\n/packages/app/dist/\n/packages/out/\n',
    )
    writeFileSync(join(folder, 'repository', 'packages', '.gitignore'), '*.tmp\n')
    const layers = IgnoreLayers.forRoot(app, [])
    assert.equal(layers.verdict('node_modules', true)?.ignored, true)
    assert.equal(layers.verdict('dist', true)?.ignored, true)
    assert.equal(layers.verdict('a.tmp', false)?.ignored, true)
    assert.equal(layers.verdict('a.txt', false), undefined)
    mkdirSync(join(folder, 'repository', 'packages', 'out'))
    const ignored = IgnoreLayers.forRoot(join(folder, 'repository', 'packages', 'out'), [])
    assert.equal(ignored.verdict('node_modules', true), undefined)
  })

  it('say which line decided and where it stands', () => {
    const layers = IgnoreLayers.forRoot(folder, []).withFiles('/a', { git: 'x\n*.log' })
    assert.deepEqual(layers.verdict('b.log', false), {
      ignored: true,
      reason: 'gitignore',
      detail: '“*.log” in a/.gitignore',
    })
  })

  it('disregard case where the file system does', () => {
    const layers = IgnoreLayers.forRoot(folder, ['Build', '/A/[X-Z]*'], true)
    assert.equal(layers.verdict('BUILD', false)?.ignored, true)
    assert.equal(layers.enter('a').verdict('yes', false)?.ignored, true)
  })

  it('match in a moment whatever a stranger’s ignore file says', () => {
    const before = process.cpuUsage() // whatever else the machine does
    const globstars = compileGlob(`${'**/a/'.repeat(20)}b`, false)
    assert.equal(globstars([...Array(250).fill('a'), 'c'], 0), false)
    const stars = compileGlob(`${'*a'.repeat(60)}b`, false)
    assert.equal(stars([`${'a'.repeat(250)}bc`], 0), false)
    assert.ok(process.cpuUsage(before).user < 500_000)
  })

  it('accept any text as an ignore file', () => {
    const units = fc.string({ unit: fc.constantFrom(...'ab*?[]!/\\#. -^:\r\n\t\uFEFF😀é'), maxLength: 40 })
    const property = fc.property(units, units, (text, name) => {
      for (const rule of parseIgnore(text, true)) rule.matches(['x', name.toLowerCase()], 0)
    })
    holds('any text is an ignore file', property)
  })

  it('obey the repository’s info/exclude and the user’s own ignore file, as git does', function () {
    this.timeout(60_000)
    if (spawnSync('git', ['--version']).status !== 0) this.skip()
    const cases = fc.sample(excludeCase, { numRuns: 60, seed: SEED })
    const home = join(folder, 'home')
    let ignored = 0
    for (const [index, { files, exclude, users, paths }] of cases.entries()) {
      const root = join(folder, 'excludes', `${index}`)
      const env = { ...process.env, HOME: home, GIT_CONFIG_NOSYSTEM: '1', XDG_CONFIG_HOME: join(root, 'x') }
      makeRepository(root)
      writeFiles(root, {
        '.git/info/exclude': exclude,
        'x/git/ignore': users,
        ...Object.fromEntries(Object.entries(files).map(([at, { git }]) => [join(at, '.gitignore'), git])),
      })
      const answers = askOne(root, env, paths)
      for (const [at, path] of paths.entries()) {
        const ours = leavesOut(files, path, { root, env })
        assert.equal(
          ours,
          answers[at],
          `seed ${SEED}: git differs on ${JSON.stringify({ files, exclude, users, path })}`,
        )
        if (ours) ignored++
      }
    }
    assert.ok(ignored > 20, `${ignored} are ignored`)
  })

  it('find the user’s ignore file where git’s configuration says', function () {
    this.timeout(60_000)
    if (spawnSync('git', ['--version']).status !== 0) this.skip()
    const home = join(folder, 'config-home')
    const root = join(home, 'work', 'project')
    const env = { ...process.env, HOME: home, GIT_CONFIG_NOSYSTEM: '1', XDG_CONFIG_HOME: '' }
    makeRepository(root)
    const repository = { top: root, gitDir: join(root, '.git'), commonDir: join(root, '.git') }
    const found = () => excludesFile(repository, new Inputs(), env)
    assert.equal(found(), join(home, '.config', 'git', 'ignore'), 'where nothing is said')
    const configs: readonly (readonly [string, string])[] = [
      ['.config/git/config', '[core]\n\texcludesFile = ~/first'],
      ['.gitconfig', '# comment\n[CORE] EXCLUDESFILE="~/with space" ; comment\n[other]\nexcludesFile = no'],
      ['included/more', '[core]\nexcludesFile = /from/include'],
      ['.gitconfig', '[include]\n\tpath = included/more\n[includeIf "onbranch:x"]\n\tpath = included/no'],
      ['.gitconfig', '[includeIf "gitdir:~/work/"]\n\tpath = ~/included/more\n[core]\nbare'],
      ['.gitconfig', '[includeIf "gitdir:~/play/"]\n\tpath = ~/included/more'],
      ['.gitconfig', '[includeIf "gitdir/i:WORK/project/.git"]\n\tpath = included/more'],
      ['.gitconfig', '[include]\n\tpath = absent\n[core]\nexcludesFile = ~/lo\\\nng\r\n'],
      ['.gitconfig', '[core]\nexcludesFile = "a # \\"b\\\\" # c'],
      ['work/project/.git/config', '[core]\n\texcludesFile = own\n[core "sub"]\nexcludesFile = no'],
      ['work/project/.git/config', '[core]\n\texcludesFile =\n'],
    ]
    for (const [path, text] of configs) {
      writeFiles(home, { [path]: text })
      const asked = spawnSync('git', ['config', '--type=path', '--get', 'core.excludesFile'], {
        cwd: root,
        env,
        encoding: 'utf8',
      })
      const theirs = asked.stdout.replace(/\n$/, '')
      assert.equal(found(), theirs === '' ? undefined : join(theirs[0] === '/' ? '' : root, theirs), text)
    }
  })

  it('accept any text as git’s configuration', () => {
    const units = fc.string({ unit: fc.constantFrom(...'[]core."=\\;#\n\r \tab'), maxLength: 60 })
    holds(
      'any text is a configuration',
      fc.property(units, text => void parseGitConfig(text)),
      2_000,
    )
  })

  it('find what belongs to a worktree, a submodule and a repository inside of the shared folder', async function () {
    this.timeout(60_000)
    const git = (cwd: string, ...args: string[]) => {
      const who = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false']
      const { status, stderr } = spawnSync('git', [...who, ...args], { cwd, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    }
    if (spawnSync('git', ['--version']).status !== 0) this.skip()
    const base = join(folder, 'several')
    const main = join(base, 'shared', 'main')
    mkdirSync(main, { recursive: true })
    git(main, 'init', '-q')
    git(main, 'commit', '-q', '--allow-empty', '-m', 'first')
    git(main, 'worktree', 'add', '-q', join(base, 'tree'))
    mkdirSync(join(main, '.git', 'info'), { recursive: true })
    writeFileSync(join(main, '.git', 'info', 'exclude'), 'private.txt\n')
    writeFiles(base, {
      'tree/private.txt': '',
      'tree/a.txt': '',
      'shared/main/private.txt': '',
      'shared/main/a.txt': '',
      'shared/private.txt': '',
    })
    const paths = async (root: string) => (await scanFolder(root)).files.map(({ path }) => path)
    assert.deepEqual(await paths(join(base, 'tree')), ['/a.txt'])
    assert.deepEqual(await paths(join(base, 'shared')), ['/main/a.txt', '/private.txt'])
    const { skipped } = await scanFolder(main)
    const left = skipped.find(({ path }) => path === '/private.txt')
    assert.equal(left?.reason, 'git-exclude')
    assert.match(left?.detail ?? '', /“private.txt” in .*exclude$/)
  })

  it('publish nothing while an ignore file outside of the shared folder cannot be read', async () => {
    const root = join(folder, 'unreadable', 'app')
    mkdirSync(root, { recursive: true })
    mkdirSync(join(root, '..', '.git'))
    writeFileSync(join(root, 'a.txt'), '')
    writeFileSync(join(root, '..', '.gitignore'), '#'.repeat(1024 * 1024 + 1))
    await assert.rejects(scanFolder(root), { code: 'source-unreadable' })
  })

  it('agree with git', function () {
    this.timeout(60_000)
    if (spawnSync('git', ['--version']).status !== 0) this.skip()
    const cases = fc.sample(gitCase, { numRuns: RUNS, seed: SEED })
    const answers = askGit(join(folder, 'git'), cases)
    for (const [index, { files, path }] of cases.entries()) {
      const isFolder = Object.keys(files).some(inner => inner === path || inner.startsWith(`${path}/`))
      const ours = leavesOut(files, path, { isFolder })
      assert.equal(ours, answers[index], `seed ${SEED}: git differs on ${JSON.stringify({ files, path })}`)
    }
    const ignored = answers.filter(Boolean).length
    assert.ok(ignored > RUNS / 20 && ignored < RUNS * 0.95, 'the cases are of both kinds')
    console.log(`      agrees with git: ${RUNS} cases, ${ignored} of them ignored, seed ${SEED}`)
  })
})

const name = fc.constantFrom(
  'a',
  'b',
  'ab',
  'aab',
  'abc',
  '.a',
  'a b',
  'a.b',
  'b-',
  '[',
  ']',
  '!a',
  '#b',
  'A',
  '^',
  'c0',
)
const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    'c',
    'ab',
    '.',
    '-',
    'A',
    '*',
    '?',
    '[ab]',
    '[!a]',
    '[^b]',
    '[a-c]',
    '[]a]',
    '[c-a]',
    '[[:alpha:]]',
  ],
  ...[
    '[[:digit:][:upper:]]',
    '[a',
    '\\a',
    '\\*',
    '\\[',
    '\\!',
    '#',
    '!',
    ' ',
    '\\ ',
    '[/a]',
    '[a-]',
    '[\\]]',
  ],
)
const segment = fc.oneof(
  { weight: 1, arbitrary: fc.constant('**') },
  { weight: 2, arbitrary: name },
  { weight: 4, arbitrary: fc.array(piece, { minLength: 1, maxLength: 4 }).map(pieces => pieces.join('')) },
)
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '', '!'),
    fc.constantFrom('', '', '/'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '', '', '/', ' ', '\r', '/**'),
  )
  .map(([sign, anchor, segments, end]) => sign + anchor + segments.join('/') + end)
  // Beside other characters, git treats two stars in a way its manual does not describe.
  .filter(text => !/[^/!]\*\*|\*\*[^/ \r]/.test(text))
const text = fc.array(pattern, { minLength: 1, maxLength: 4 }).map(lines => lines.join('\n'))
const gitCase = fc
  .tuple(text, fc.option(text), fc.array(name, { minLength: 1, maxLength: 4 }))
  .map(([top, nested, components]) => {
    const files: Record<string, { git: string }> = { '': { git: top } }
    const [first] = components
    if (nested !== null && first !== undefined && components.length > 1) files[first] = { git: nested }
    return { files, path: components.join('/') }
  })

const excludeCase = fc
  .tuple(
    gitCase,
    text,
    text,
    fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { minLength: 6, maxLength: 6 }),
  )
  .map(([{ files, path }, exclude, users, more]) => ({
    files,
    exclude,
    users,
    paths: [path, ...more.map(components => components.join('/'))].filter(
      (asked, index, all) =>
        all.indexOf(asked) === index &&
        !all.some(other => other.startsWith(`${asked}/`)) &&
        !(asked in files),
    ),
  }))

/** As `git init` does, without its examples. */
function makeRepository(root: string): void {
  for (const inner of ['objects', 'refs', 'info']) mkdirSync(join(root, '.git', inner), { recursive: true })
  writeFiles(root, { '.git/HEAD': 'ref: refs/heads/main\n' })
}

function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

/** Asks git about paths of one repository. */
function askOne(root: string, env: NodeJS.ProcessEnv, paths: readonly string[]): boolean[] {
  const options = ['-c', 'core.ignorecase=false', 'check-ignore', '-z', '-v', '-n', '--no-index', '--stdin']
  const input = paths.map(path => `${path}\0`).join('')
  const asked = spawnSync('git', options, { cwd: root, env, input, encoding: 'utf8' })
  assert.equal(asked.stderr, '')
  const fields = asked.stdout.split('\0')
  return paths.map((_, index) => {
    const [source, , decided] = fields.slice(index * 4, index * 4 + 4)
    return source !== '' && decided?.startsWith('!') === false
  })
}

/** Asks git about all cases at once, each in a folder of its own. */
function askGit(repository: string, cases: readonly { files: Files; path: string }[]): boolean[] {
  mkdirSync(repository)
  const env = { ...process.env, HOME: repository, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
  spawnSync('git', ['init', '-q'], { cwd: repository, env })
  for (const [index, { files }] of cases.entries()) {
    for (const [inner, { git }] of Object.entries(files)) {
      const file = join(repository, `case${index}`, inner, '.gitignore')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, git ?? '')
    }
  }
  const input = cases.map(({ path }, index) => `case${index}/${path}\0`).join('')
  const options = ['-c', 'core.ignorecase=false', 'check-ignore', '-z', '-v', '-n', '--no-index', '--stdin']
  const asked = spawnSync('git', options, {
    cwd: repository,
    env,
    input,
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  })
  const fields = asked.stdout.split('\0')
  return cases.map((_, index) => {
    const [source, , decided] = fields.slice(index * 4, index * 4 + 4)
    return source !== '' && decided?.startsWith('!') === false
  })
}
