/**
 * The limits that a user can set: the setting of each (its name below `peerfold.`), what one of its unit is, and its
 * usual value in that unit. Editor and peer process both count by this table.
 */

const MEGABYTE = 1_000_000
const GIGABYTE = 1_000_000_000

export const LIMIT_SETTINGS = {
  entries: { setting: 'maxShareEntries', unit: 1, usual: 1_000_000 },
  pathLogBytes: { setting: 'maxShareListSize', unit: MEGABYTE, usual: 1_000 },
  bytes: { setting: 'maxShareSize', unit: GIGABYTE, usual: 1_000 },
  storeBytes: { setting: 'maxStoreSize', unit: GIGABYTE, usual: 2_000 },
  /** Each costs memory and, over TCP, a file descriptor. */
  connections: { setting: 'maxConnections', unit: 1, usual: 64, most: 1_000 },
  /** Of files that live copies took away. */
  keptBytes: { setting: 'keptFilesSize', unit: GIGABYTE, usual: 10 },
  keptDays: { setting: 'keptFilesDays', unit: 1, usual: 30, most: 3_650 },
} as const satisfies Record<string, LimitSetting>

export interface LimitSetting {
  readonly setting: string
  readonly unit: number
  /** Where the user chose none, in units. */
  readonly usual: number
  /** In units; absent: any. */
  readonly most?: number
}

export type LimitName = keyof typeof LIMIT_SETTINGS
export const LIMIT_NAMES = Object.keys(LIMIT_SETTINGS) as readonly LimitName[]

/** The setting of a limit. */
export function limitSetting(name: LimitName): LimitSetting {
  return LIMIT_SETTINGS[name]
}

/** The value of a limit where the user chose none, in bytes, or as a number of things. */
export function usualLimit(name: LimitName): number {
  const { unit, usual } = LIMIT_SETTINGS[name]
  return unit * usual
}
