/** A story in steps: every test goes on where the one before ended, on the same windows. */
import type { Browser } from 'playwright-core'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { screenshotFailures } from '../support/pages'
import { launchBrowser } from '../support/vscodeServer'
import { Installation, type InstallationOptions } from './installation'

/** The private network, the browser, and everybody's VS Code, of one suite. */
export class Stage {
  private browser: Browser | undefined
  private dht: LocalDht | undefined
  private readonly installations: Installation[] = []

  /** To be called in a `describe`: prepares the stage, clears it, and skips the steps after one that failed. */
  constructor() {
    let failed = false
    before(async () => {
      ;[this.browser, this.dht] = await Promise.all([launchBrowser(), startLocalDht()])
    })
    beforeEach(function () {
      if (failed) this.skip()
    })
    afterEach(function () {
      failed ||= this.currentTest?.state === 'failed'
    })
    screenshotFailures(() => this.installations.flatMap(({ windows }) => windows))
    after(async () => {
      await Promise.allSettled(this.installations.map(installation => installation.end()))
      await this.browser?.close()
      await this.dht?.stop()
    })
  }

  get bootstrap(): string {
    if (this.dht === undefined) throw new Error('the network is not there yet')
    return this.dht.bootstrap
  }

  /** Installs Peerfold for somebody; no window is open yet. */
  async install(
    name: string,
    options: Omit<InstallationOptions, 'browser' | 'bootstrap'> = {},
  ): Promise<Installation> {
    if (this.browser === undefined) throw new Error('the browser is not there yet')
    const { browser, bootstrap } = this
    const installation = new Installation(name, { browser, bootstrap, ...options })
    this.installations.push(installation)
    await installation.start()
    return installation
  }
}
