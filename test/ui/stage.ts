/** A story in steps: every test goes on where the one before ended, on the same windows. */
import type { Browser } from 'playwright-core'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { screenshotFailures } from '../support/pages'
import { launchBrowser } from '../support/vscodeServer'
import { Installation, type InstallationOptions } from './installation'

interface Equipment {
  readonly browser: Browser
  readonly dht: LocalDht
}

declare global {
  /** Suites are bundled apart from each other, and all of them use one browser and one network. */
  var peerfoldEquipment: Promise<Equipment> | undefined
}

async function prepareEquipment(): Promise<Equipment> {
  const [browser, dht] = await Promise.all([launchBrowser(), startLocalDht()])
  return { browser, dht }
}

after('the browser and the network end', async () => {
  const equipment = await globalThis.peerfoldEquipment
  globalThis.peerfoldEquipment = undefined
  await equipment?.browser.close()
  await equipment?.dht.stop()
})

/** Everybody's VS Code, of one suite. */
export class Stage {
  private equipment: Equipment | undefined
  private readonly installations: Installation[] = []

  /** To be called in a `describe`: prepares the stage, clears it, and skips the steps after one that failed. */
  constructor() {
    let failed = false
    before(async () => {
      globalThis.peerfoldEquipment ??= prepareEquipment()
      this.equipment = await globalThis.peerfoldEquipment
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
    })
  }

  get bootstrap(): string {
    return this.ready.dht.bootstrap
  }

  /** Installs Peerfold for somebody; no window is open yet. */
  async install(
    name: string,
    options: Omit<InstallationOptions, 'browser' | 'bootstrap'> = {},
  ): Promise<Installation> {
    const { browser } = this.ready
    const installation = new Installation(name, { browser, bootstrap: this.bootstrap, ...options })
    this.installations.push(installation)
    await installation.start()
    return installation
  }

  private get ready(): Equipment {
    if (this.equipment === undefined) throw new Error('the stage is not prepared yet')
    return this.equipment
  }
}
