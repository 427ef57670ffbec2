/**
 * One window of a real VS Code with what is built of Peerfold in it, and a probe in its extension host
 * (loopProbe.process.ts). Built, not packaged: a packaged program has lost the names of its functions.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { eventually } from '../support/eventually'
import { Workbench } from '../support/pages'
import { built, projectRoot } from '../support/projectRoot'
import { startVSCodeServer, type VSCodeServer } from '../support/vscodeServer'
import type { LoopRecording } from './loopRecording'

/** Milliseconds to write what was recorded: minutes of it are tens of megabytes. */
const WRITE_LIMIT = 60_000
/** What VS Code needs of an extension. */
const PARTS = ['dist', 'media', 'l10n', 'package.json', 'package.nls.json']

export interface WatchedOptions {
  readonly browser: Browser
  /** An empty folder: the person's home. */
  readonly home: string
  /** Folders of the workspace. Several, or VS Code would restart all extensions when a share is added. */
  readonly folders: readonly string[]
  readonly settings: Readonly<Record<string, unknown>>
}

export class WatchedWindow {
  private constructor(
    readonly workbench: Workbench,
    private readonly server: VSCodeServer,
    private readonly home: string,
  ) {}

  static async open({ browser, home, folders, settings }: WatchedOptions): Promise<WatchedWindow> {
    const extensionsDir = join(home, 'extensions')
    linkExtension(extensionsDir)
    mkdirSync(probeFolder(home))
    const server = await startVSCodeServer({
      dataDir: join(home, '.vscode'),
      extensionsDir,
      settings,
      env: { HOME: home, PEERFOLD_LOOP_PROBE: probeFolder(home) },
      nodeOptions: ['--require', built('test/bench/loopProbe.process.js')],
    })
    const workspace = join(home, 'bench.code-workspace')
    writeFileSync(workspace, JSON.stringify({ folders: folders.map(path => ({ path })) }))
    const workbench = await Workbench.open(
      browser,
      `${server.url}?workspace=${encodeURIComponent(workspace)}`,
    )
    return new WatchedWindow(workbench, server, home)
  }

  /** What was recorded since the window was opened; recording ends with it. */
  async recording(): Promise<LoopRecording> {
    const [host, ...others] = this.extensionHosts()
    if (host === undefined || others.length > 0)
      throw new Error(`there is not one extension host but ${others.length + (host === undefined ? 0 : 1)}`)
    process.kill(host, 'SIGUSR2')
    const name = `${host}.json`
    await eventually(
      'the extension host has written what it recorded',
      () => readdirSync(probeFolder(this.home)).includes(name),
      WRITE_LIMIT,
    )
    return JSON.parse(readFileSync(join(probeFolder(this.home), name), 'utf8'))
  }

  /** May be called again. */
  async close(): Promise<void> {
    await this.workbench.close()
    await this.server.stop()
  }

  private extensionHosts(): number[] {
    return readdirSync('/proc').flatMap(name => {
      const of = (what: string) => readFileSync(`/proc/${name}/${what}`, 'utf8').split('\0')
      try {
        const isHost = /^\d+$/.test(name) && of('cmdline').includes('--type=extensionHost')
        return isHost && of('environ').includes(`HOME=${this.home}`) ? [Number(name)] : []
      } catch {
        return [] // it ended meanwhile
      }
    })
  }
}

function probeFolder(home: string): string {
  return join(home, 'probe')
}

/** Installed is what stands in this folder under a name and a version, and in its list. */
function linkExtension(extensionsDir: string): void {
  const { publisher, name, version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  const folder = `${publisher}.${name}-${version}`
  mkdirSync(join(extensionsDir, folder), { recursive: true })
  for (const part of PARTS) symlinkSync(join(projectRoot, part), join(extensionsDir, folder, part))
  const location = { $mid: 1, path: join(extensionsDir, folder), scheme: 'file' }
  const installed = [
    { identifier: { id: `${publisher}.${name}` }, version, location, relativeLocation: folder },
  ]
  writeFileSync(join(extensionsDir, 'extensions.json'), JSON.stringify(installed))
}
