/**
 * How much of anything a stranger can make this installation hold or do. Passing a limit of a share pauses that
 * share with a message and nothing else; passing a limit of a peer turns that peer away for a while.
 */
import { PeerfoldError } from '../common/errors'
import { formatBytes } from '../common/format'
import { DEFAULT_MESSAGE } from '../wire/frames'

/** What one opened share may cost. The user can raise each (`settings.set`). */
export interface ShareLimits {
  /** Files, links and folders. Each costs memory as long as the share is open. */
  readonly entries: number
  /** Bytes of the path log, which is fetched before anything can be listed. */
  readonly pathLogBytes: number
  /** Bytes of content that are fetched or copied without asking. */
  readonly bytes: number
}

/** All that the user can raise. */
export interface Limits extends ShareLimits {
  /** Bytes that all opened shares together may keep in the store. */
  readonly storeBytes: number
  /** Peers connected at one time. */
  readonly connections: number
  /** Blocks of one log that one peer asked for and has not been given. Other clients ask for up to 512. */
  readonly openRequests: number
  /** Bytes of the longest message a peer may send. */
  readonly peerMessageBytes: number
  /** Bytes of the longest request that a window or command may send, and of the longest answer it gets. */
  readonly requestBytes: number
}

export const DEFAULT_LIMITS: Limits = {
  entries: 1_000_000,
  pathLogBytes: 1024 ** 3,
  bytes: 10 ** 12,
  storeBytes: 2 * 10 ** 12,
  connections: 64,
  openRequests: 8_192,
  peerMessageBytes: 10_000_000,
  requestBytes: DEFAULT_MESSAGE,
}

/** For the user's own folders. */
export const NO_LIMITS: ShareLimits = {
  entries: Number.POSITIVE_INFINITY,
  pathLogBytes: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
}

/** What to tell when so many bytes of content of one share are about to be fetched; undefined: they may be. */
export function contentBeyond({ bytes: limit }: ShareLimits, bytes: number): PeerfoldError | undefined {
  if (bytes <= limit) return undefined
  const detail = `It would fetch ${formatBytes(bytes)}, and the limit for one share is ${formatBytes(limit)}.`
  return new PeerfoldError('limit-passed', detail)
}

/** Of all connections those from one address: one machine cannot keep all others out. */
export function connectionsFromOneAddress({ connections }: Limits): number {
  return Math.ceil((connections * 3) / 8)
}

/** Of all connections those whose peers have not proven yet where they are, which takes one round trip. */
export function connectionsFromNowhere({ connections }: Limits): number {
  return Math.ceil(connections / 4)
}

/** Bytes of a message on Peerfold's own channel, where a hello and a request are all there is to say: 4,000 usually. */
export function controlBytes({ peerMessageBytes }: Limits): number {
  return Math.floor(peerMessageBytes / 2_500)
}

/** The limits of one peer that the user can raise for one who honestly needs more, and the setting of each. */
export const PEER_LIMIT_SETTINGS = {
  openRequests: 'peerfold.maxOpenRequests',
  peerMessageBytes: 'peerfold.maxPeerMessage',
} as const satisfies Partial<Record<keyof Limits, string>>
export type PeerLimit = keyof typeof PEER_LIMIT_SETTINGS
export const PEER_LIMIT_NAMES = Object.keys(PEER_LIMIT_SETTINGS) as PeerLimit[]

/**
 * What else one peer may cost. Nobody can raise these: they are far above what an honest program of any share asks for,
 * and more would only hurt.
 */
export const PEER_LIMITS = {
  /** Bytes that wait for a peer to read them. */
  unreadBytes: 64 * 1024 * 1024,
  /** Channels opened over one connection; a share takes two. */
  channels: 8_192,
  /** Messages of known kinds on Peerfold's own channel; this version sends up to 18. */
  controlMessages: 64,
  /** Messages of kinds that a later version may know: at once, and so many a second. */
  unknownMessages: 1_024,
  unknownMessagesPerSecond: 10,
  /** How often one block is given to one peer. */
  sameBlock: 64,
} as const
