/**
 * Files that are secrets when their content says so: those of some names, and some kinds of configuration. Each line
 * tells a secret from a harmless file of the same name. To add one, add a line.
 */
import { plainName, possibleNames } from './plainName'
import type { Find } from './secretFind'
import { isExamplePassword, isRandom, isStandIn } from './standIn'

type Judge = (text: string) => Find | undefined

const PASSWORD = 'A password or an access token'

/** A value that is there and is not merely a reference to the environment, as in `_authToken=${NPM_TOKEN}`. */
const VALUE = String.raw`["']?(?!["'\s]|\$[{A-Za-z]|%)([^\s"']+)`

/** What a password stands after. The value is the one of the three groups that is there. */
const NAMED = new RegExp(
  String.raw`(?:pass(?:w(?:or)?d|phrase|wd)?|pwd|psk|secret|token|credentials?|(?:api|access|account|auth|secret|private|encryption|signing)[_.-]?key|auth)["']?[ \t]*(?:=>|:=|[:=])[ \t]*` +
    String.raw`(?:"([^"\n]{4,})"|'([^'\n]{4,})'|([^\s"'#;,]{4,}))`,
  'gi',
)

/** Judged when a folder is scanned: few files have these names, and they are small. */
const BY_NAME: readonly (readonly [name: RegExp, judge: Judge])[] = [
  [/^\.npmrc$/, holds(new RegExp(String.raw`_(?:authToken|auth|password)[ \t]*=[ \t]*${VALUE}`, 'i'))],
  [/^\.yarnrc\.yml$/, holds(new RegExp(String.raw`npmAuth(?:Token|Ident)["']?[ \t]*:[ \t]*${VALUE}`, 'i'))],
  [/^\.bunfig\.toml$|^bunfig\.toml$/, holds(new RegExp(String.raw`token[ \t]*=[ \t]*${VALUE}`, 'i'))],
  [/^[._]netrc$/, holds(/\bpassword\s+\S/i)],
  [/^\.pypirc$/, holds(new RegExp(String.raw`\bpassword[ \t]*[=:][ \t]*${VALUE}`, 'i'))],
  [/^\.git-credentials$/, holds(/^[a-z][a-z0-9+.-]*:\/\/[^\s/@]+@/im)],
  [/^\.?envrc$/, holds(/^[ \t]*(?:export[ \t]+)?(?!PATH)[A-Z_][A-Z0-9_]*=(?!["']?(?:\$|["']?\s*$))\S/m)],
  [/^\.?my\.cnf$|^\.curlrc$|^\.wgetrc$|^\.fetchmailrc$|^\.?msmtprc$|^\.mbsyncrc$|^\.offlineimaprc$/, named],
  [
    /^wpa_supplicant.*\.conf$|\.nmconnection$|^hostapd\.conf$/,
    holds(/\b(?:psk|passphrase|password)[ \t]*=[ \t]*\S{8}/),
  ],
  [/^\.?s?ftp(?:-config)?\.json$|^local\.settings\.json$|\.remmina$|^gradle\.properties$/, named],
  [
    /^(?:key(?:store)?|signing|secrets?|local)\.properties$|^secrets?\.(?:ya?ml|json|toml|ini|txt|conf)$/,
    named,
  ],
  [/^credentials(?:\.(?:json|ya?ml|toml|ini|txt))?$|^\.?sentryclirc$|^\.condarc$/, named],
  [
    /^auth\.json$/,
    holds(
      /"(?:http-basic|github-oauth|gitlab-token|bearer|access_token|refresh_token|token|key)"\s*:\s*[{"]\s*"?[^"\s}]{6}/,
    ),
  ],
  [/^tokens?(?:\.(?:json|txt|pickle))?$/, tokenFile],
  [
    /^(?:pass(?:word|wd)?|auth-user-pass|secret)(?:\.txt)?$/,
    holds(/^[^\s<>{}$]{6,}[ \t]*\r?\n?(?:[^\s<>{}$]{6,}\s*)?$/),
  ],
  [/^(?:cookies|web data)$/, holds(/^SQLite format 3/)],
  [/\.tfvars(?:\.json)?$/, named],
  [/^config\.json$/, holds(/"auths"\s*:\s*\{[\s\S]*"(?:auth|identitytoken|password)"\s*:\s*"[^"<$]{8,}"/)],
  [/\.(?:pem|key)$/, judgeKeyFile],
]

/** Judged when a file is published, by the ending of its name. */
const BY_ENDING: readonly (readonly [endings: RegExp, judge: Judge])[] = [
  [/\.(?:ya?ml|json|jsonc)$/, clusterSecret],
  [/\.json$/, jsonSecret],
  [/\.csv$/, passwordList],
  [/\.(?:conf|cnf|ini|cfg|config|xml|json|properties|toml)$/, configuration],
  [/\.(?:rdp)$/, holds(/^password 51:b:[0-9A-F]{20}/im)],
]

const BY_ENDING_AT_ALL = /\.(?:ya?ml|jsonc?|csv|conf|cnf|ini|cfg|config|xml|properties|toml|rdp)$/

/** Whether the content of a file of this name is looked at before anything is shared. `path` in lower case. */
export function judgedByName(path: string): boolean {
  return judgeOfName(path) !== undefined
}

/**
 * Judges the text of a file of any name; undefined: no secret.
 *
 * @param path in lower case
 * @param text its first 256 KiB, read as Latin-1
 */
export function judgeFile(path: string, text: string): Find | undefined {
  const name = plainName(path.slice(path.lastIndexOf('/') + 1))
  const byName = judgeOfName(path)?.(text)
  if (byName !== undefined || !BY_ENDING_AT_ALL.test(name)) return byName
  for (const [ending, judge] of BY_ENDING) {
    const found = ending.test(name) ? judge(text) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether `judgeFile` needs to be asked. `path` in lower case. */
export function isJudged(path: string): boolean {
  const name = plainName(path.slice(path.lastIndexOf('/') + 1))
  return BY_ENDING_AT_ALL.test(name) || judgedByName(path)
}

/** What all names of BY_NAME have, to spare others the patterns. */
const MAY_BE_JUDGED =
  /rc$|^_netrc|\.toml$|\.cnf|credentials|conf$|ftp|settings\.json|remmina|properties$|^secrets?|nmconnection|^auth|^token|^pass|^cookies|^web data|tfvars|^config\.json|\.yml$|\.pem$|\.key$/

function judgeOfName(path: string): Judge | undefined {
  const name = plainName(path.slice(path.lastIndexOf('/') + 1))
  for (const possible of possibleNames(name)) {
    if (!MAY_BE_JUDGED.test(possible)) continue
    const judged = BY_NAME.find(([pattern]) => pattern.test(possible))
    if (judged !== undefined) return judged[1]
  }
  return undefined
}

function holds(pattern: RegExp, kind = PASSWORD): Judge {
  return text => {
    const at = text.search(pattern)
    return at === -1 ? undefined : { kind, at }
  }
}

/** The first value that is named like a secret and is no stand-in. */
function named(text: string): Find | undefined {
  for (const match of text.matchAll(NAMED)) {
    const value = match[1] ?? match[2] ?? match[3] ?? ''
    if (!isReference(value) && !isExamplePassword(value)) return { kind: PASSWORD, at: match.index }
  }
  return undefined
}

/** Whether it names a value that is kept elsewhere: a variable, a function, a path, an address. */
function isReference(value: string): boolean {
  return /^(?:[$%{[(!@]|[\w-]+\(|[a-z]+:\/\/|\.{0,2}\/|~\/)|^(?:true|false|null|none|required|optional|auto|disabled?|enabled?|basic|bearer|prompt)$/i.test(
    value,
  )
}

function tokenFile(text: string): Find | undefined {
  const trimmed = text.trim()
  if (/^[\w.~+/=-]{16,}$/.test(trimmed)) return isRandom(trimmed) ? { kind: PASSWORD, at: 0 } : undefined
  return /^[{[]/.test(trimmed) ? named(text) : undefined
}

/** Secrets of Kubernetes, and what opens a cluster. */
function clusterSecret(text: string): Find | undefined {
  if (!text.includes('Secret') && !text.includes('users')) return undefined
  if (text.includes('ENC[AES256_GCM')) return undefined
  const secret = /^[ \t]*["']?kind["']?:[ \t]*["']?Secret\b(?!\w)["']?,?[ \t]*$/m.exec(text)
  if (secret !== null) {
    const data = /["']?\b(?:data|stringData)["']?:[ \t]*\{?[ \t]*\r?\n?((?:[ \t]+.*\r?\n?|[^\n]*\}\s*)+)/g
    for (const [, values = ''] of text.matchAll(data))
      for (const [, value = ''] of values.matchAll(/["']?[\w.-]+["']?:[ \t]*["']?([^\s"'|>]{4,})/g))
        if (!isReference(value) && !isExamplePassword(decoded(value)))
          return { kind: 'A secret of Kubernetes', at: secret.index }
  }
  if (!/\bclusters\b["']?:/.test(text) || !/\busers\b["']?:/.test(text)) return undefined
  const user = /\b(?:client-key-data|token|password)["']?:[ \t]*["']?([^\s"']{6,})/g
  for (const match of text.matchAll(user))
    if (!isExamplePassword(match[1] ?? '')) return { kind: 'The credentials of a cluster', at: match.index }
  return undefined
}

/** The text that a value in Base64 stands for: Base64 of a stand-in is a stand-in too. */
function decoded(value: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) return value
  const text = Buffer.from(value, 'base64').toString('latin1').trim()
  return /^[\x20-\x7e]+$/.test(text) ? text : value
}

/** Searching for words is many times faster than the patterns they stand in. */
const JSON_WORDS = ['"kty"', '"encrypted"', '"kdf"', '"auths"']

function jsonSecret(text: string): Find | undefined {
  if (!JSON_WORDS.some(word => text.includes(word)) && !/^\s*\[\s*\d/.test(text)) return undefined
  const key = /"kty"\s*:\s*"(?:RSA|EC|OKP|oct)"/.exec(text)
  if (key !== null && /"[dk]"\s*:\s*"[\w-]{20,}"/.test(text))
    return { kind: 'A private key (JWK)', at: key.index }
  if (/^\s*\[\s*(?:\d{1,3}\s*,\s*){63}\d{1,3}\s*\]\s*$/.test(text))
    return { kind: 'The key of a wallet', at: 0 }
  if (/"encrypted"\s*:\s*false/.test(text) && /"login"\s*:\s*\{/.test(text))
    return { kind: 'An exported list of passwords', at: 0 }
  if (/"ciphertext"\s*:/.test(text) && /"kdf"\s*:/.test(text) && /"mac"\s*:/.test(text))
    return { kind: 'The key of a wallet', at: 0 }
  const auths = /"auths"\s*:\s*\{[\s\S]*?"auth"\s*:\s*"([A-Za-z0-9+/=]{8,})"/.exec(text)
  if (auths !== null && !isStandIn(auths[1] ?? ''))
    return { kind: 'The password of an image registry', at: auths.index }
  return undefined
}

/** A list that a browser or a keeper of passwords exported. */
function passwordList(text: string): Find | undefined {
  const [header = '', first = ''] = text.split(/\r?\n/, 2)
  const columns = header
    .toLowerCase()
    .split(',')
    .map(column => column.replaceAll('"', '').trim())
  const has = (...names: string[]) => columns.some(column => names.includes(column))
  if (first.trim() === '') return undefined
  if (
    has('password', 'login_password') &&
    has('url', 'login_uri', 'website', 'web site', 'title', 'name', 'httprealm')
  )
    return { kind: 'An exported list of passwords', at: 0 }
  return has('secret access key') ? { kind: 'An AWS access key', at: 0 } : undefined
}

function configuration(text: string): Find | undefined {
  if (!CONFIGURED_WORDS.some(word => text.includes(word))) return undefined
  for (const [kind, pattern] of CONFIGURED) {
    for (const match of text.matchAll(pattern)) {
      const value = match[1] ?? ''
      const isKey = /^[A-Za-z0-9+/]{43}=$/.test(value) // may begin like a path
      if ((isKey || !isReference(value)) && !isExamplePassword(value)) return { kind, at: match.index }
    }
  }
  return undefined
}

const CONFIGURED_WORDS = [
  'assword',
  'ASSWORD',
  'assphrase',
  'Key',
  'KEY',
  'Pass',
  'pwd',
  'Pwd',
  'PWD',
  '\ntype = ',
]

/** The value is the first group. */
const CONFIGURED: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['A private key of WireGuard', /^[ \t]*(?:PrivateKey|PresharedKey)[ \t]*=[ \t]*([A-Za-z0-9+/]{43}=)/gim],
  ['A password', /<(?:password|passphrase|Pass)(?: [^>]*)?>([^<\s]{4,})<\/(?:password|passphrase|Pass)>/gi],
  ['A password', /key="(?:ClearText)?Password"\s+value="([^"]{4,})"/gi],
  ['A password', /\b(?:server|data source|host|addr(?:ess)?)=[^"'\n]*?;\s*(?:password|pwd)=([^;"'\n]{4,})/gi],
  ['A password', /\b(?:password|pwd)=([^;"'\n]{4,});[^"'\n]*\b(?:server|data source|host)=/gi],
  ['A password', /^\[(?:client|mysql|mysqldump)\][^[]*?^[ \t]*password[ \t]*=[ \t]*["']?([^\s"']{4,})/gim],
  [
    'A key of rclone',
    /^\[[^\]\n]+\]\s*\ntype = [^[]*?^(?:pass(?:word)?2?|token|secret_access_key|client_secret|key) = (\S{8,})/gim,
  ],
]

/**
 * Judges `.pem` and `.key` files. Harmless are certificates and public keys, presentations (`.key`, which are zip
 * files) and text in words, such as translations. A private key among certificates is found by its first line.
 */
function judgeKeyFile(text: string): Find | undefined {
  const kind = 'What looks like a private key'
  if (text === '' || text.startsWith('PK\x03\x04')) return undefined
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return undefined
  // Bytes of ASN.1, as keys have them outside of text.
  if (/^\x30[\x81-\x84\x20-\x7f]/.test(text) && /[\x7f-\xff]/.test(text)) return { kind, at: 0 }
  const found = /^[ \t]*([A-Za-z0-9+/_-]{16,}={0,2})[ \t]*$/m.exec(text)
  return found === null ? undefined : { kind, at: found.index }
}
