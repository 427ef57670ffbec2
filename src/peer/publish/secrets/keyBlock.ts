/**
 * Finds private keys: a line `-----BEGIN … PRIVATE KEY-----` with a key after it. The line alone, as in documentation,
 * is harmless.
 */
import type { Find } from './secretFind'
import { isStandIn } from './standIn'

/** Bytes before and after a sign within which all that is judged lies. */
export const KEY_REACH = 1024

/**
 * The sign is part of `PRIVATE KEY`, since `indexOf` is five times slower with more than seven bytes, and rarer than its
 * first word.
 */
const SIGNS: readonly (readonly [kind: string, sign: string, around: RegExp])[] = [
  ['A private key', 'ATE KEY', /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/],
]
const BEFORE = 64
/** What stands between the lines of a key where it is quoted in a program, a list or a mail. */
const BETWEEN = /\\+[nrt]|[\s"'`+,>|*#;\\]|\/\//g
/** Lines such as `Proc-Type: 4,ENCRYPTED`, with a space or the end of the line after what they say. */
const HEADERS =
  /^(?:[ \t>|*#"'`+,;]*(?:\\+[nrt]|\r?\n)?[ \t>|*#"'`+,;]*[A-Za-z][A-Za-z-]*: [^\r\n\\]*(?:\\+[nr]|\r?\n|$))+/
/** This many characters of Base64 are a key, whatever follows: one of Ed25519 has 64. */
const SURELY = /^[A-Za-z0-9+/=]{40}/
/** Fewer characters are a key when nothing else stands there. */
const WHOLE = /^[A-Za-z0-9+/=]{3,}$/
const END = '-----END'
/** Words that stand for a key. */
const WORD =
  /^(?:the|private|secret|my|rsa|base64|pem)*(?:key|data|content|body|base64|text|here|snip|omitted|secret)+$/i
/** Fewer different characters are no key. */
const FEWEST_DIFFERENT = 3

/** Where a private key begins, or undefined. */
export function findKeyBlock(bytes: Buffer): Find | undefined {
  for (const [kind, sign, around] of SIGNS) {
    for (let at = bytes.indexOf(sign); at !== -1; at = bytes.indexOf(sign, at + sign.length)) {
      const start = Math.max(0, at - BEFORE)
      const line = around.exec(bytes.toString('latin1', start, Math.min(bytes.length, at + BEFORE)))
      if (line === null) continue
      const end = start + line.index + line[0].length
      if (hasBody(bytes.toString('latin1', end, Math.min(bytes.length, end + KEY_REACH - 2 * BEFORE))))
        return { kind, at: start + line.index }
    }
  }
  return undefined
}

function hasBody(after: string): boolean {
  const text = after.replace(HEADERS, '')
  const end = text.indexOf(END)
  const inside = end === -1 ? text : text.slice(0, end)
  const body = inside.replace(BETWEEN, '')
  if (new Set(body.slice(0, 40)).size < FEWEST_DIFFERENT) return false
  if (SURELY.test(body)) return !isStandIn(body.slice(0, 24).replaceAll('0', 'A'))
  // In words there are spaces, and no line of a key has one.
  return WHOLE.test(body) && !/[^\s] +[^\s]/.test(inside) && !WORD.test(body) && !isStandIn(body)
}
