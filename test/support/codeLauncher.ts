#!/usr/bin/env node
/**
 * Stands in for the `code` program where desktop VS Code cannot be had. @vscode/test-electron starts it with the same
 * arguments, and it runs the same suite in VS Code server with a browser for a window.
 *
 *   codeLauncher.js [folder] --extensionDevelopmentPath=… --extensionTestsPath=… [--user-data-dir=…]
 *
 * The page asks for the extension and the tests in its address and hands back what the extension host prints
 * (`codeAutomationLog`) and how the run ended (`codeAutomationExit`), for which both functions have to be there
 * before the page loads. Toasts do not show and modal dialogs throw in this mode.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { format } from 'node:util'
import { launchBrowser } from './browser'
import { temporaryFolder } from './folders'
import { readCounts, suitesBegin } from './runMocha'
import { startVSCodeServer, type VSCodeServer } from './vscodeServer'

const runLimit = 8 * 60_000
/** Milliseconds: a window loads for long on a busy machine. */
const loadLimit = 120_000

async function main(given: readonly string[]): Promise<number> {
  const value = (name: string) =>
    given.find(argument => argument.startsWith(`--${name}=`))?.slice(name.length + 3)
  const extension = value('extensionDevelopmentPath')
  const tests = value('extensionTestsPath')
  if (extension === undefined || tests === undefined) {
    throw new Error('codeLauncher needs --extensionDevelopmentPath= and --extensionTestsPath=')
  }
  const folder = given.find(argument => !argument.startsWith('-'))
  const userData = value('user-data-dir')
  const server = await startVSCodeServer({
    dataDir: temporaryFolder('code'),
    settings: userData === undefined ? {} : readSettings(join(userData, 'User', 'settings.json')),
    smokeDriver: true,
  })
  const browser = await launchBrowser()
  const output = new SuiteOutput()
  try {
    const page = await browser.newPage()
    const ended = new Promise<number>((onExit, onFailure) => {
      setTimeout(() => onFailure(new Error(`the tests did not end within ${runLimit} ms`)), runLimit).unref()
      page.on('crash', () => onFailure(new Error('the page crashed')))
      page.on('pageerror', error => console.error(`page: ${error.message}`))
      void Promise.all([
        page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => output.print(type, args)),
        page.exposeFunction('codeAutomationExit', onExit),
      ])
        .then(() => page.goto(address(server, { extension, tests, folder }), { timeout: loadLimit }))
        .catch(onFailure)
    })
    return await ended
  } finally {
    output.explain()
    await browser.close()
    await server.stop()
  }
}

/** The settings at the place where desktop VS Code reads them. The server has them elsewhere. */
function readSettings(file: string): Record<string, unknown> {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}

function address(
  { url, port }: VSCodeServer,
  { extension, tests, folder }: { extension: string; tests: string; folder: string | undefined },
): string {
  const remote = (path: string) => `vscode-remote://127.0.0.1:${port}${resolve(path)}`
  const payload = [
    ['extensionDevelopmentPath', remote(extension)],
    ['extensionTestsPath', remote(tests.endsWith('.js') ? tests : join(tests, 'index.js'))],
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
  ]
  const query = new URLSearchParams({ payload: JSON.stringify(payload) })
  if (folder === undefined) query.set('ew', 'true')
  else query.set('folder', resolve(folder))
  return `${url}?${query}`
}

/** Prints what the suites print. VS Code's own log, which is long, is shown only if they never came to an end. */
class SuiteOutput {
  #state: 'before' | 'suites' | 'after' = 'before'
  readonly #log: string[] = []

  /** One call of console in the extension host or the workbench. */
  print(type: string, args: readonly unknown[]): void {
    const text = format(...args)
    if (text === suitesBegin) {
      this.#state = 'suites'
    } else if (this.#state !== 'suites' || serverNoise.test(text)) {
      this.#log.push(text)
    } else if (type === 'error' || type === 'warn') {
      console.error(text)
    } else {
      console.log(text)
      if (readCounts(text) !== undefined) this.#state = 'after'
    }
  }

  explain(): void {
    if (this.#state !== 'after') console.error(this.#log.slice(-40).join('\n'))
  }
}

/** The server is installed without the addons that would be compiled, and finds no marketplace. It works without. */
const serverNoise = /spdlog|native-watchdog|^Canceled: |ENOTFOUND|^Creating a socket|^\[/

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    console.error(error)
    process.exit(1)
  },
)
