/**
 * What a peer says of itself first: its name, where it can be reached by TCP, and its shares, readable only for peers
 * that know them too (shareTokens.ts). None of it can be trusted.
 */
import { safeText } from '../../common/format'
import { isCount, isRecord } from '../drive/format/entry'
import { readTokens } from './shareTokens'

const MAX_NAME = 64
const MAX_CHALLENGE = 64
/** Further addresses are ignored. */
export const MAX_ADDRESSES = 8
const MAX_ADDRESS = 45

/**
 * Versions of what is said on Peerfold's own channel. Two peers speak the newest that both know, and fields and
 * messages that one of them does not know are skipped. Peers that have no version in common meet as other Hyperdrive
 * clients do.
 *
 * 1. `hello` and `your-turn`: Peerfold 0.3.0, whose hello names no version. It turns away a peer that sends more than
 *    16 messages, known or not, so it is sent these two alone.
 * 2. `challenge`, `answer`, `shares`, `name` and `owner`, and a hello that names versions.
 * 3. `line`, `carry` and `wish`: a TCP stream carries the logs once that is said. In earlier versions it does at once.
 * 4. `came` and `crowd`.
 */
export const WIRE: WireVersions = { version: 4, oldest: 1 }
/** From this version on, peers say which stream carries the logs (streams.ts). */
export const SAYS_PATH = 3
/** From this version on, peers say how much came, and that they give to others as well (delivered.ts). */
export const SAYS_DELIVERY = 4

/** All versions from `oldest` to `version`. */
export interface WireVersions {
  readonly version: number
  readonly oldest: number
}

/** The newest version that both know; undefined when they share none. */
export function commonVersion(a: WireVersions, b: WireVersions): number | undefined {
  const newest = Math.min(a.version, b.version)
  return newest >= Math.max(a.oldest, b.oldest) ? newest : undefined
}

/** Where a peer can be reached by TCP. */
export interface TcpOffer {
  readonly port: number
  readonly addresses: readonly string[]
}

export interface Hello {
  readonly versions: WireVersions
  /** Without control characters; empty when it says none. */
  readonly name: string
  /** Null: not by TCP. Whether an address is tried at all is decided in tcp.ts. */
  readonly tcp: TcpOffer | null
  /** To be sent back, so that it knows where this machine is (provenAddress.ts); undefined: it does not ask. */
  readonly challenge: string | undefined
  readonly shares: ReadonlySet<string>
  /** Those of `shares` of which it has nothing yet. */
  readonly begins: ReadonlySet<string>
}

export function readHello(message: Readonly<Record<string, unknown>>): Hello {
  const { name, tcp, challenge, shares, begins } = message
  return {
    versions: readVersions(message),
    name: readName(name),
    tcp: readOffer(tcp),
    challenge: readChallenge(challenge),
    shares: readTokens(shares),
    begins: readTokens(begins),
  }
}

function readVersions({ version, oldest }: Readonly<Record<string, unknown>>): WireVersions {
  if (!isCount(version) || version < 1) return { version: 1, oldest: 1 }
  return { version, oldest: isCount(oldest) ? oldest : 1 }
}

export function readName(value: unknown): string {
  return typeof value === 'string' ? safeText(value, MAX_NAME) : ''
}

export function readChallenge(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_CHALLENGE ? value : undefined
}

function readOffer(value: unknown): TcpOffer | null {
  if (!isRecord(value) || !isCount(value.port) || value.port < 1 || value.port > 65_535) return null
  const addresses = Array.isArray(value.addresses) ? value.addresses.slice(0, MAX_ADDRESSES) : []
  return { port: value.port, addresses: addresses.filter(isAddress) }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ADDRESS
}
