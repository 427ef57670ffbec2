/**
 * The tools that tests need beside the project's packages: a VS Code server, the Node it wants, Chromium, and tools with
 * which tests of faults move clocks and pull cables. Those from npm live in a user-level cache outside the clone, at
 * pinned versions. Each is installed whole or not at all, into a folder of its own that is renamed when it is complete.
 * The others come from Debian, where they are missing. Nothing is compiled.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const nodeVersion = '24.21.0'
const codeServerVersion = '4.139.1'
const minutes = 60_000

export interface VSCodeTools {
  /** The Node that VS Code server wants; the machine's own may be older. */
  readonly node: string
  /** VS Code's own server program, to be run by `node`. */
  readonly server: string
}

/** Installs VS Code server where it is missing, saying so. → absolute paths. Takes half a minute the first time. */
export async function prepareVSCode(): Promise<VSCodeTools> {
  const nodePackage = `node-${process.platform}-${process.arch}`
  const nodeFolder = await installOnce(`${nodePackage}-${nodeVersion}`, folder =>
    npmInstall(folder, `${nodePackage}@${nodeVersion}`),
  )
  const serverFolder = await installOnce(`code-server-${codeServerVersion}`, async folder => {
    await npmInstall(folder, `code-server@${codeServerVersion}`)
    await npm(['install', '--omit=dev', '--ignore-scripts'], join(folder, vscodeInCodeServer))
  })
  return {
    node: join(nodeFolder, 'node_modules', nodePackage, 'bin', 'node'),
    server: join(serverFolder, vscodeInCodeServer, 'out', 'server-main.js'),
  }
}

const vscodeInCodeServer = join('node_modules', 'code-server', 'lib', 'vscode')

/** `$XDG_CACHE_HOME/peerfold-tests`, or below ~/.cache. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'peerfold-tests')
}

/** Installations under way or done, by name. */
const installations = new Map<string, Promise<string>>()

/** Runs `install` on a new folder unless the cache has one of that name. Two runs at a time do not disturb each other. */
function installOnce(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const installation = installations.get(name) ?? installWhole(name, install)
  installations.set(name, installation)
  return installation
}

async function installWhole(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name)
  if (existsSync(folder)) return folder
  console.log(`tools: installing ${name} (once, into ${cacheFolder()})`)
  await mkdir(cacheFolder(), { recursive: true })
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    await install(unfinished)
    await rename(unfinished, folder).catch(error => {
      if (!existsSync(folder)) throw error // otherwise another run has just finished the same
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

async function npmInstall(folder: string, spec: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
  await npm(['install', '--ignore-scripts', spec], folder)
}

async function npm(args: string[], cwd: string): Promise<void> {
  await runOrExplain('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    env: envForNpm(),
  })
}

/** npm hands its own surroundings down (project root, script name); an npm for another folder must not see them. */
function envForNpm(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_(local_)?prefix|config_global_prefix)/.test(name),
  )
  return Object.fromEntries(inherited)
}

/**
 * Installs Debian's Chromium where there is none. → its path. If no window is to be shown, the headless shell is taken
 * where it can be had: the same browser without the parts around the page, which take a quarter of its processor time.
 */
export async function prepareChromium({ headless = true } = {}): Promise<string> {
  const installed = findChromium(headless)
  if (installed !== undefined) return installed
  let reason: string | undefined
  for (const name of headless ? ['chromium-headless-shell', 'chromium'] : ['chromium']) {
    // Without a font every screenshot would show boxes.
    reason = await debianPackages(name, 'fonts-dejavu-core')
    const chromium = findChromium(headless)
    if (chromium !== undefined) return chromium
  }
  throw new Error(reason ?? 'the package chromium holds no /usr/bin/chromium')
}

/** libfaketime: its path, or why it is not to be had. */
export async function prepareFaketime(): Promise<string | { readonly reason: string }> {
  const found = findFaketime()
  if (found !== undefined) return found
  if (process.platform !== 'linux') return { reason: 'libfaketime is used on Linux only' }
  const reason = await debianPackages('faketime')
  return findFaketime() ?? { reason: reason ?? 'the package faketime holds no libfaketimeMT.so.1' }
}

/** The command `ip`: true, or why it is not to be had. */
export async function prepareIp(): Promise<true | { readonly reason: string }> {
  const isThere = () => ['/usr/sbin/ip', '/sbin/ip', '/bin/ip'].some(existsSync)
  if (isThere()) return true
  if (process.platform !== 'linux') return { reason: 'only Linux has network namespaces' }
  const reason = await debianPackages('iproute2')
  return isThere() || { reason: reason ?? 'the package iproute2 holds no ip' }
}

/** The command `mkfs.xfs`: true, or why it is not to be had. */
export async function prepareXfs(): Promise<true | { readonly reason: string }> {
  const isThere = () => ['/usr/sbin/mkfs.xfs', '/sbin/mkfs.xfs'].some(existsSync)
  if (isThere()) return true
  if (process.platform !== 'linux') return { reason: 'only Linux has XFS' }
  const reason = await debianPackages('xfsprogs')
  return isThere() || { reason: reason ?? 'the package xfsprogs holds no mkfs.xfs' }
}

function findFaketime(): string | undefined {
  return ['x86_64', 'aarch64', 'arm']
    .flatMap(machine => ['gnu', 'gnueabihf'].map(abi => `/usr/lib/${machine}-linux-${abi}`))
    .map(folder => join(folder, 'faketime', 'libfaketimeMT.so.1'))
    .find(existsSync)
}

/** Packages asked for, and why they could not be installed. apt-get works for one at a time. */
const askedOfDebian = new Map<string, Promise<string | undefined>>()
let lastOfDebian: Promise<unknown> = Promise.resolve()

/** Installs packages. → undefined, or why it failed: some tests can be left out. */
function debianPackages(...names: readonly string[]): Promise<string | undefined> {
  const what = names.join(' and ')
  const asked = askedOfDebian.get(what)
  if (asked !== undefined) return asked
  const installed = lastOfDebian.then(() => installDebianPackages(names))
  askedOfDebian.set(what, installed)
  lastOfDebian = installed
  return installed
}

async function installDebianPackages(names: readonly string[]): Promise<string | undefined> {
  console.log(`tools: installing ${names.join(' and ')} with apt-get (once)`)
  try {
    await aptGet(['update', '-q'])
    await aptGet(['install', '-y', '-q', '--no-install-recommends', ...names])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function aptGet(args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  if (process.getuid?.() === 0) await runOrExplain('apt-get', args, { env })
  else await runOrExplain('sudo', ['-n', '-E', 'apt-get', ...args], { env })
}

function findChromium(headless: boolean): string | undefined {
  const shell = headless ? ['/usr/lib/chromium/chromium-headless-shell'] : []
  return [process.env.PEERFOLD_CHROMIUM ?? '', ...shell, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
    place => place !== '' && existsSync(place),
  )
}

async function runOrExplain(
  command: string,
  args: string[],
  options: { cwd?: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  try {
    await run(command, args, { ...options, timeout: 8 * minutes, maxBuffer: 64 << 20 })
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error ? String(error.stderr).slice(-2000) : String(error)
    throw new Error(`tools: "${command} ${args.join(' ')}" failed.\n${output}`)
  }
}
