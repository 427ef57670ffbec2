/** Gets the tools to compare with. Programs come from Debian; the one package that stock hyperdrive lacks from npm. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../support/tools'

const DEBIAN = [
  'rsync',
  'openssh-client',
  'openssh-server',
  'wormhole-william',
  'magic-wormhole',
  'python3-magic-wormhole-mailbox-server',
  'syncthing',
]
const LOCALDRIVE = '2.2.1'

/** Throws when something could not be installed. */
export function installReferences(): void {
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n', '-E']
  run([...root, 'apt-get', 'update', '-q'])
  run([...root, 'apt-get', 'install', '-y', '-q', '--no-install-recommends', ...DEBIAN])
  const folder = localdriveCache()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
  run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', `localdrive@${LOCALDRIVE}`], folder)
}

/** The folder that has localdrive in its node_modules; undefined while it is not installed. */
export function localdriveFolder(): string | undefined {
  const folder = localdriveCache()
  return existsSync(join(folder, 'node_modules', 'localdrive', 'package.json')) ? folder : undefined
}

function localdriveCache(): string {
  return join(cacheFolder(), `localdrive-${LOCALDRIVE}`)
}

function run([command = '', ...args]: readonly string[], cwd?: string): void {
  console.log([command, ...args].join(' '))
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, error } = spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'], cwd })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ''} failed`)
}
