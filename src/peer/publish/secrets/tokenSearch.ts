/**
 * Looks for tokens in all bytes of a text, fast enough to be done for every file that is published: 35 MB of source
 * code take about 25 ms.
 *
 * All tokens are runs of at least 20 characters of one set, and text has few such runs. Only these are judged. To find
 * them, not every byte is read: a window of 20 bytes is read backwards from its end. The first byte outside of the set
 * ends that, and the next window begins right behind it.
 */
import { addressSecret } from './addressSecret'
import { isNamedSecret } from './namedSecret'
import type { Find } from './secretFind'
import { isRandom } from './standIn'
import { TOKEN_KINDS, TOKENS_BY_INSIDE, type TokenKind } from './tokenKinds'

/** Bytes on either side of a border of two chunks within which a token has to be looked for. */
export const TOKEN_REACH = 1024

const RUN = 20
/** Characters before and after a run that are looked at. */
const BEFORE = 32
const AFTER = 700

const IN_RUN = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~')
  IN_RUN[character.charCodeAt(0)] = 1

interface Beginning {
  readonly begin: string
  readonly of: TokenKind
}

/** By their first two bytes. */
const BEGINNINGS = new Map<number, Beginning[]>()
const MAY_BEGIN = new Uint8Array(65536)
for (const of of TOKEN_KINDS) {
  for (const begin of of.begins) {
    const two = (begin.charCodeAt(0) << 8) | begin.charCodeAt(1)
    MAY_BEGIN[two] = 1
    BEGINNINGS.set(two, [...(BEGINNINGS.get(two) ?? []), { begin, of }])
  }
}

/** The first secret in these bytes that is one wherever it stands, or undefined. */
export function findToken(bytes: Buffer): Find | undefined {
  const token = findRun(bytes)
  const address = addressSecret(bytes)
  if (token === undefined || address === undefined) return token ?? address
  return token.at < address.at ? token : address
}

function findRun(bytes: Buffer): Find | undefined {
  const last = bytes.length - 1
  /** All is done up to this byte. */
  let border = -1
  /** Whether a run can begin right after the border; else the border lies in the middle of a run. */
  let mayBegin = true
  while (border + RUN <= last) {
    let at = border + RUN
    while (at > border && IN_RUN[bytes[at] as number] !== 0) at--
    if (at > border) {
      border = at
      mayBegin = true
      continue
    }
    const found = mayBegin ? judgeRun(bytes, border + 1) : undefined
    if (found !== undefined) return found
    border += RUN
    mayBegin = false
  }
  return undefined
}

/** Judges the run that begins there. In `\nghp_…` and `%20ghp_…` what belongs to the escape is no part of it. */
function judgeRun(bytes: Buffer, start: number): Find | undefined {
  const before = bytes[start - 1]
  const skipped = before === 0x5c ? 1 : before === 0x25 ? 2 : 0
  return judgeAt(bytes, start) ?? (skipped > 0 ? judgeAt(bytes, start + skipped) : undefined)
}

function judgeAt(bytes: Buffer, start: number): Find | undefined {
  const two = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0)
  const kind =
    (MAY_BEGIN[two] === 1 ? byBeginning(bytes, start, BEGINNINGS.get(two) ?? []) : undefined) ??
    byInside(bytes, start) ??
    (isNamedSecret(bytes, start) ? 'What looks like a key or a password' : undefined)
  return kind === undefined ? undefined : { kind, at: start }
}

function byBeginning(bytes: Buffer, start: number, possible: readonly Beginning[]): string | undefined {
  for (const { begin, of } of possible) {
    if (!standsAt(bytes, start, begin)) continue
    const match = of.rest.exec(latin1(bytes, start + begin.length, start + AFTER))?.[0]
    if (match === undefined || !isRandom(match)) continue
    if (of.before !== undefined && !of.before.test(latin1(bytes, start - BEFORE, start))) continue
    if (of.judge === undefined || of.judge(begin + match)) return of.kind
  }
  return undefined
}

function byInside(bytes: Buffer, start: number): string | undefined {
  for (const { kind, at, inside, whole } of TOKENS_BY_INSIDE) {
    if (!standsAt(bytes, start + at, inside)) continue
    const match = whole.exec(latin1(bytes, start, start + AFTER))?.[0]
    if (match !== undefined && isRandom(match)) return kind
  }
  return undefined
}

function standsAt(bytes: Buffer, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text.charCodeAt(at)) return false
  return true
}

function latin1(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', Math.max(0, start), Math.min(end, bytes.length))
}
