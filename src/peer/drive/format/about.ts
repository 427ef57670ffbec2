/**
 * A publisher's description of a version, inside the share: the share's name, when the version was made, what it
 * changed since which other one, and where the newest listing is. It is the last block of every version, under a
 * key of the sub-space `peerfold`, which other Hyperdrive clients do not list. Untrusted.
 */
import SubEncoder from 'sub-encoder'
import { isCount, isRecord } from './entry'
import { type ListingHeader, parseListingHeader } from './listing'
import type { PathChange } from './pathBlock'

/** Hyperdrive's own sub-space of the path log, which holds the files. */
export const FILES = new SubEncoder('files', 'utf-8')
export const ABOUT = new SubEncoder('peerfold', 'utf-8')
export const ABOUT_SHARE = 'share'

const ABOUT_SHARE_KEY = ABOUT.encode(ABOUT_SHARE)
const MAX_NAME = 200

export interface ShareInfo {
  readonly name?: string
  readonly isFile: boolean
  /** When this version was published, milliseconds since 1970. */
  readonly time?: number
}

export interface About {
  readonly info: ShareInfo
  readonly listing: ListingHeader | undefined
  /** Absent in versions of Peerfold 0.3.0. */
  readonly since?: Since
}

/** The version before, and the differences. Untrusted, as everything here. */
export interface Since {
  /** Length of the path log at the version before; 0: there is none. */
  readonly previous: number
  readonly changes?: ChangeCounts
}

export interface ChangeCounts {
  /** Files and links that were not there before. */
  readonly added: number
  readonly changed: number
  readonly removed: number
  /** Total size of added and changed files. */
  readonly bytes: number
}

/** Undefined when the block is about something else, or malformed. */
export function parseAbout(change: PathChange | undefined): About | undefined {
  if (change?.value === undefined || !change.key.equals(ABOUT_SHARE_KEY)) return undefined
  const value = parseJson(change.value)
  return isRecord(value) ? aboutOf(value) : undefined
}

/** The description as a reader will understand it. */
export function aboutOf(value: Readonly<Record<string, unknown>>): About {
  const { name, isFile, time, listing, previous, changes } = value
  const info = {
    isFile: isFile === true,
    ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, MAX_NAME) } : {}),
    ...(typeof time === 'number' && Number.isFinite(time) ? { time } : {}),
  }
  const about = { info, listing: parseListingHeader(listing) }
  if (!isCount(previous)) return about
  const counts = countsOf(changes)
  return { ...about, since: counts === undefined ? { previous } : { previous, changes: counts } }
}

/** The form in the record: a list of four numbers. */
export function countsRecord({ added, changed, removed, bytes }: ChangeCounts): readonly number[] {
  return [added, changed, removed, bytes]
}

function countsOf(value: unknown): ChangeCounts | undefined {
  if (!Array.isArray(value)) return undefined
  const [added, changed, removed, bytes] = value
  if (!isCount(added) || !isCount(changed) || !isCount(removed) || !isCount(bytes)) return undefined
  return { added, changed, removed, bytes }
}

/** The parsed text; undefined where it is not JSON, since a stranger may have stored anything. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
