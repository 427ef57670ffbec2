/**
 * What a publisher says of a share, inside the share: its name, when this version was made, and where the newest
 * listing is. It is the last block of every version, under a key of the sub-space `peerfold`, which other Hyperdrive
 * clients do not list. Untrusted.
 */
import SubEncoder from 'sub-encoder'
import { isRecord } from './entry'
import { type ListingHead, parseListingHead } from './listing'
import type { PathChange } from './pathBlock'

/** The sub-space of the path log in which files are. Hyperdrive's own. */
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
  readonly listing: ListingHead | undefined
}

/** Undefined when the block is about something else, or malformed. */
export function parseAbout(change: PathChange | undefined): About | undefined {
  if (change?.value === undefined || !change.key.equals(ABOUT_SHARE_KEY)) return undefined
  const value = parseJson(change.value)
  return isRecord(value) ? aboutOf(value) : undefined
}

/** What a reader will make of it. */
export function aboutOf({ name, isFile, time, listing }: Readonly<Record<string, unknown>>): About {
  const info = {
    isFile: isFile === true,
    ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, MAX_NAME) } : {}),
    ...(typeof time === 'number' && Number.isFinite(time) ? { time } : {}),
  }
  return { info, listing: parseListingHead(listing) }
}

/** The parsed text, or undefined: what a stranger stored need not be JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
