/** Finds values that nothing but their name gives away: `api_key = …` with something random. */
import { isRandom, isStandIn } from './standIn'

/** Characters before and after the beginning of a run that are looked at. */
const BEFORE = 160
const AFTER = 300

/** Names of values that are secrets, whose form alone says nothing; a part of the value may follow. */
const KEYWORD = new RegExp(
  '(?:secret[_-]?(?:access[_-]?)?key|client[_-]?secret|(?:api|auth|access|refresh|session|bot|bearer|deploy|admin|personal|service)' +
    '[_-]?(?:key|token|secret)|app[_-]?secret|consumer[_-]?secret|signing[_-]?(?:secret|key)|webhook[_-]?secret|' +
    'account[_-]?key|sharedaccess(?:key|signature)|encryption[_-]?key|private[_-]?key|master[_-]?key|' +
    'password|passwd|passphrase|token[_-]?secret|secret|[_-]token|token)[\\w-]{0,12}' +
    '(?:["\'`]?\\s{0,4}(?::=|=>|[:=])\\s{0,4}["\'`]?|["\'`]\\s*,\\s*["\'`])([A-Za-z0-9+/]*)$',
  'i',
)
const REST_OF_VALUE = /^[\w.~+/=-]+/

/** Whether the run that begins at `start` is a random value with a name like a secret's. */
export function isNamedSecret(bytes: Buffer, start: number): boolean {
  if (!isAssigned(bytes, start) || !hasDigitAndLetter(bytes, start)) return false
  const match = KEYWORD.exec(latin1(bytes, start - BEFORE, start))
  if (match === null) return false
  const value = (match[1] ?? '') + (REST_OF_VALUE.exec(latin1(bytes, start, start + AFTER))?.[0] ?? '')
  return looksDrawn(value)
}

/** A quick look at what stands before, which spares most text the pattern: `= `, `: "`, `", '` and the like. */
function isAssigned(bytes: Buffer, start: number): boolean {
  let at = start - 1
  if (bytes[at] === PLUS || bytes[at] === SLASH) {
    while (start - at < BEFORE && isBase64(bytes[at] ?? 0)) at--
    if (bytes[at] === COLON && bytes[at + 1] === SLASH && bytes[at + 2] === SLASH) return false // an address
  }
  if (isQuote(bytes[at] ?? 0)) at--
  for (let spaces = 0; spaces < MOST_SPACES && (bytes[at] === SPACE || bytes[at] === TAB); spaces++) at--
  const before = bytes[at]
  return before === COLON || before === EQUALS || before === COMMA || before === GREATER
}

const [PLUS, SLASH, COLON, EQUALS, COMMA, GREATER, SPACE, TAB] = [
  0x2b, 0x2f, 0x3a, 0x3d, 0x2c, 0x3e, 0x20, 0x09,
]
const MOST_SPACES = 4

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27 || code === 0x60
}

function isBase64(code: number): boolean {
  if (code >= 0x41) return code <= 0x5a || (code >= 0x61 && code <= 0x7a)
  return code === PLUS || (code >= SLASH && code <= 0x39)
}

const MOST_LOOKED_AT = 60

function hasDigitAndLetter(bytes: Buffer, start: number): boolean {
  let digit = false
  let letter = false
  for (let at = start; at < start + MOST_LOOKED_AT; at++) {
    const code = bytes[at] ?? 0
    if (code < 0x2b || code > 0x7e) break
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
