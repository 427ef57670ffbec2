/** What a peer says of itself first: its name, and where it can be reached by TCP. Every word of it is a stranger's. */
import { safeText } from '../../common/format'
import { isCount, isRecord } from '../drive/entry'
import type { TcpOffer } from './tcp'

const MAX_NAME = 64
/** More are passed over. */
export const MAX_ADDRESSES = 8
const MAX_ADDRESS = 45

export interface Hello {
  /** Without control characters; empty when it says none. */
  readonly name: string
  /** Null: not by TCP. Whether an address is tried at all is decided in tcp.ts. */
  readonly tcp: TcpOffer | null
}

export function readHello(message: Readonly<Record<string, unknown>>): Hello {
  const { name, tcp } = message
  return { name: typeof name === 'string' ? safeText(name, MAX_NAME) : '', tcp: readOffer(tcp) }
}

function readOffer(value: unknown): TcpOffer | null {
  if (!isRecord(value) || !isCount(value.port) || value.port < 1 || value.port > 65_535) return null
  const addresses = Array.isArray(value.addresses) ? value.addresses.slice(0, MAX_ADDRESSES) : []
  return { port: value.port, addresses: addresses.filter(isAddress) }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ADDRESS
}
