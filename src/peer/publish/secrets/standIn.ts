/** Tells values that give something away from stand-ins for them, and from text that is not random at all. */

/** What documentation and templates write instead of a value, and what points to a value elsewhere. */
const STAND_IN =
  /x{4,}|0{6,}|\*{3,}|\.{3}|\u2026|[<>{}]|\$[({A-Z_a-z]|%[A-Z_]{3,}%|^(?:null|none|nil|undefined|true|false|\d{1,4})$|your|example|sample|placeholder|change.?(?:me|it|this)|replace|insert|dummy|redacted|removed|hidden|goes.?here|foobar|lorem|not.?a.?(?:real|secret)|fake|deadbeef|0123456|12345678|abcdefg|qwerty|process\.env|os\.environ|getenv|^enc\[|^!|^(?:op|vault|ref|env|file|arn|ssm|secret|secrets|var|data|local|module)(?:[:.]|$)|localhost/i

/** Passwords of examples and of databases on one's own machine. */
const EXAMPLE_PASSWORD =
  /^(?:(?:my|the|some|a|db|user|root|admin|test)?[-_]?(?:p[a@]ss(?:w[o0]rd|wd|code|phrase)?|passwd|pwd|pw|secret|token|key|api[-_]?key|user(?:name)?|root|admin|guest|test(?:ing)?|dev|postgres|mysql|mariadb|mongo(?:db)?|redis|rabbitmq|minio|bar|baz|foo|string|value|default|empty))(?:[-_]?\d{0,3})?$/i

/** Whether a value stands for another, as `xxxx`, `<token>`, `${TOKEN}`, `your-key-here`. */
export function isStandIn(value: string): boolean {
  return value === '' || STAND_IN.test(value)
}

/** The same for passwords that people choose, where `password` and `postgres` are stand-ins too. */
export function isExamplePassword(value: string): boolean {
  return isStandIn(value) || EXAMPLE_PASSWORD.test(value) || variety(value) < 3
}

/** Bits a character, by how often each one occurs. Random letters and digits have about 4 in 20 characters. */
const RANDOM_BITS = 3
/** The part of neighbouring characters that may be equal or follow each other in the alphabet. */
const MOST_IN_ORDER = 0.4

/** Whether a value looks random. Meant for 16 characters and more. */
export function isRandom(value: string): boolean {
  if (isStandIn(value)) return false
  const counts = new Map<number, number>()
  let inOrder = 0
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    counts.set(code, (counts.get(code) ?? 0) + 1)
    const step = at === 0 ? 9 : code - value.charCodeAt(at - 1)
    if (step === 0 || step === 1) inOrder++
  }
  if (inOrder > MOST_IN_ORDER * value.length) return false
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits >= RANDOM_BITS
}

function variety(value: string): number {
  return new Set(value).size
}
