/**
 * `npm run package:all`: one VSIX for each platform, made on this machine. Each takes the addons of its own platform out
 * of the installed packages. npm installs some of them for this machine only; the others are added first, as pinned.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64']

try {
  await installPackages()
  const specs = platformPackages()
  const code = await run('npm', ['install', '--no-save', '--force', '--no-audit', '--no-fund', ...specs])
  if (code !== 0) throw new Error(`npm install failed with exit code ${code}`)
  for (const target of TARGETS) await build('--package', '--no-tests', '--target', target)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

/** `name@version` of the packages that package-lock.json pins for one of the targets. */
function platformPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const name = /^node_modules\/(@parcel\/watcher-(.+?)(?:-glibc)?)$/
  return Object.entries(packages).flatMap(([path, { version }]) => {
    const target = name.exec(path)?.[2]
    return TARGETS.includes(target) ? [`${path.slice('node_modules/'.length)}@${version}`] : []
  })
}
