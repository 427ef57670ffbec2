/**
 * Bounds on what strangers can make this installation hold or do. A share that passes its limit is paused with a
 * message; nothing else stops. A peer that passes one of its own limits is turned away for a while.
 */
import { PeerfoldError } from '../common/errors'
import { formatBytes } from '../common/format'
import { LIMIT_NAMES, type LimitName, usualLimit } from '../common/limitSettings'

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
  /** Bytes and days that files which live copies took away are kept, at most. */
  readonly keptBytes: number
  readonly keptDays: number
}

export const DEFAULT_LIMITS: Limits = {
  entries: usualLimit('entries'),
  pathLogBytes: usualLimit('pathLogBytes'),
  bytes: usualLimit('bytes'),
  storeBytes: usualLimit('storeBytes'),
  connections: usualLimit('connections'),
  keptBytes: usualLimit('keptBytes'),
  keptDays: usualLimit('keptDays'),
}

/** The limits as the user chose them. Settings that only earlier versions had are ignored. */
export function limitsOf(chosen: Readonly<Partial<Record<LimitName, number>>> = {}): Limits {
  const limits: Record<LimitName, number> = { ...DEFAULT_LIMITS }
  for (const name of LIMIT_NAMES) limits[name] = chosen[name] ?? limits[name]
  return limits
}

/** For the user's own folders. */
export const NO_LIMITS: ShareLimits = {
  entries: Number.POSITIVE_INFINITY,
  pathLogBytes: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
}

/** The error to tell when fetching this many bytes of content would pass the share's limit; undefined otherwise. */
export function contentBeyond({ bytes: limit }: ShareLimits, bytes: number): PeerfoldError | undefined {
  if (bytes <= limit) return undefined
  const detail = `It would fetch ${formatBytes(bytes)}, and the limit for one share is ${formatBytes(limit)}.`
  return new PeerfoldError('limit-passed', detail)
}

/** Connections that one address may hold, so that one machine cannot keep all others out. */
export function connectionsFromOneAddress({ connections }: Limits): number {
  return Math.ceil((connections * 3) / 8)
}

/** Connections whose peers have not proven their address yet. The proof takes one round trip. */
export function connectionsFromNowhere({ connections }: Limits): number {
  return Math.ceil(connections / 4)
}

/**
 * What one peer may cost. Nobody can raise these: they are far above what an honest program of any share asks for,
 * and more would only hurt.
 */
export const PEER_LIMITS = {
  /** Unanswered requests for blocks of one log. Each costs about 500 bytes here; other programs have 512 open. */
  openRequests: 8_192,
  /**
   * Bytes of the longest message. The largest block that Hypercore appends is 15 MiB, and its proof adds little. The
   * encrypted stream could carry 16.7 million bytes.
   */
  messageBytes: 16_000_000,
  /** Bytes of a message on Peerfold's own channel, where a hello is the longest. */
  controlBytes: 4_000,
  /** Bytes that wait for a peer to read them. */
  unreadBytes: 64 * 1024 * 1024,
  /** Channels opened over one connection; a share takes two. */
  channels: 8_192,
  /** Messages of known kinds on Peerfold's own channel; this version sends up to 18. */
  controlMessages: 64,
  /** Messages of unknown kinds, which a later version may send: a burst of this many, then this many a second. */
  unknownMessages: 1_024,
  unknownMessagesPerSecond: 10,
  /** How often one block is given to one peer. */
  sameBlock: 64,
} as const
