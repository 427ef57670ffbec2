/**
 * What a peer says of itself first: its name, where it can be reached by TCP, and for whoever knows them too, its shares
 * (shareTokens.ts). Every word of it is a stranger's.
 */
import { safeText } from '../../common/format'
import { isCount, isRecord } from '../drive/entry'
import { readTokens } from './shareTokens'
import type { TcpOffer } from './tcp'

const MAX_NAME = 64
const MAX_CHALLENGE = 64
/** More are passed over. */
export const MAX_ADDRESSES = 8
const MAX_ADDRESS = 45

export interface Hello {
  /** Without control characters; empty when it says none. */
  readonly name: string
  /** Null: not by TCP. Whether an address is tried at all is decided in tcp.ts. */
  readonly tcp: TcpOffer | null
  /** To be sent back, so that it knows where this machine is (provenAddress.ts); undefined: it does not ask. */
  readonly challenge: string | undefined
  readonly shares: ReadonlySet<string>
}

export function readHello(message: Readonly<Record<string, unknown>>): Hello {
  const { name, tcp, challenge, shares } = message
  return {
    name: readName(name),
    tcp: readOffer(tcp),
    challenge: readChallenge(challenge),
    shares: readTokens(shares),
  }
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
