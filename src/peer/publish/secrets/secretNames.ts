/**
 * Names and places that give a secret away, whatever is in the file. To add one, add a line. All are in lower case,
 * and meet names without what editors and backups add to them (plainName.ts).
 */
import { plainName, possibleNames } from './plainName'

const HISTORY = 'It is the history of a shell or a database, in which passwords stand as they were typed.'
const ENVIRONMENT = 'Environment files hold passwords and keys.'
const TOKENS = 'It holds an access token.'
const PASSWORDS = 'It holds passwords.'
const CLOUD = 'It holds cloud credentials.'
const BROWSER = 'It is a part of a browser’s profile, which holds passwords and sessions.'
const KEYS = 'It is a container of private keys.'
const WALLET = 'It is a wallet.'

/** Names in full. */
const NAMES: ReadonlyMap<string, string> = byName([
  [ENVIRONMENT, '.flaskenv', '.dev.vars', '.dev.vars.production', '.prod.vars', '.secret.local'],
  [ENVIRONMENT, 'env.production', 'env.prod', 'env.local', 'env.development', 'env.dev', 'env.staging'],
  [
    HISTORY,
    ...[
      '.bash_history',
      '.zsh_history',
      '.sh_history',
      '.ksh_history',
      '.ash_history',
      '.history',
      'fish_history',
    ],
    ...[
      '.psql_history',
      '.mysql_history',
      '.mariadb_history',
      '.sqlite_history',
      '.rediscli_history',
      '.dbshell',
    ],
    ...[
      '.mongosh_history',
      '.python_history',
      '.node_repl_history',
      '.irb_history',
      '.pry_history',
      '.irb-history',
    ],
    ...[
      '.php_history',
      '.rhistory',
      '.scapy_history',
      '.duckdb_history',
      '.influx_history',
      '.cqlsh_history',
    ],
    ...['consolehost_history.txt', '.zhistory', '.histfile', '.viminfo'],
  ],
  [
    PASSWORDS,
    '.htpasswd',
    'htpasswd',
    '.htdigest',
    '.pgpass',
    'pgpass.conf',
    '.mylogin.cnf',
    '.smbcredentials',
  ],
  [
    PASSWORDS,
    'master.passwd',
    'ntds.dit',
    'sitemanager.xml',
    'recentservers.xml',
    'confcons.xml',
    'winscp.ini',
  ],
  [PASSWORDS, '.authinfo', '.vault_pass', '.vault_password', '.vault-pass', '.vault-password', '.ftpconfig'],
  [
    TOKENS,
    '.vault-token',
    '.dockercfg',
    '.dockerconfigjson',
    '.terraformrc',
    'terraform.rc',
    '.databrickscfg',
  ],
  [TOKENS, 'credentials.tfrc.json', 'kaggle.json', '.claude.json', 'oauth_creds.json'],
  [
    CLOUD,
    '.s3cfg',
    '.boto',
    '.passwd-s3fs',
    '.ossutilconfig',
    'rclone.conf',
    'accesskeys.csv',
    'rootkey.csv',
  ],
  [CLOUD, 'application_default_credentials.json', 'access_tokens.db', 'credentials.db', 'accesstokens.json'],
  [CLOUD, 'azureprofile.json', 'new_user_credentials.csv', 'credentials.csv'],
  [WALLET, 'wallet.dat', 'default_wallet'],
  [KEYS, 'secring.gpg', 'secring.skr', 'wireguard.key', 'privatekey', 'private_key', 'private-key'],
  [KEYS, 'master.key', 'kdewallet.kwl'],
  [BROWSER, 'key3.db', 'key4.db', 'logins.json', 'logins-backup.json', 'signons.sqlite', 'login data'],
  [
    BROWSER,
    'cookies.sqlite',
    'cookies.sqlite-wal',
    'login data for account',
    'formhistory.sqlite',
    'cookies.binarycookies',
  ],
])

/** How names end, from a dot on. */
const ENDINGS: ReadonlyMap<string, string> = byName([
  [ENVIRONMENT, '.env'],
  ['It is a private key of PuTTY.', '.ppk'],
  [KEYS, '.p12', '.pfx', '.p8', '.pvk', '.snk', '.keytab', '.pkcs12'],
  ['It is a Java key store.', '.jks', '.keystore', '.jceks', '.bks'],
  [
    'It is a password database.',
    '.kdbx',
    '.kdb',
    '.psafe3',
    '.agilekeychain',
    '.opvault',
    '.1pux',
    '.1pif',
    '.enpassdb',
  ],
  ['It is a keychain.', '.keychain', '.keychain-db', '.keyring'],
  ['It is the state of Terraform, in which passwords and keys stand as they are.', '.tfstate'],
  [PASSWORDS, '.htpasswd', '.pgpass'],
  [CLOUD, '.publishsettings', '.boto'],
])

/** Names that a pattern tells. */
const PATTERNS: readonly (readonly [name: RegExp, what: string])[] = [
  [/^\.env(?!\.vault$)(?:[._-]|\d*$)/, ENVIRONMENT],
  [
    /^id_(?:rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk)(?!.*\.pub$)(?:[._-].*)?$/,
    'It is named like a private SSH key.',
  ],
  [/^ssh_host_[a-z0-9]+_key$/, 'It is named like a private SSH key.'],
  [/^(?:[\w.@-]+_)?(?:accesskeys|credentials)(?:[_-][\w-]+)?\.csv$/, CLOUD],
  [
    /vault[_.-]?pass(?:word|wd|phrase)?(?:[_-]?file)?(?:\.(?:txt|yml|yaml))?$/,
    'It is named like the password of a vault.',
  ],
  [
    /^(?:(?:my|all|chrome|firefox|edge|microsoft edge|brave|opera|safari|google|export(?:ed)?)[_ -]?)?passwords?(?:[_ -]?(?:export|list|backup))?\.(?:csv|txt|xlsx?|ods|docx?)$/,
    'It is named like a list of passwords.',
  ],
  [
    /(?:backup|recovery|emergency|scratch|2fa)[_ -]?(?:codes?|kit)\.(?:txt|pdf|csv|md|docx?)$/,
    'It is named like recovery codes.',
  ],
  [
    /^(?:bitwarden|lastpass|1password|keepass|dashlane|protonpass|enpass)[_ .-].*(?:export|vault|backup).*\.(?:csv|json|xml|zip)$/,
    'It is named like an exported list of passwords.',
  ],
  [/^client_secret[_.-].*\.json$/, 'It is named like the secret of an OAuth client.'],
  [
    /^(?:.*[_-])?service[_-]?account(?:[_-]?(?:key|credentials?))?\.json$/,
    'It is named like the key of a service account.',
  ],
  [
    /^firebase-adminsdk.*\.json$|-firebase-adminsdk-.*\.json$/,
    'It is named like the key of a service account.',
  ],
  [/^utc--\d{4}-\d\d-\d\dt.*--[0-9a-f]{20,}$/, WALLET],
]

/** Programs, pages and pictures: names that merely begin like a secret’s. */
const SOURCE =
  /\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|kts|c|h|cc|cpp|hpp|cs|rb|swift|dart|ex|exs|php|vue|svelte|md|mdx|rst|adoc|html?|css|scss|less|svg|png|jpe?g|gif|webp|snap|lock|pub)$/
/** Files that are meant to be filled in by others. */
const TEMPLATE =
  /(?:^|[#~$._ -])(?:examples?|samples?|templates?|tmpl|tpl|dist|schema|defaults?|placeholder|dummy|fixture|vault\.example|j2|erb|hbs|mustache)(?:$|[._-])/
/** Containers are secrets even if they are named like a template: nobody gives out an empty one. */
const CONTAINER = /\.(?:p12|pfx|p8|ppk|jks|keystore|kdbx?|keychain|keychain-db|keyring)$/

/** Folders in which everything is a secret; they are left out whole. */
const SECRET_FOLDERS: ReadonlyMap<string, string> = new Map([
  ['.ssh', 'The folder holds SSH keys and the names of machines.'],
  ['.gnupg', 'The folder holds private keys.'],
  ['.password-store', 'The folder holds passwords.'],
  ['.local/share/keyrings', 'The folder holds passwords.'],
  ['.local/share/kwalletd', 'The folder holds passwords.'],
  ['library/keychains', 'The folder holds passwords and keys.'],
  ['.electrum/wallets', 'The folder holds wallets.'],
  ['.config/op', 'The folder holds access tokens.'],
  ['.config/gcloud', 'The folder holds cloud credentials.'],
  ['.gcloud', 'The folder holds cloud credentials.'],
])

/** Folders in which everything is a secret but the pages that explain it to people. */
const FOLDERS_WITH_PAGES: ReadonlyMap<string, string> = new Map([
  ['.aws', 'The folder holds cloud credentials.'],
  ['.azure', 'The folder holds cloud credentials.'],
  ['.aliyun', 'The folder holds cloud credentials.'],
  ['.oci', 'The folder holds cloud credentials.'],
  ['.bluemix', 'The folder holds cloud credentials.'],
])
const PAGE =
  /^(?:readme|license|licence|changelog|contributing|codeowners|\.git(?:ignore|keep|attributes)|\.keep)(?:\.|$)|\.(?:md|mdx|rst|adoc)$/

/** Files that are secrets in one folder only, given as the end of their path. */
const SECRET_PATHS: ReadonlyMap<string, string> = byName([
  ['It holds the credentials of a cluster.', '.kube/config', 'k3s/k3s.yaml', '.minikube/client.key'],
  [TOKENS, '.config/gh/hosts.yml', '.config/glab-cli/config.yml', '.config/hub', '.config/tea/config.yml'],
  [TOKENS, 'github-copilot/hosts.json', 'github-copilot/apps.json', '.copilot/config.json'],
  [TOKENS, '.cargo/credentials', '.cargo/credentials.toml', '.gem/credentials'],
  [
    TOKENS,
    '.terraform.d/credentials.tfrc.json',
    '.pulumi/credentials.json',
    '.config/packer/credentials.json',
  ],
  [
    TOKENS,
    'netlify/config.json',
    '.netlify/config.json',
    'doctl/config.yaml',
    '.fly/config.yml',
    '.railway/config.json',
  ],
  [TOKENS, 'com.vercel.cli/auth.json', '.vercel/auth.json', '.config/configstore/firebase-tools.json'],
  [
    TOKENS,
    '.cache/huggingface/token',
    '.huggingface/token',
    'huggingface/stored_tokens',
    'huggingface/token',
  ],
  [TOKENS, '.claude/.credentials.json', '.codex/auth.json', '.gemini/oauth_creds.json'],
  [TOKENS, '.local/share/opencode/auth.json'],
  [TOKENS, '.config/stripe/config.toml'],
  [TOKENS, 'hcloud/cli.toml', '.config/linode-cli', 'scw/config.yaml', '.wrangler/config/default.toml'],
  [TOKENS, '.kaggle/kaggle.json', 'wandb/settings', '.circleci/cli.yml'],
  [
    TOKENS,
    '.snowsql/config',
    '.snowflake/config.toml',
    '.snowflake/connections.toml',
    '.config/ngrok/ngrok.yml',
    '.ngrok2/ngrok.yml',
  ],
  [TOKENS, '.doppler/.doppler.yaml'],
  [KEYS, 'sops/age/keys.txt', '.config/age/keys.txt', '.config/solana/id.json'],
  [WALLET, '.bitcoin/wallet.dat'],
  [
    PASSWORDS,
    '.config/rclone/rclone.conf',
    '.vnc/passwd',
    'etc/shadow',
    'etc/gshadow',
    '.m2/settings-security.xml',
  ],
  [PASSWORDS, '.config/remmina/remmina.pref', '.config/filezilla/filezilla.xml'],
])
const PATH_ENDS = new Set([...SECRET_PATHS.keys()].map(path => path.slice(path.lastIndexOf('/') + 1)))

/**
 * The reason why a path is a secret by its name alone, as a sentence, or undefined.
 *
 * @param drivePath `/` separated, starting with `/`; a folder's ends with `/`
 */
export function secretByName(drivePath: string): string | undefined {
  const path = drivePath.toLowerCase()
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  const plain = plainName(name)
  if (path.includes('/.') || path.includes('/library/')) {
    for (const [folder, what] of SECRET_FOLDERS) if (path.includes(`/${folder}/`)) return what
    if (name !== '' && !PAGE.test(plain) && !TEMPLATE.test(plain))
      for (const [folder, what] of FOLDERS_WITH_PAGES) if (path.includes(`/${folder}/`)) return what
  }
  if (name === '') return undefined
  const folder = path.slice(0, slash + 1)
  for (const possible of possibleNames(plain)) {
    const what = judge(folder, possible)
    if (what !== undefined) return what
  }
  return undefined
}

function judge(folder: string, name: string): string | undefined {
  if (PATH_ENDS.has(name)) {
    const path = folder + name
    for (const [end, what] of SECRET_PATHS) if (path.endsWith(`/${end}`)) return what
  }
  return byPlainName(name)
}

function byPlainName(name: string): string | undefined {
  const ending = name.slice(name.lastIndexOf('.'))
  const byName = NAMES.get(name)
  if (byName !== undefined) return byName
  if (TEMPLATE.test(name) && !CONTAINER.test(ending)) return undefined
  const byEnding = name.includes('.') ? ENDINGS.get(ending) : undefined
  if (byEnding !== undefined) return byEnding
  if (!MAY_MATCH.test(name) || SOURCE.test(name)) return undefined
  return PATTERNS.find(([pattern]) => pattern.test(name))?.[1]
}

/** A short look that spares most names the patterns. */
const MAY_MATCH =
  /^\.env|^id_|_key$|\.csv$|pass|codes?\.|kit\.|^(?:client_secret|utc--|lastpass|1password|dashlane)|bitwarden|enpass|\.json$/

function byName(
  lists: readonly (readonly [what: string, ...names: string[]])[],
): ReadonlyMap<string, string> {
  return new Map(lists.flatMap(([what, ...names]) => names.map(name => [name, what] as const)))
}
