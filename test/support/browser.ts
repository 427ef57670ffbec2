/** Chromium, headless, as the lanes use it. */
import { type Browser, chromium } from 'playwright-core'
import { prepareChromium } from './tools'

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
  const { headless = true } = options
  const executablePath = await prepareChromium({ headless })
  return chromium.launch({
    executablePath,
    args: flags,
    headless,
    // Whoever runs this decides when it ends (ownedProcess.ts), and the browser ends with it.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  })
}
