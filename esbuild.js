/**
 * Builds everything that runs: `node esbuild.js [--watch | --production | --package] [--no-tests] [--target <platform>-<arch>]`
 *
 * One call of `build()` per program. Pure JavaScript is bundled; packages with native code cannot be (they find
 * their addon by the path of the file that asks), so they stay external and are copied, with what they need at
 * run time and the addons of one platform only, to dist/node_modules: dist/ works alone, and is what a VSIX carries.
 *
 * --package builds for production, without source maps in the result, and makes out/peerfold-<target>.vsix.
 */

const { createHash } = require('node:crypto')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const esbuild = require('esbuild')
const manifest = require('./package.json')

const root = __dirname
const dist = path.join(root, 'dist')
const { watch, production, makePackage, tests, target } = readArguments(process.argv.slice(2))

/** The programs, in no order. An entry that has not been written yet is skipped with a note. */
function programs(nativePackages) {
  const node = { platform: 'node', format: 'cjs', target: 'node20', external: [...nativePackages.keys()] }
  return [
    {
      in: 'src/extension.ts',
      out: 'extension.js',
      ...node,
      external: ['vscode', ...node.external],
      plugins: [vscodeAsItIs],
    },
    { in: 'src/peer/main.ts', out: 'peer.js', ...node },
    // The private DHT is loaded by the CLI only when asked for, so that no other command pays for it.
    {
      in: 'src/cli/main.ts',
      out: 'cli.js',
      ...node,
      external: ['./dht.js', ...node.external],
      executable: true,
    },
    { in: 'src/peer/network/privateDht.ts', out: 'dht.js', ...node },
    {
      in: 'src/dashboard/main.ts',
      out: 'dashboard.js',
      platform: 'browser',
      format: 'iife',
      target: 'chrome120',
    },
  ]
}

/**
 * esbuild would copy the whole API of VS Code, property by property, into a namespace for each file that imports it:
 * half of the time that the program takes to start. `require` gives the object itself.
 */
const vscodeAsItIs = {
  name: 'vscode as it is',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path: file }) => {
      const source = await fs.promises.readFile(file, 'utf8')
      const contents = source.replace(
        /^import \* as vscode from 'vscode'$/m,
        "import vscode = require('vscode')",
      )
      return { contents, loader: 'ts' }
    }),
}

/**
 * Everything below test/ that is run rather than imported: suites, programs that suites start (`*.process.ts`),
 * benchmarks, the runner of the vscode lane, and test/support. Packages are not bundled here: tests run in the tree.
 */
function testPrograms() {
  const isEntry = file =>
    /\.(test|process|bench)\.ts$/.test(file) || file === 'vscode/index.ts' || file.startsWith('support/')
  return filesBelow(path.join(root, 'test'))
    .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts') && isEntry(file))
    .map(file => path.join('test', file))
}

async function main() {
  const started = Date.now()
  const nativePackages = findNativePackages()
  const builds = programs(nativePackages).map(program => build(program))
  if (tests) {
    removeStaleTests()
    builds.push(
      build({
        in: testPrograms(),
        outdir: path.join(dist, 'test'),
        outbase: path.join(root, 'test'),
        platform: 'node',
        format: 'cjs',
        target: 'node20',
        packages: 'external',
        external: ['vscode'],
      }),
    )
  }
  copyNativePackages(nativePackages)
  await Promise.all(builds)
  console.log(`built dist/ for ${target} in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  if (makePackage) packVsix()
}

/** A suite whose source is gone must not run on. */
function removeStaleTests() {
  const wanted = testPrograms().map(source => source.replace(/\.ts$/, '.js'))
  for (const file of filesBelow(path.join(dist, 'test'))) {
    if (file.endsWith('.js') && !wanted.includes(path.join('test', file)))
      fs.rmSync(path.join(dist, 'test', file))
  }
}

/** Builds one program, or keeps building it whenever its sources change. */
async function build({ in: source, out, executable, ...options }) {
  const entryPoints = [source].flat().filter(entry => fs.existsSync(path.join(root, entry)))
  if (entryPoints.length === 0) {
    if (out !== undefined) console.log(`skipped dist/${out}: ${source} is not there`)
    return
  }
  const settings = {
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    minify: production,
    // Read at every start of a process. A stack still names functions, and lines of a length that can be looked at.
    ...(production ? {} : { minifyWhitespace: true, lineLimit: 160 }),
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    define: { PEERFOLD_VERSION: JSON.stringify(manifest.version) },
    ...(out === undefined ? {} : { outfile: path.join(dist, out) }),
    ...(executable ? { banner: { js: '#!/usr/bin/env node' } } : {}),
    ...options,
  }
  if (watch) return (await esbuild.context(settings)).watch()
  await esbuild.build(settings)
  if (executable) fs.chmodSync(path.join(dist, out), 0o755)
}

/**
 * Packages with native code among all that our dependencies lead to, by name: those that ship a `.node` file, and
 * those that load one of their own platform packages (`<name>-<platform>-…`) by a name computed at run time.
 * Derived from what is installed, so that a new one is never forgotten. → Map of name to folder
 */
function findNativePackages() {
  const reachable = [...dependencyClosure(Object.keys(manifest.dependencies))]
  return new Map(
    reachable
      .filter(([folder, packageJson]) => shipsAddon(folder) || platformPackages(packageJson).length > 0)
      .map(([folder, { name }]) => [name, folder]),
  )
}

/** The platform packages, installed or not, that a package chooses its addon from. */
function platformPackages({ name, optionalDependencies }) {
  return Object.keys(optionalDependencies ?? {}).filter(dependency => dependency.startsWith(`${name}-`))
}

function shipsAddon(folder) {
  const prebuilds = path.join(folder, 'prebuilds')
  const hosts = fs.existsSync(prebuilds)
    ? fs.readdirSync(prebuilds).map(host => path.join(prebuilds, host))
    : []
  return [folder, ...hosts].some(place => fs.readdirSync(place).some(file => file.endsWith('.node')))
}

/** All installed packages that the named ones need, themselves included. → Map of folder to package.json */
function dependencyClosure(names) {
  const found = new Map()
  const pending = names.map(name => ({ name, from: root }))
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const folder = findPackage(next.name, next.from)
    if (folder === undefined || found.has(folder)) continue
    const packageJson = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
    found.set(folder, packageJson)
    const needed = Object.keys({ ...packageJson.dependencies, ...packageJson.optionalDependencies })
    pending.push(...needed.map(name => ({ name, from: folder })))
  }
  return found
}

/** Where Node would find a package from a folder; undefined where it is not installed (other platforms' ones). */
function findPackage(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name)
    if (fs.existsSync(path.join(candidate, 'package.json'))) return candidate
    if (folder === path.dirname(folder)) return undefined
  }
}

/** Copies the native packages and what they need to dist/node_modules, unless this very set is there already. */
function copyNativePackages(nativePackages) {
  const closure = forTarget([...dependencyClosure([...nativePackages.keys()])])
  const set = closure.map(([folder, { version }]) => `${path.relative(root, folder)}@${version}`).sort()
  const wanted = createHash('sha256')
    .update([target, ...set, fs.readFileSync(__filename)].join('\n'))
    .digest('hex')
  const vendored = path.join(dist, 'node_modules')
  const stamp = path.join(dist, '.vendored')
  if (fs.existsSync(vendored) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return

  requireAddons(closure)
  const staging = path.join(dist, `.node_modules-${process.pid}`)
  for (const [folder] of closure) {
    fs.cpSync(folder, path.join(staging, path.relative(path.join(root, 'node_modules'), folder)), {
      recursive: true,
      filter: file => isNeededAtRunTime(path.relative(folder, file)),
    })
  }
  fs.rmSync(stamp, { force: true })
  fs.rmSync(vendored, { recursive: true, force: true })
  fs.renameSync(staging, vendored)
  fs.writeFileSync(stamp, wanted)
}

/** Without the platform packages of other targets, which may be installed as well. */
function forTarget(closure) {
  const others = closure
    .flatMap(([, packageJson]) => platformPackages(packageJson))
    .filter(name => !name.includes(`-${target}`))
  return closure.filter(([, { name }]) => !others.includes(name))
}

function isNeededAtRunTime(file) {
  const [first, host] = file.split(path.sep)
  if (first === 'node_modules') return false // what is needed of these is in the closure by itself
  if (first === 'prebuilds' && host !== undefined && host !== target) return false
  return path.extname(file) === '' || /\.(js|cjs|mjs|json|node)$/.test(file) || /licen[cs]e/i.test(file)
}

/** A VSIX without its addons would install and then fail: say what is missing instead. */
function requireAddons(closure) {
  const names = closure.map(([, { name }]) => name)
  for (const [folder, packageJson] of closure) {
    const prebuilds = path.join(folder, 'prebuilds')
    const choices = platformPackages(packageJson)
    const found =
      choices.length > 0
        ? choices.some(choice => choice.includes(`-${target}`) && names.includes(choice))
        : !fs.existsSync(prebuilds) || fs.existsSync(path.join(prebuilds, target))
    if (found) continue
    throw new Error(`${packageJson.name} has no addon for ${target}. ${hint(packageJson, choices)}`)
  }
}

/** How to add a platform package. npm itself installs those of this machine only. */
function hint({ optionalDependencies }, choices) {
  const missing = choices.filter(name => name.includes(`-${target}`) && !name.endsWith('-musl'))
  if (missing.length === 0) return ''
  const specs = missing.map(name => `${name}@${optionalDependencies[name]}`)
  return `Try: npm install --no-save --force ${specs.join(' ')}`
}

/** Makes the VSIX; what goes in is the allow-list of .vscodeignore. */
function packVsix() {
  const started = Date.now()
  const vsix = path.join(root, 'out', `peerfold-${target}.vsix`)
  fs.mkdirSync(path.dirname(vsix), { recursive: true })
  const vsce = require.resolve('@vscode/vsce/vsce')
  const flags = [
    '--target',
    target,
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
  ]
  const packed = spawnSync(process.execPath, [vsce, 'package', ...flags, '-o', vsix], {
    cwd: root,
    encoding: 'utf8',
  })
  if (packed.status !== 0) {
    console.error(packed.stdout + packed.stderr)
    process.exitCode = 1
    return
  }
  const megabytes = (fs.statSync(vsix).size / 1e6).toFixed(1)
  console.log(
    `made ${path.relative(root, vsix)}, ${megabytes} MB, in ${((Date.now() - started) / 1000).toFixed(1)} s`,
  )
}

function filesBelow(folder) {
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
}

function readArguments(given) {
  const at = given.indexOf('--target')
  const makePackage = given.includes('--package')
  return {
    watch: given.includes('--watch'),
    production: makePackage || given.includes('--production'),
    makePackage,
    tests: !given.includes('--no-tests'),
    target: at === -1 ? `${process.platform}-${process.arch}` : given[at + 1],
  }
}

main().catch(error => {
  // esbuild has printed its own errors with their place in the source.
  if (!Array.isArray(error.errors)) console.error(error)
  process.exitCode = 1
})
