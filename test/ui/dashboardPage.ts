/**
 * The built dashboard in a real browser, under the policy it has in the editor: a page on localhost, with a stand-in
 * for what VS Code injects (`acquireVsCodeApi`, theme variables, body class). It keeps what the page sent and every
 * violation of the policy.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import type { FromDashboard } from '../../src/common/dashboardMessages'
import { dashboardHtml, makeNonce } from '../../src/editor/dashboard/html'
import { built } from '../support/projectRoot'
import type { Theme } from './dashboardThemes'

export interface DashboardSite {
  readonly address: string
  close(): Promise<void>
}

export async function serveDashboard(): Promise<DashboardSite> {
  const files = new Map([
    ['/dashboard.js', { type: 'text/javascript', body: await readFile(built('dashboard.js'), 'utf8') }],
    ['/dashboard.css', { type: 'text/css', body: await readFile(built('dashboard.css'), 'utf8') }],
  ])
  const server = createServer((request, response) => {
    const address = `http://${request.headers.host}`
    const file = files.get(request.url ?? '')
    const isPage = request.url === '/'
    response.writeHead(isPage || file !== undefined ? 200 : 404, {
      'content-type': file?.type ?? 'text/html; charset=utf-8',
    })
    const page = dashboardHtml({
      script: `${address}/dashboard.js`,
      styles: `${address}/dashboard.css`,
      styleSource: address,
      nonce: makeNonce(),
      language: 'en',
    })
    response.end(file?.body ?? (isPage ? page : ''))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections()
        server.close(error => (error ? reject(error) : resolve()))
      }),
  }
}

/** A page to load the dashboard in, as often as there are tests: a new one would be a new process each time. */
export async function dashboardPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage()
  await page.addInitScript(`
    window.sent = []
    window.violations = []
    window.acquireVsCodeApi = () => ({ postMessage: message => window.sent.push(message), setState() {} })
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      window.violations.push(violatedDirective + ' ' + blockedURI))
    window.addEventListener('error', ({ message }) => window.violations.push(message))
  `)
  return page
}

/** Loads the dashboard, which remembers nothing of an earlier one, and returns when it said that it is ready. */
export async function loadDashboard(
  page: Page,
  site: DashboardSite,
  { theme, width, height = 900 }: { theme: Theme; width: number; height?: number },
): Promise<void> {
  await page.setViewportSize({ width, height })
  await page.goto(site.address)
  await page.waitForFunction(`window.sent.some(({ type }) => type === 'ready')`)
  await page.evaluate(
    `for (const [name, value] of Object.entries(${JSON.stringify(theme.variables)}))
       document.documentElement.style.setProperty('--vscode-' + name, value);
     document.body.classList.add(${JSON.stringify(theme.bodyClass)})`,
  )
}

/** Sends a message as the editor would; the page has handled it when this resolves. */
export async function post(page: Page, message: unknown): Promise<void> {
  // A second message behind it: messages arrive in order.
  await page.evaluate(`new Promise(resolve => {
    window.addEventListener('message', function seen({ data }) {
      if (data !== 'last') return
      window.removeEventListener('message', seen)
      resolve()
    })
    window.postMessage(${JSON.stringify(message)}, window.origin)
    window.postMessage('last', window.origin)
  })`)
}

export async function sentBy(page: Page): Promise<FromDashboard[]> {
  return page.evaluate('window.sent')
}

export async function violationsOf(page: Page): Promise<string[]> {
  return page.evaluate('window.violations')
}
