/**
 * The tables of the secrets filter: names that give a secret away, and what tells a secret from a harmless file of
 * the same name. To add one, add a line. All patterns meet names in lower case.
 */

/** Names of files that are secrets whatever is in them. */
const SECRET_FILES: readonly (readonly [name: RegExp, what: string])[] = [
  [/^\.env(?!.*\.(example|sample|template)$)/, 'Environment files hold passwords and keys.'],
  [
    /^id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk)(?!.*\.pub$)([._-].*)?$/,
    'It is named like a private SSH key.',
  ],
  [/\.ppk$/, 'It is a private key of PuTTY.'],
  [/\.(p12|pfx|p8)$/, 'It is a container of private keys.'],
  [/\.(jks|keystore)$/, 'It is a Java key store.'],
  [/\.kdbx?$/, 'It is a password database.'],
  [/^secring\.gpg$/, 'It is a private key ring.'],
  [
    /^(application_default_credentials\.json|access_tokens\.db|credentials\.db)$/,
    'It holds cloud credentials.',
  ],
  [/^\.(htpasswd|pgpass|vault-token|s3cfg|boto|dockercfg)$/, 'It holds passwords or access tokens.'],
]

/** Folders in which everything is a secret. */
const SECRET_FOLDERS: ReadonlyMap<string, string> = new Map([
  ['.aws', 'The folder holds cloud credentials.'],
  ['.azure', 'The folder holds cloud credentials.'],
  ['.config/gcloud', 'The folder holds cloud credentials.'],
  ['.gcloud', 'The folder holds cloud credentials.'],
  ['.ssh', 'The folder holds SSH keys and the names of machines.'],
  ['.gnupg', 'The folder holds private keys.'],
])

/** Files that are secrets in one folder only, given as the end of their path. */
const SECRET_PATHS: ReadonlyMap<string, string> = new Map([
  ['.kube/config', 'It holds the credentials of a cluster.'],
  ['.docker/config.json', 'It holds the credentials of image registries.'],
  ['.config/gh/hosts.yml', 'It holds an access token.'],
  ['.config/rclone/rclone.conf', 'It holds passwords of remote storage.'],
  ['.cargo/credentials', 'It holds an access token.'],
  ['.cargo/credentials.toml', 'It holds an access token.'],
  ['.gem/credentials', 'It holds an access token.'],
  ['.terraform.d/credentials.tfrc.json', 'It holds an access token.'],
])

/** A value that is there and is not merely a reference to the environment, as in `_authToken=${NPM_TOKEN}`. */
const VALUE = String.raw`["']?(?!["'\s]|\$\{|%)[^\s"']`

/** Files that are secrets when their content says so; the text is at most their first 256 KiB, read as Latin-1. */
const JUDGED: readonly (readonly [name: RegExp, judge: (text: string) => string | undefined])[] = [
  [/^\.npmrc$/, holds(new RegExp(String.raw`_(?:authToken|auth|password)[ \t]*=[ \t]*${VALUE}`, 'i'))],
  [/^\.yarnrc\.yml$/, holds(new RegExp(String.raw`npmAuth(?:Token|Ident)["']?[ \t]*:[ \t]*${VALUE}`, 'i'))],
  [/^[._]netrc$/, holds(/\bpassword\s+\S/i)],
  [/^\.pypirc$/, holds(new RegExp(String.raw`\bpassword[ \t]*[=:][ \t]*${VALUE}`, 'i'))],
  [/^\.git-credentials$/, holds(/^[a-z][a-z0-9+.-]*:\/\/[^\s/@]+@/im)],
  [/\.(pem|key)$/, judgeKeyFile],
]

function holds(token: RegExp): (text: string) => string | undefined {
  return text => (token.test(text) ? 'It holds a password or an access token.' : undefined)
}

/** Harmless: certificates and public keys only, and Keynote presentations (`.key`), which are zip files. */
function judgeKeyFile(text: string): string | undefined {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(match => match[1] ?? '')
  const isPublic = (label: string) =>
    /(CERTIFICATE|CERTIFICATE REQUEST|PUBLIC KEY|PUBLIC KEY BLOCK|PARAMETERS|CRL|PKCS7)$/.test(label)
  if (labels.length > 0 && labels.every(isPublic)) return undefined
  if (text === '' || text.startsWith('PK\x03\x04')) return undefined
  return 'It is named like a private key, and its content does not show that it is a public one.'
}

/**
 * The reason why a path is a secret by its name alone, as a sentence, or undefined.
 *
 * @param drivePath `/` separated, starting with `/`; a folder's ends with `/`
 */
export function secretByName(drivePath: string): string | undefined {
  const path = drivePath.toLowerCase()
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (path.includes('/.')) {
    for (const [folder, what] of SECRET_FOLDERS) if (path.includes(`/${folder}/`)) return what
    for (const [end, what] of SECRET_PATHS) if (path.endsWith(`/${end}`)) return what
  }
  if (name === '') return undefined
  for (const [pattern, what] of SECRET_FILES) if (pattern.test(name)) return what
  return undefined
}

/** Whether a file of this name is judged by what is in it. */
export function judgedByContent(drivePath: string): boolean {
  return judgeOf(drivePath) !== undefined
}

/** Judges the text of a file for which `judgedByContent` says yes; undefined: no secret. */
export function judgeContent(drivePath: string, text: string): string | undefined {
  return judgeOf(drivePath)?.(text)
}

function judgeOf(drivePath: string): ((text: string) => string | undefined) | undefined {
  const name = drivePath.slice(drivePath.lastIndexOf('/') + 1).toLowerCase()
  return JUDGED.find(([pattern]) => pattern.test(name))?.[1]
}
