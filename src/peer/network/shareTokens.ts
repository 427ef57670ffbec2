/**
 * How two peers find out which shares both know, and learn nothing of the others. For each share each side sends a
 * token: a hash of the share's key (which the network does not know) with what is secret to this one connection and
 * with the side that sends it. A peer that knows the key makes the same token and recognises it. For anybody else it is
 * random. It means nothing on another connection, or sent back. Random tokens are added, so that not even the exact
 * number of shares is told.
 */
import { randomBytes } from 'node:crypto'
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import { hash } from 'hypercore-crypto'

const PURPOSE = Buffer.from('peerfold/1 share token')
/** Bytes of a token. */
const TOKEN = 12
const TEXT = Math.ceil((TOKEN * 4) / 3)
/** Tokens that fit into the longest hello that peers take (4,000 bytes). Further shares are found by topic. */
export const MAX_TOKENS = 128
const FEWEST = 8

/** A path log. */
type Keyed = Pick<Hypercore, 'key'>
/** One side of a connection. */
type Side = Pick<NoiseStream, 'isInitiator' | 'handshakeHash'>

/** Tokens as they go over the wire: one text, in an order that tells nothing. @param paths the most recent ones last */
export function writeTokens(paths: readonly Keyed[], stream: Side): string {
  const own = paths.slice(-MAX_TOKENS).map(path => shareToken(path, stream, true))
  let count = FEWEST
  while (count < own.length) count *= 2
  const fillers = Array.from({ length: count - own.length }, () => randomBytes(TOKEN).toString('base64url'))
  return [...own, ...fillers].sort().join('')
}

/** Anything but a text holds no tokens. Those beyond `MAX_TOKENS` are ignored. */
export function readTokens(text: unknown): ReadonlySet<string> {
  const tokens = new Set<string>()
  if (typeof text !== 'string') return tokens
  for (let at = 0; at + TEXT <= text.length && tokens.size < MAX_TOKENS; at += TEXT)
    tokens.add(text.slice(at, at + TEXT))
  return tokens
}

/** @param isOurs as this side sends it; otherwise as the other side would */
export function shareToken(path: Keyed, stream: Side, isOurs: boolean): string {
  const role = Buffer.from([stream.isInitiator === isOurs ? 1 : 0])
  return hash([PURPOSE, role, path.key, stream.handshakeHash]).subarray(0, TOKEN).toString('base64url')
}
