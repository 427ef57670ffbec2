/**
 * A real VS Code without desktop VS Code: its server, the same code and the same extension host in Node, shown in a
 * browser. One server with one data folder is one installation of one person.
 */
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startProcess } from './ownedProcess'
import { prepareVSCode } from './tools'

export { launchBrowser } from './browser'

export interface VSCodeServerOptions {
  /** Everything this installation writes: settings, extensions, logs. */
  readonly dataDir: string
  /** Added to the quiet defaults, as user and as machine settings. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Added to the environment of the server and of the extension host. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Lets a page name extensions under development and tests to run; suppresses toasts and modal dialogs. */
  readonly smokeDriver?: boolean
  /** Workspace trust is off unless this is true; then new folders open in Restricted Mode. */
  readonly trust?: boolean
  /** Default: `<dataDir>/extensions`. */
  readonly extensionsDir?: string
  /** Options of Node for the server and for the extension hosts. */
  readonly nodeOptions?: readonly string[]
}

export interface VSCodeServer {
  /** `http://127.0.0.1:<port>/`; add `?folder=/absolute/path` to open a folder. */
  readonly url: string
  readonly port: number
  /** Where a browser opens this folder. */
  folderUrl(folder: string): string
  /** Ends the server with its extension hosts. May be called twice. */
  stop(): Promise<void>
}

/** A workbench that asks nothing and shows nothing but what a test is about. */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  // Off, since it lists the open files of every process of the machine, every two seconds.
  'remote.autoForwardPorts': false,
}

/** Built-in extensions that have nothing to do with shares: they are a sixth of the cost of opening a window. */
const leftOut =
  /^(copilot|emmet|git(hub.*)?|grunt|gulp|jake|npm|mermaid-.*|microsoft-.*|ms-vscode\..*|debug-.*|php-language-.*|simple-browser|terminal-suggest|tunnel-.*|typescript-language-.*)$/

/** Starts a server that answers when this resolves. */
export async function startVSCodeServer(options: VSCodeServerOptions): Promise<VSCodeServer> {
  const tools = await prepareVSCode()
  const { dataDir, trust = false } = options
  const settings = JSON.stringify({
    ...quietSettings,
    ...options.settings,
  })
  for (const scope of ['User', 'Machine']) {
    await mkdir(join(dataDir, 'data', scope), { recursive: true })
    await writeFile(join(dataDir, 'data', scope, 'settings.json'), settings)
  }
  const builtin = join(dataDir, 'builtin')
  await linkBuiltinExtensions(tools.server, builtin)
  const server = startProcess(
    tools.node,
    [
      ...(options.nodeOptions ?? []),
      tools.server,
      ...[
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--without-connection-token',
        '--accept-server-license-terms',
      ],
      ...[
        '--server-data-dir',
        dataDir,
        '--extensions-dir',
        options.extensionsDir ?? join(dataDir, 'extensions'),
        '--builtin-extensions-dir',
        builtin,
      ],
      '--force-disable-user-env', // the tests must not depend on what a login shell sets
      ...(trust ? [] : ['--disable-workspace-trust']),
      ...(options.smokeDriver ? ['--enable-smoke-test-driver'] : []),
    ],
    { env: { ...withoutVSCode(), EXTENSIONS_GALLERY: '{}', ...options.env } },
  )
  const listening = /Extension host agent listening on (\d+)/
  const line = await server.line(text => listening.test(text))
  const port = Number(listening.exec(line)?.[1])
  const url = `http://127.0.0.1:${port}/`
  return {
    url,
    port,
    folderUrl: folder => `${url}?folder=${encodeURIComponent(folder)}`,
    stop: async () => {
      await server.stop()
    },
  }
}

/** Makes a folder of links to the built-in extensions. One that is there already stays. */
async function linkBuiltinExtensions(server: string, folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true })) === undefined) return
  const source = join(dirname(server), '..', 'extensions')
  const names = (await readdir(source)).filter(name => !leftOut.test(name))
  await Promise.all(names.map(name => symlink(join(source, name), join(folder, name))))
}

/** Installs a packaged extension for the installation in `dataDir`. Throws with what VS Code printed. */
export async function installExtension(vsix: string, dataDir: string, extensionsDir?: string): Promise<void> {
  const tools = await prepareVSCode()
  const folders = [
    '--server-data-dir',
    dataDir,
    '--extensions-dir',
    extensionsDir ?? join(dataDir, 'extensions'),
  ]
  const install = startProcess(
    tools.node,
    [tools.server, ...folders, '--accept-server-license-terms', '--install-extension', vsix, '--force'],
    { env: withoutVSCode() },
  )
  const { code } = await install.ended
  if (code !== 0)
    throw new Error(`installing ${vsix} failed:\n${[...install.stdout, ...install.stderr].join('\n')}`)
}

/** Takes away variables that tie the server to a VS Code: this process has them when run from a terminal of it. */
function withoutVSCode(): Record<string, undefined> {
  const names = Object.keys(process.env).filter(name =>
    /^(VSCODE_|ELECTRON_RUN_AS_NODE$|NODE_OPTIONS$)/.test(name),
  )
  return Object.fromEntries(names.map(name => [name, undefined]))
}
