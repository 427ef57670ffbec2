/** Makes a fresh clone able to build: the packages that package-lock.json pins, and dist/. Needs Node and npm only. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Installs when something pinned is missing or of another version; otherwise takes milliseconds. */
export async function installPackages() {
  if (packagesAreCurrent()) return
  console.log('set-up: installing packages (npm ci)')
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  if (code !== 0) throw new Error(`npm ci failed with exit code ${code}`)
}

/** Builds dist/, and with `--package` the VSIX. */
export async function build(...options) {
  const code = await run(process.execPath, ['esbuild.js', ...options])
  if (code !== 0) throw new Error(`the build failed with exit code ${code}`)
}

/** Runs a program in the project's folder, sharing this terminal. → exit code, 128 + n after signal n */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && command === 'npm' // a script there, which only a shell can start
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      shell,
      env: { ...process.env, ...env },
    })
    // Ctrl-C reaches the child by itself; it cleans up, and we end when it has.
    const stay = () => {}
    const pass = signal => child.kill(signal)
    process.on('SIGINT', stay).on('SIGTERM', pass)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('SIGINT', stay).off('SIGTERM', pass)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}

/** npm keeps a lock file of what it installed beside the packages. It lacks the packages of other platforms. */
function packagesAreCurrent() {
  const wanted = readLock(join(root, 'package-lock.json'))
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) throw new Error('package-lock.json is missing')
  if (installed === undefined) return false
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
