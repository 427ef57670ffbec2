/** Finds addresses that give something away: a password in `postgres://user:password@host`, web hooks, OTP seeds. */

import type { Find } from './secretFind'
import { isExamplePassword, isStandIn } from './standIn'

const SEPARATOR = '://'
/** Characters of an address that are looked at, and of its scheme. */
const MOST = 400
const MOST_OF_SCHEME = 20

/** Addresses whose path is the secret. */
const HOOKS: readonly (readonly [kind: string, address: RegExp])[] = [
  ['The address of a Slack web hook', /^hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{20,}/],
  [
    'The address of a Discord web hook',
    /^(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/\d{15,}\/[\w-]{40,}/,
  ],
  [
    'The address of a Teams web hook',
    /^[\w-]+\.webhook\.office\.com\/webhookb2\/[\w@-]{30,}\/IncomingWebhook\/\w{20,}/i,
  ],
  ['The address of a bot', /^api\.telegram\.org\/bot\d{8,}:[\w-]{30,}/],
  ['The seed of one-time passwords', /^(?:totp|hotp)\/[^\s"'?]*\?(?:[^\s"']*&)?secret=[A-Z2-7]{16,}/i],
]

const USER_INFO = /^([^\s/:@"'`<>()]*):([^\s/@"'`<>]{1,200})@([\w.[\]-]+)/
/** Hosts of examples, and this machine. */
const NO_HOST =
  /^(?:localhost|127\.|0\.0\.0\.0|\[?::1|host(?:name)?$|.*\.?host\.docker\.internal|(?:[\w-]+\.)*(?:example|test|invalid|localhost|foo|bar)(?:\.(?:com|org|net|edu))?$|(?:www\.)?(?:my|your)[\w.-]*$)/i

/** The first such address, or undefined. */
export function addressSecret(bytes: Buffer): Find | undefined {
  for (let at = bytes.indexOf(SEPARATOR); at !== -1; at = bytes.indexOf(SEPARATOR, at + SEPARATOR.length)) {
    const kind = judge(bytes, at + SEPARATOR.length)
    if (kind !== undefined) return { kind, at: startOfScheme(bytes, at) }
  }
  return undefined
}

function startOfScheme(bytes: Buffer, colon: number): number {
  let start = colon
  while (start > 0 && colon - start < MOST_OF_SCHEME && isOfScheme(bytes[start - 1] ?? 0)) start--
  return start
}

function isOfScheme(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x2b || code === 0x2d
}

function judge(bytes: Buffer, start: number): string | undefined {
  const text = bytes.toString('latin1', start, Math.min(start + MOST, bytes.length))
  const hook = HOOKS.find(([, address]) => address.test(text))
  if (hook !== undefined)
    return isStandIn((hook[1].exec(text)?.[0] ?? '').toLowerCase()) ? undefined : hook[0]
  const match = USER_INFO.exec(text)
  if (match === null) return undefined
  const [, user = '', password = '', host = ''] = match
  if (NO_HOST.test(host) || password.length < 5 || password === user) return undefined
  if (isExamplePassword(password) || !/[\d\W_]|[a-z][A-Z]|[A-Z][a-z].*[A-Z]/.test(password)) return undefined
  return 'A password inside an address'
}
