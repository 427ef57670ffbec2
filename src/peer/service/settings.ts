/** What the user set for this installation, whichever window said it, and the limits that follow from it. */
import { DEFAULT_LIMITS, type Limits, limitsOf } from '../limits'
import type { Catalog, Settings } from '../store/catalog'

/** What changed. */
export interface SettingsChange {
  readonly name: boolean
  readonly ignore: boolean
  readonly directTcp: boolean
  readonly limits: boolean
}

export class PeerSettings {
  private current: Settings = {}
  private allLimits: Limits = DEFAULT_LIMITS
  private setting: Promise<unknown> = Promise.resolve()

  constructor(private readonly catalog: Catalog) {}

  async load(): Promise<void> {
    this.take((await this.catalog.get('settings', '')) ?? {})
  }

  /** What other people see; empty until the user chooses one. */
  get name(): string {
    return this.current.name ?? ''
  }

  get ignore(): readonly string[] {
    return this.current.ignore ?? []
  }

  get keepRunning(): boolean {
    return this.current.keepRunning === true
  }

  get directTcp(): boolean {
    return this.current.directTcp !== false
  }

  get limits(): Limits {
    return this.allLimits
  }

  /** Undefined when nothing changed: every window sends its settings once. One change at a time. */
  set(change: Settings): Promise<SettingsChange | undefined> {
    const set = this.setting.then(() => this.setNow(change))
    this.setting = set.catch(() => {}) // the caller is told
    return set
  }

  /** What cannot be written does not count: sent again, it is tried again. */
  private async setNow(change: Settings): Promise<SettingsChange | undefined> {
    const before = this.current
    const limitsBefore = this.allLimits
    const settings = { ...before, ...change }
    if (isSame(settings, before)) return undefined
    await this.catalog.put('settings', '', settings)
    this.take(settings)
    return {
      name: this.current.name !== before.name,
      ignore: !isSame(this.current.ignore, before.ignore),
      directTcp: this.current.directTcp !== before.directTcp,
      limits: !isSame(this.allLimits, limitsBefore),
    }
  }

  private take(settings: Settings): void {
    this.current = settings
    this.allLimits = limitsOf(settings.limits)
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
