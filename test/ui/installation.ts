/**
 * An installation of VS Code, as each person of the ui lane has one: the packaged extension, a home and a data folder
 * of its own, and windows in browser profiles of their own. All that was started ends with `end()`, whatever happened
 * before.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { readEndpoint } from '../../src/wire/endpoint'
import { temporaryFolder } from '../support/folders'
import { Workbench } from '../support/pages'
import { peerfold } from '../support/processes'
import { projectRoot } from '../support/projectRoot'
import { installExtension, startVSCodeServer, type VSCodeServer } from '../support/vscodeServer'

/** Where the extension is installed already: unpacking it for each person would be a tenth of what a window costs. */
const sharedExtensions = process.env.PEERFOLD_EXTENSIONS

export interface InstallationOptions {
  readonly browser: Browser
  /** `host:port` of the private DHT. */
  readonly bootstrap: string
  /** Added to the settings. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Folders open in Restricted Mode until they are trusted. */
  readonly trust?: boolean
}

export class Installation {
  /** The data folder of Peerfold. */
  readonly storage: string
  /** The windows that are open, in the order they were opened. */
  readonly windows: Workbench[] = []
  private server: VSCodeServer | undefined

  /** The home folder. */
  readonly home: string

  constructor(
    readonly name: string,
    private readonly options: InstallationOptions,
  ) {
    this.home = join(temporaryFolder('ui'), name.toLowerCase())
    this.storage = join(this.home, '.local', 'share', 'peerfold')
  }

  /** Installs the extension; resolves when VS Code answers. No window is open yet. */
  async start(): Promise<void> {
    await mkdir(this.home)
    if (sharedExtensions === undefined) await installExtension(packagedExtension(), this.dataDir)
    await this.startVSCode()
  }

  /** Starts VS Code again after `stopVSCode`. */
  async startVSCode(): Promise<void> {
    const { bootstrap, settings, trust = false } = this.options
    this.server = await startVSCodeServer({
      dataDir: this.dataDir,
      settings: {
        'peerfold.displayName': this.name,
        'peerfold.bootstrap': [bootstrap],
        'peerfold.storageFolder': this.storage,
        ...settings,
      },
      env: { HOME: this.home },
      trust,
      ...(sharedExtensions === undefined ? {} : { extensionsDir: sharedExtensions }),
    })
  }

  /** Closes all windows and ends VS Code, as when the machine is shut down, but leaves the peer process alone. */
  async stopVSCode(): Promise<void> {
    await Promise.all(this.windows.splice(0).map(window => window.close()))
    await this.server?.stop()
    this.server = undefined
  }

  /** Opens a folder in a window. With `beside`, in the browser profile of that window: a second one of this user. */
  async openWindow(folder: string, beside?: Workbench): Promise<Workbench> {
    if (this.server === undefined) throw new Error(`the VS Code of ${this.name} does not run`)
    const url = this.server.folderUrl(folder)
    const window =
      beside === undefined
        ? await Workbench.open(this.options.browser, url)
        : await Workbench.attach(await beside.page.context().newPage(), url)
    this.windows.push(window)
    return window
  }

  /** Closes one window, as a person closes a tab. */
  async closeWindow(window: Workbench): Promise<void> {
    this.windows.splice(this.windows.indexOf(window), 1)
    await window.page.close()
  }

  /** Ends everything: windows, VS Code, the peer process. */
  async end(): Promise<void> {
    await this.stopVSCode()
    await peerfold(['stop'], { storage: this.storage })
  }

  /** The id of the peer process that runs on the data folder; undefined while none does. */
  async peerProcess(): Promise<number | undefined> {
    return (await readEndpoint(this.storage))?.pid
  }

  /** The ids of the extension hosts that run, one for each window (Linux). */
  extensionHosts(): number[] {
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

  private get dataDir(): string {
    return join(this.home, '.vscode')
  }
}

function packagedExtension(): string {
  return (
    process.env.PEERFOLD_VSIX ?? join(projectRoot, 'out', `peerfold-${process.platform}-${process.arch}.vsix`)
  )
}
