/**
 * How much of anything a stranger can make this installation hold or do. Passing a limit of a share pauses that
 * share with a message and nothing else; passing a limit of a peer turns that peer away for a while.
 */
import { PeerfoldError } from '../common/errors'
import { formatBytes } from '../common/format'

/** What one share may cost. The user can raise each (`settings.set`). */
export interface ShareLimits {
  /** Files, links and folders. Each costs memory as long as the share is open. */
  readonly entries: number
  /** Bytes of the path log, which is fetched before anything can be listed. */
  readonly pathLogBytes: number
  /** Bytes of content that are fetched or copied without asking. */
  readonly bytes: number
}

export const DEFAULT_LIMITS: ShareLimits = {
  entries: 1_000_000,
  pathLogBytes: 1024 ** 3,
  bytes: 1024 ** 4,
}

/** For the user's own folders. */
export const NO_LIMITS: ShareLimits = {
  entries: Number.POSITIVE_INFINITY,
  pathLogBytes: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
}

/** @param bytes of content that are about to be fetched. Throws `limit-passed`. */
export function assertContentWithin({ bytes: limit }: ShareLimits, bytes: number): void {
  if (bytes <= limit) return
  const detail = `It would fetch ${formatBytes(bytes)}, and the limit for one share is ${formatBytes(limit)}.`
  throw new PeerfoldError('limit-passed', detail)
}

/** What one peer may cost. */
export const PEER_LIMITS = {
  /** Connections at one time, and those from one address among them: one machine cannot keep all others out. */
  connections: 64,
  connectionsFromOneAddress: 24,
  /** Blocks of one log that a peer asked for and has not been given. Other clients ask for up to 512. */
  openRequests: 8_192,
  /** Bytes that wait for a peer to read them. */
  unreadBytes: 64 * 1024 * 1024,
  /** Channels opened over one connection; a share takes two. */
  channels: 8_192,
  /** Messages on Peerfold's own channel, and the bytes of each: a hello and a request are all there is to say. */
  controlMessages: 16,
  controlBytes: 4_096,
  /** How often one block is given to one peer. */
  sameBlock: 64,
} as const
