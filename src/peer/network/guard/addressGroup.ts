/**
 * What counts as one address where addresses are counted: an IPv4 address, or the /64 of an IPv6 address, since
 * whoever has one address of such a network has all 2^64 of them.
 */
import { isIP } from 'node:net'

/** Groups of 16 bits in an IPv6 address, and in the part of it that counts. */
const GROUPS = 8
const COUNTED = 4
/** An IPv4 address as IPv6 sockets tell it (`::ffff:192.0.2.1`). */
const MAPPED = /^(?:0*:)*:?ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The same text for all addresses that count as one. */
export function addressGroup(address: string): string {
  const host = plainAddress(address)
  if (isIP(host) !== 6) return host
  return `${groupsOf(host).slice(0, COUNTED).join(':')}::/64`
}

/** Without the zone, and as IPv4 where it is one. */
export function plainAddress(address: string): string {
  const [host = ''] = address.split('%')
  return MAPPED.exec(host)?.[1] ?? host
}

function groupsOf(host: string): string[] {
  const [before = '', after] = host.split('::')
  const first = parts(before)
  const last = after === undefined ? [] : parts(after)
  const zeros = Array.from({ length: Math.max(0, GROUPS - first.length - last.length) }, () => '0')
  return [...first, ...zeros, ...last].map(group => Number.parseInt(group, 16).toString(16))
}

/** An IPv4 address at the end stands for two groups; which ones does not matter here. */
function parts(text: string): string[] {
  if (text === '') return []
  return text.split(':').flatMap(group => (group.includes('.') ? ['0', '0'] : [group]))
}
