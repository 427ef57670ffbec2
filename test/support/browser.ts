/** Chromium, headless, as the lanes use it. */
import { type Browser, chromium } from 'playwright-core'
import { prepareTools } from './tools'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts a browser. Whoever starts it closes it; it also ends with this process. */
export async function launchBrowser(options: { headless?: boolean } = {}): Promise<Browser> {
  const tools = await prepareTools()
  return chromium.launch({ executablePath: tools.chromium, args: flags, headless: options.headless ?? true })
}
