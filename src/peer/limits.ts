/**
 * How much of anything a stranger can make this installation hold or do. Passing a limit of a share pauses that
 * share with a message and nothing else; a peer that passes one of its own is turned away for a while.
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
  /** What live copies took away is kept this many days, as many bytes. */
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

/** The limits as the user chose them. What earlier versions let be chosen beside is passed over. */
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

/** What to tell when this many bytes of content of one share are about to be fetched; undefined: they may be. */
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

/**
 * What one peer may cost. Nobody can raise these: they are far above what an honest program of any share asks for,
 * and more would only hurt.
 */
export const PEER_LIMITS = {
  /** Blocks of one log that it asked for and has not been given: each costs about 500 bytes here. Others ask for 512. */
  openRequests: 8_192,
  /**
   * Bytes of the longest message. Hypercore lets nobody append a block of more than 15 MiB, which comes with few bytes
   * of proof, and the encrypted stream could carry 16.7 million bytes.
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
  /** Messages of kinds that a later version may know: at once, and this many a second. */
  unknownMessages: 1_024,
  unknownMessagesPerSecond: 10,
  /** How often one block is given to one peer. */
  sameBlock: 64,
} as const
