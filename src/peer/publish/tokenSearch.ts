/**
 * Looks for tokens in all bytes of a text, fast enough to be done for every file that is published: 35 MB of source
 * code take about 25 ms.
 *
 * All tokens are runs of at least 20 characters of one set, and text has few of those. So only every run of 20 or more
 * is looked at, and to find them not every byte is: a window of 20 bytes is read from its end, and the first byte from
 * there that is outside of the set is where the next window can begin.
 */
import { addressSecret } from './addressSecret'
import type { Find } from './secretFind'
import { isRandom, isStandIn } from './standIn'
import { TOKEN_KINDS, TOKENS_BY_INSIDE, type TokenKind } from './tokenKinds'

/** Bytes on either side of a border of two chunks within which a token has to be looked for. */
export const TOKEN_REACH = 1024

const RUN = 20
/** Characters before and after a run that are looked at. */
const BEFORE = 160
const AFTER = 700

const IN_RUN = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~')
  IN_RUN[character.charCodeAt(0)] = 1

/** By their first two bytes; those of one letter are in each that it begins. */
const BY_BEGIN = new Map<number, TokenKind[]>()
const BEGINS = new Uint8Array(65536)
for (const kind of TOKEN_KINDS) {
  for (const begin of kind.begins) {
    const first = begin.charCodeAt(0) << 8
    const seconds = begin.length > 1 ? [begin.charCodeAt(1)] : [...IN_RUN.keys()].filter(code => IN_RUN[code])
    for (const second of seconds) {
      BEGINS[first | second] = 1
      BY_BEGIN.set(first | second, [...(BY_BEGIN.get(first | second) ?? []), { ...kind, begins: [begin] }])
    }
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
  /** Before this all is done. */
  let border = -1
  /** Whether a run can begin right after the border; else the border lies in the middle of a run. */
  let mayBegin = true
  while (border + RUN <= last) {
    let at = border + RUN
    while (at > border && IN_RUN[bytes[at] as number] === 1) at--
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
  const begin = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0)
  const kind =
    (BEGINS[begin] === 1 ? byBegin(bytes, start, BY_BEGIN.get(begin) ?? []) : undefined) ??
    byInside(bytes, start) ??
    byKeyword(bytes, start)
  return kind === undefined ? undefined : { kind, at: start }
}

function byBegin(bytes: Buffer, start: number, kinds: readonly TokenKind[]): string | undefined {
  const text = latin1(bytes, start, start + AFTER)
  for (const { kind, begins, rest, before, judge } of kinds) {
    const begin = begins.find(begin => text.startsWith(begin))
    if (begin === undefined) continue
    const match = rest.exec(text.slice(begin.length))?.[0]
    if (match === undefined || !isRandom(match)) continue
    if (before !== undefined && !before.test(latin1(bytes, start - BEFORE, start))) continue
    if (judge === undefined || judge(begin + match)) return kind
  }
  return undefined
}

function byInside(bytes: Buffer, start: number): string | undefined {
  for (const { kind, at, inside, whole } of TOKENS_BY_INSIDE) {
    if (bytes[start + at] !== inside.charCodeAt(0) || bytes[start + at + 1] !== inside.charCodeAt(1)) continue
    const match = whole.exec(latin1(bytes, start, start + AFTER))?.[0]
    if (match !== undefined && isRandom(match)) return kind
  }
  return undefined
}

/** Names of values that are secrets, whose form alone says nothing; a part of the value may follow. */
const KEYWORD = new RegExp(
  '(?:secret[_-]?(?:access[_-]?)?key|client[_-]?secret|(?:api|auth|access|refresh|session|bot|bearer|deploy|admin|personal|service)' +
    '[_-]?(?:key|token|secret)|app[_-]?secret|consumer[_-]?secret|signing[_-]?(?:secret|key)|webhook[_-]?secret|' +
    'account[_-]?key|sharedaccess(?:key|signature)|encryption[_-]?key|private[_-]?key|master[_-]?key|' +
    'password|passwd|passphrase|token[_-]?secret|secret|[_-]token|token)[\\w-]{0,12}' +
    '(?:["\'`]?\\s{0,4}(?::=|=>|[:=])\\s{0,4}["\'`]?|["\'`]\\s*,\\s*["\'`]|\\s+)((?:bearer\\s+|basic\\s+)?[A-Za-z0-9+/]*)$',
  'i',
)
const REST_OF_VALUE = /^[\w.~+/=-]+/

/** Whether it is the value of something named like a secret, and random. */
function byKeyword(bytes: Buffer, start: number): string | undefined {
  const separator = bytes[start - 1]
  if (separator === undefined || MAY_STAND_BEFORE[separator] !== 1) return undefined
  if (!hasDigitAndLetter(bytes, start)) return undefined
  const match = KEYWORD.exec(latin1(bytes, start - BEFORE, start))
  if (match === null) return undefined
  const value = (match[1] ?? '') + (REST_OF_VALUE.exec(latin1(bytes, start, start + AFTER))?.[0] ?? '')
  return looksDrawn(value) ? 'What looks like a key or a password' : undefined
}

const MAY_STAND_BEFORE = new Uint8Array(256)
for (const character of '"\'`=: /+\t') MAY_STAND_BEFORE[character.charCodeAt(0)] = 1

function hasDigitAndLetter(bytes: Buffer, start: number): boolean {
  let digit = false
  let letter = false
  for (let at = start; at < start + 3 * RUN; at++) {
    const code = bytes[at] ?? 0
    if (IN_RUN[code] !== 1) break
    if (code >= 0x30 && code <= 0x39) digit = true
    else if (code >= 0x41) letter = true
  }
  return digit && letter
}

/** Random, and no name: words with digits between them, an address, a path, a version. */
function looksDrawn(value: string): boolean {
  if (!isRandom(value) || isStandIn(value)) return false
  if (/^[\w-]+(?:\.[\w-]+)+$/.test(value) && !/[A-Za-z]\d[A-Za-z]|\d[A-Za-z]\d/.test(value)) return false
  if (/^[a-z]*\d*(?:[_-][a-z]*\d*)+$|^[A-Z]*\d*(?:[_-][A-Z]*\d*)+$/.test(value)) return false
  const digits = value.replace(/\D/g, '').length
  return (
    digits >= (value.length < 32 ? 2 : 1) &&
    digits < value.length - 2 &&
    longestWord(value) <= 5 + value.length / 8
  )
}

/** The longest stretch of lower-case letters, or of upper-case ones: random values have short ones, nearly always. */
function longestWord(value: string): number {
  return Math.max(0, ...(value.match(/[a-z]+|[A-Z]+/g) ?? []).map(word => word.length))
}

function latin1(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', Math.max(0, start), Math.min(end, bytes.length))
}
