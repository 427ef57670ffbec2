/**
 * Files as they really are that hold secrets, and harmless ones that look alike. All values are drawn by lot and open
 * nothing; tokens are put together here, so that nothing in this file is one.
 */
import { Buffer } from 'node:buffer'

export interface SampleFile {
  readonly what: string
  /** A drive path. */
  readonly path: string
  readonly content: Buffer
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const UPPER = LOWER.toUpperCase()
const ALNUM = UPPER + LOWER + DIGITS
const BASE64 = `${ALNUM}+/`
const URL_SAFE = `${ALNUM}-_`
const HEX = '0123456789abcdef'
const BASE32 = `${UPPER}234567`

/** Characters drawn by lot, the same for the same seed. */
function drawing(seed: number): (length: number, from?: string) => string {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
  return (length, from = ALNUM) => Array.from({ length }, () => from[next() % from.length]).join('')
}

/** Puts a word together that must not stand in a file of this project as it is. */
const joined = (...parts: readonly string[]) => parts.join('')
const key = (kind: string, body: string, what = 'KEY') =>
  `-----BEGIN ${kind}PRIVATE ${what}-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END ${kind}PRIVATE ${what}-----\n`

/** One of each kind in its true form. */
export function secretFiles(seed = 1): SampleFile[] {
  const draw = drawing(seed)
  const password = () => `${draw(5)}${draw(2, DIGITS)}!${draw(6)}`
  const base64 = (bytes: number) => Buffer.from(draw(bytes)).toString('base64')
  const token = (begin: string, length: number, from = ALNUM) => joined(begin, draw(length, from))
  const files: SampleFile[] = []
  const add = (what: string, path: string, content: string | Buffer) =>
    files.push({ what, path, content: Buffer.from(content) })
  /** A token of a published form in a text of any name. */
  const inText = (what: string, value: string) =>
    add(
      what,
      `/docs/${what.replace(/\W+/g, '-')}.md`,
      `# Notes\n\nFor the release we use ${value}\nuntil May.\n`,
    )
  const inCode = (what: string, value: string) =>
    add(
      what,
      `/src/${what.replace(/\W+/g, '-')}.ts`,
      `export const client = connect("${value}", { retries: 3 })\n`,
    )

  // Tokens with a published form.
  inText('github personal', token('gh' + 'p_', 36))
  inCode('github oauth', token('gh' + 'o_', 36))
  inText('github app', token('gh' + 's_', 36))
  inText('github fine grained', joined('github', '_pat_', draw(22), '_', draw(59)))
  inCode('gitlab', token('glp' + 'at-', 20, URL_SAFE.replace('-', '')))
  inText('gitlab runner', token('glr' + 't-', 20))
  inText('slack bot', joined('xo', 'xb-', draw(12, DIGITS), '-', draw(13, DIGITS), '-', draw(24)))
  inCode(
    'slack user',
    joined('xo', 'xp-', draw(11, DIGITS), '-', draw(11, DIGITS), '-', draw(12, DIGITS), '-', draw(32, HEX)),
  )
  inText(
    'slack app',
    joined('xa', 'pp-1-A', draw(10, UPPER + DIGITS), '-', draw(13, DIGITS), '-', draw(64, HEX)),
  )
  inText(
    'slack hook',
    joined('https://hooks.slack', '.com/services/T', draw(10, UPPER), '/B', draw(10, UPPER), '/', draw(24)),
  )
  inCode(
    'discord hook',
    joined('https://discord', '.com/api/webhooks/', draw(18, DIGITS), '/', draw(68, URL_SAFE)),
  )
  inText('stripe live', token('sk' + '_live_', 24))
  inText('stripe restricted', token('rk' + '_live_', 99))
  inCode('stripe hook', token('whs' + 'ec_', 32))
  inText('openai project', token('sk-' + 'proj-', 120, URL_SAFE))
  inText('openai', joined('sk', '-', draw(20), 'T3Blbk', 'FJ', draw(20)))
  inCode('anthropic', joined('sk-', 'ant-api03-', draw(93, URL_SAFE), 'AA'))
  inText('hugging face', token('h' + 'f_', 34, UPPER + LOWER))
  inText('replicate', token('r' + '8_', 37))
  inText('groq', token('gs' + 'k_', 52))
  inText('npm', token('np' + 'm_', 36))
  inText('pypi', joined('py', 'pi-AgEIcHlwaS5vcmc', draw(150, URL_SAFE)))
  inText('rubygems', token('ruby' + 'gems_', 48, HEX))
  inCode('docker', token('dckr' + '_pat_', 27, URL_SAFE))
  inText('digitalocean', token('dop' + '_v1_', 64, HEX))
  inText('vault', token('hv' + 's.', 95, URL_SAFE))
  inText('google oauth secret', token('GOC' + 'SPX-', 28, URL_SAFE))
  inCode('google api', token('AI' + 'za', 35, URL_SAFE))
  inText('google access', token('ya' + '29.', 120, URL_SAFE))
  inText('aws id', token('AK' + 'IA', 16, BASE32))
  inText('sendgrid', joined('S', 'G.', draw(22, URL_SAFE), '.', draw(43, URL_SAFE)))
  inText('mailgun', token('ke' + 'y-', 32, HEX))
  inText('shopify', token('shp' + 'at_', 32, HEX))
  inText('square', token('sq0' + 'csp-', 43, URL_SAFE))
  inText('linear', token('lin' + '_api_', 40))
  inText('figma', token('fig' + 'd_', 40, URL_SAFE))
  inText('postman', joined('PM', 'AK-', draw(24, HEX), '-', draw(34, HEX)))
  inText('grafana', joined('gl', 'sa_', draw(32), '_', draw(8, HEX)))
  inText('databricks', token('da' + 'pi', 32, HEX))
  inText('pulumi', token('pu' + 'l-', 40, HEX))
  inText('atlassian', token('ATA' + 'TT3xFfGF0', 180, URL_SAFE))
  inText('tailscale', joined('tsk', 'ey-auth-k', draw(12), 'CNTRL-', draw(32)))
  inText('telegram', joined(draw(10, '123456789'), ':AA', draw(33, URL_SAFE.replace('-', ''))))
  inText('azure client secret', joined(draw(3), '8', 'Q~', draw(34)))
  inText('netlify', token('nf' + 'p_', 36))
  inText('new relic', token('NR' + 'AK-', 27, UPPER + DIGITS))
  inText(
    'sentry',
    joined(
      'sntr',
      'ys_',
      Buffer.from(`{"iat":17000${draw(5, DIGITS)},"url":"https://sentry.io"}`).toString('base64url'),
      '_',
      draw(43),
    ),
  )
  inText(
    '1password',
    joined(
      'op',
      's_',
      Buffer.from(JSON.stringify({ email: draw(20), muk: { k: draw(43) } })).toString('base64url'),
    ),
  )
  inText('age', token('AGE-SECRET' + '-KEY-1', 58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'))
  inText('postgres address', `postgres://app:${draw(12)}7@db.${draw(6, LOWER)}.net:5432/shop`)
  inCode('mongodb address', `mongodb+srv://admin:${draw(14)}3@cluster0.${draw(5, LOWER)}.mongodb.net/prod`)
  inText('token in an address', `https://deploy:${draw(20)}@git.${draw(6, LOWER)}.org/team/site.git`)
  const jwt = (body: object) =>
    [{ alg: 'HS256', typ: 'JWT' }, body]
      .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
  inText('jwt', `${jwt({ iss: draw(12), role: 'service_role', exp: 4102444800 })}.${draw(43, URL_SAFE)}`)

  // Keys.
  add('ssh key by name', '/backup/id_ed25519', key('OPENSSH ', draw(300, BASE64)))
  add(
    'rsa key in a text',
    '/deploy/notes.txt',
    `The key of the server:\n\n${key('RSA ', draw(1600, BASE64))}`,
  )
  add('ec key', '/tls/tls.pem', key('EC ', draw(164, BASE64)))
  add(
    'encrypted key',
    '/tls/old.txt',
    key('RSA ', `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${draw(32, HEX)}\n\n${draw(1600, BASE64)}`),
  )
  add('pgp key', '/mail/backup.asc', key('PGP ', `\n${draw(2000, BASE64)}`, 'KEY BLOCK'))
  add(
    'putty key',
    '/putty/server.ppk',
    `PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n${draw(48, BASE64)}\n`,
  )
  add(
    'der key',
    '/tls/server.key',
    Buffer.concat([Buffer.from([0x30, 0x82, 4, 0xa4, 2, 1, 0]), Buffer.from(draw(900), 'base64')]),
  )
  add('rails master key', '/config/master.key', draw(32, HEX))
  add('pkcs12', '/tls/site.pfx', Buffer.from(draw(800), 'base64'))
  add('java key store', '/android/release.jks', Buffer.from(draw(800), 'base64'))
  add('apple key', `/ios/AuthKey_${draw(10, UPPER)}.p8`, key('', draw(200, BASE64)))
  add(
    'jwk',
    '/auth/jwks.json',
    JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: draw(43, URL_SAFE), d: draw(43, URL_SAFE) }] }),
  )
  add(
    'age key file',
    '/sops/key.txt',
    `# created: 2026-01-02T03:04:05Z\n# public key: age1${draw(58, LOWER)}\n${token('AGE-SECRET' + '-KEY-1', 58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}\n`,
  )
  add(
    'wireguard',
    '/vpn/wg0.conf',
    `[Interface]\nAddress = 10.0.0.2/24\nPrivateKey = ${draw(43, BASE64)}=\n\n[Peer]\nPublicKey = ${draw(43, BASE64)}=\n`,
  )
  add(
    'openvpn',
    '/vpn/office.ovpn',
    `client\nremote vpn.office.net\n<key>\n${key('', draw(1600, BASE64))}</key>\n`,
  )

  // Clouds and clusters.
  add(
    'aws credentials',
    '/home/.aws/credentials',
    `[default]\naws_access_key_id = ${token('AK' + 'IA', 16, BASE32)}\naws_secret_access_key = ${draw(40, BASE64)}\n`,
  )
  add(
    'aws csv',
    '/Downloads/accessKeys.csv',
    `Access key ID,Secret access key\n${token('AK' + 'IA', 16, BASE32)},${draw(40, BASE64)}\n`,
  )
  add(
    'aws secret in a script',
    '/scripts/upload.sh',
    `export AWS_SECRET_ACCESS_KEY=${draw(40, ALNUM)}\naws s3 sync . s3://files\n`,
  )
  add(
    'azure storage',
    '/app/appsettings.json',
    `{"Storage": "DefaultEndpointsProtocol=https;AccountName=shop;Account${'Key'}=${draw(86, BASE64)}==;EndpointSuffix=core.windows.net"}`,
  )
  add(
    'gcloud account',
    '/infra/deploy-key.json',
    JSON.stringify({
      type: 'service_account',
      private_key_id: draw(40, HEX),
      private_key: key('', draw(1600, BASE64)),
    }),
  )
  add(
    'gcloud default',
    '/x/application_default_credentials.json',
    JSON.stringify({
      client_id: draw(20),
      refresh_token: `1//0${draw(60, URL_SAFE)}`,
      type: 'authorized_user',
    }),
  )
  const cluster = (user: string) =>
    `apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://10.1.2.3:6443\n  name: prod\nusers:\n- name: admin\n  user:\n    ${user}\n`
  add('kubeconfig', '/home/.kube/config', cluster(`client-key-data: ${base64(900)}`))
  add(
    'kubeconfig under another name',
    '/ops/prod-cluster.yaml',
    cluster(`client-key-data: ${Buffer.from(key('RSA ', draw(1600, BASE64))).toString('base64')}`),
  )
  add('kubeconfig with a token', '/ops/staging.conf.yaml', cluster(`token: ${draw(64)}`))
  add(
    'kubernetes secret',
    '/k8s/db.yaml',
    `apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  username: ${Buffer.from('shop').toString('base64')}\n  password: ${Buffer.from(password()).toString('base64')}\n`,
  )
  add(
    'terraform state',
    '/infra/terraform.tfstate',
    `{"version": 4, "resources": [{"type": "random_password", "instances": [{"attributes": {"result": "${password()}"}}]}]}`,
  )
  add('terraform variables', '/infra/prod.tfvars', `region = "eu-west-1"\ndb_password = "${password()}"\n`)
  add(
    'docker config',
    '/home/.docker/config.json',
    `{"auths": {"https://index.docker.io/v1/": {"auth": "${Buffer.from(`me:${password()}`).toString('base64')}"}}}`,
  )
  add(
    'rclone',
    '/backup/rclone.conf',
    `[remote]\ntype = sftp\nhost = files.net\npass = ${draw(40, URL_SAFE)}\n`,
  )
  add('vault password file', '/ansible/.vault_pass', `${password()}\n`)
  add('vault password file in words', '/ansible/vault_password.txt', `${password()}\n`)
  add(
    'github cli',
    '/home/.config/gh/hosts.yml',
    `github.com:\n    user: me\n    oauth_token: ${token('gh' + 'o_', 36)}\n`,
  )
  add(
    'netlify cli',
    '/home/.config/netlify/config.json',
    `{"users": {"1": {"auth": {"token": "${draw(43)}"}}}}`,
  )
  add('doctl', '/home/.config/doctl/config.yaml', `access-token: ${token('dop' + '_v1_', 64, HEX)}\n`)
  add('fly cli', '/home/.fly/config.yml', `access_token: FlyV1 fm2_${draw(200, BASE64)}\n`)
  add(
    '1password cli',
    '/home/.config/op/config',
    `{"latest_signin": "my", "accounts": [{"accountKey": "A3-${draw(30, UPPER)}"}]}`,
  )
  add(
    'pulumi cli',
    '/home/.pulumi/credentials.json',
    `{"current": "https://api.pulumi.com", "accessTokens": {"https://api.pulumi.com": "${token('pu' + 'l-', 40, HEX)}"}}`,
  )
  add(
    'terraform cli',
    '/home/.terraform.d/credentials.tfrc.json',
    `{"credentials": {"app.terraform.io": {"token": "${draw(14)}.atlas${'v1'}.${draw(67)}"}}}`,
  )
  add('hugging face cli', '/home/.cache/huggingface/token', token('h' + 'f_', 34, UPPER + LOWER))
  add(
    'claude',
    '/home/.claude/.credentials.json',
    `{"claudeAiOauth": {"accessToken": "sk-${'ant'}-oat01-${draw(90, URL_SAFE)}"}}`,
  )
  add(
    'codex',
    '/home/.codex/auth.json',
    `{"OPENAI_API_KEY": null, "tokens": {"refresh_token": "rt_${draw(60, URL_SAFE)}"}}`,
  )
  add(
    'copilot',
    '/home/.config/github-copilot/apps.json',
    `{"github.com:Iv1": {"user": "me", "oauth_token": "${token('gh' + 'u_', 36)}"}}`,
  )

  // Passwords of programs.
  for (const name of ['.env', '.env.production', '.flaskenv', '.dev.vars', 'app.env', 'env.production'])
    add(`environment ${name}`, `/app/${name}`, `DATABASE_PASSWORD=${password()}\nMODE=live\n`)
  add('direnv', '/app/.envrc', `export API_KEY=${draw(20)}\nuse node\n`)
  add('npmrc', '/app/.npmrc', `//registry.npmjs.org/:_authToken=${token('np' + 'm_', 36)}\n`)
  add('netrc', '/home/.netrc', `machine api.heroku.com\n  login me@mail.net\n  password ${draw(36, HEX)}\n`)
  add('git credentials', '/home/.git-credentials', `https://me:${draw(20)}@git.work.net\n`)
  add('pypirc', '/home/.pypirc', `[pypi]\nusername = me\npassword = ${password()}\n`)
  add('pgpass', '/home/.pgpass', `db:5432:shop:me:${password()}\n`)
  add('pgpass on windows', '/AppData/Roaming/postgresql/pgpass.conf', `db:5432:shop:me:${password()}\n`)
  add('mysql client', '/home/.my.cnf', `[client]\nuser=root\npassword=${password()}\n`)
  add('htpasswd', '/www/.htpasswd', `admin:$apr1$${draw(8)}$${draw(22)}\n`)
  add(
    'maven',
    '/home/.m2/settings.xml',
    `<settings><servers><server><id>central</id><username>me</username><password>${draw(14)}</password></server></servers></settings>`,
  )
  add(
    'nuget',
    '/app/nuget.config',
    `<configuration><packageSourceCredentials><feed><add key="Username" value="me" /><add key="ClearTextPassword" value="${draw(20)}" /></feed></packageSourceCredentials></configuration>`,
  )
  add(
    'composer',
    '/app/auth.json',
    `{"http-basic": {"repo.work.net": {"username": "me", "password": "${draw(14)}"}}}`,
  )
  add(
    'connection string',
    '/app/web.config',
    `<add name="Main" connectionString="Server=db.work.net;Database=shop;User Id=sa;Password=${draw(12)};" />`,
  )
  add(
    'oauth client',
    `/app/client_secret_${draw(12, DIGITS)}.apps.googleusercontent.com.json`,
    `{"installed": {"client_secret": "${token('GOC' + 'SPX-', 28, URL_SAFE)}"}}`,
  )
  add(
    'oauth token',
    '/app/token.json',
    `{"token": "${token('ya' + '29.', 120, URL_SAFE)}", "refresh_token": "1//0${draw(60, URL_SAFE)}"}`,
  )
  add('shell history', '/home/.bash_history', `ls\nmysql -u root -p${password()}\n`)
  add('zsh history', '/home/.zsh_history', `: 1700000000:0;curl -u me:${password()} https://work.net\n`)
  add('database history', '/home/.psql_history', `alter user me password '${password()}';\n`)
  add('powershell history', '/PSReadLine/ConsoleHost_history.txt', `net use z: \\\\nas\\me ${password()}\r\n`)

  // Wallets, keychains, browsers, lists.
  add(
    'bitcoin wallet',
    '/coins/wallet.dat',
    Buffer.concat([Buffer.alloc(12), Buffer.from(draw(600), 'base64')]),
  )
  add(
    'ethereum key',
    `/coins/UTC--2026-01-02T03-04-05.678Z--${draw(40, HEX)}`,
    `{"crypto": {"ciphertext": "${draw(64, HEX)}", "kdf": "scrypt", "mac": "${draw(64, HEX)}"}}`,
  )
  add(
    'solana key',
    '/coins/deployer.json',
    `[${Array.from({ length: 64 }, () => Number(draw(2, '123456789'))).join(',')}]`,
  )
  add('keepass', '/safe/all.kdbx', Buffer.from(draw(400), 'base64'))
  add('keychain', '/Backup/login.keychain-db', Buffer.from(draw(400), 'base64'))
  add('gnome keyring', '/Backup/login.keyring', Buffer.from(draw(400), 'base64'))
  add('firefox keys', '/profile/key4.db', `SQLite format 3\0${draw(200)}`)
  add(
    'firefox logins',
    '/profile/logins.json',
    `{"logins": [{"hostname": "https://work.net", "encryptedPassword": "${draw(60, BASE64)}"}]}`,
  )
  add('chrome logins', '/Default/Login Data', `SQLite format 3\0${draw(200)}`)
  add(
    'chrome list',
    '/Downloads/Chrome Passwords.csv',
    `name,url,username,password,note\nwork,https://work.net,me,${password()},\n`,
  )
  add(
    'firefox list',
    '/Downloads/logins-export.csv',
    `"url","username","password","httpRealm"\n"https://work.net","me","${password()}",""\n`,
  )
  add(
    'bitwarden list',
    '/Downloads/bitwarden_export_20260102.json',
    `{"encrypted": false, "items": [{"login": {"username": "me", "password": "${password()}"}}]}`,
  )
  return files
}

/** Harmless files that look alike. */
export function harmlessFiles(): SampleFile[] {
  const draw = drawing(7)
  const files: SampleFile[] = []
  const add = (what: string, path: string, content: string | Buffer = '') =>
    files.push({ what, path, content: Buffer.from(content) })
  const marks = (body: string) =>
    `-----BEGIN RSA PRIVATE ${'KEY'}-----\n${body}\n-----END RSA PRIVATE ${'KEY'}-----\n`
  for (const name of [
    '.env.example',
    '.env.sample',
    '.env.template',
    '.env.dist',
    '.env.schema',
    '.env.local.example',
    'example.env',
  ])
    add(`template ${name}`, `/app/${name}`, 'DATABASE_PASSWORD=\nAPI_KEY=your-key-here\n')
  add('types of the environment', '/app/.env.d.ts', 'declare const env: { API_KEY: string }\n')
  add(
    'environment of angular',
    '/src/environments/environment.ts',
    'export const environment = { production: false, apiUrl: "/api" }\n',
  )
  add('environment in code', '/src/env.ts', 'export const token = process.env.GITHUB_TOKEN ?? ""\n')
  add('direnv without values', '/app/.envrc', 'use flake\nlayout node\n')
  add(
    'certificate',
    '/tls/ca.pem',
    `-----BEGIN CERTIFICATE-----\n${draw(800, BASE64)}\n-----END CERTIFICATE-----\n`,
  )
  add(
    'public key',
    '/tls/site.pem',
    `-----BEGIN PUBLIC KEY-----\n${draw(300, BASE64)}\n-----END PUBLIC KEY-----\n`,
  )
  add('public ssh key', '/keys/id_ed25519.pub', `ssh-ed25519 ${draw(68, BASE64)} me@host\n`)
  add('translations', '/locales/en.key', 'greeting=Hello\nfarewell=See you soon\n')
  add('presentation', '/talks/launch.key', 'PK\x03\x04slides')
  add('test of a key', '/test/id_rsa.test.ts', 'it("reads id_rsa", () => {})\n')
  add('documentation of a key', '/docs/tls.md', `Paste the key as it is:\n\n${marks('...')}\n`)
  add(
    'documentation of a key in short',
    '/docs/ssh.md',
    `It looks like this:\n\n${marks('MIIEpAIBAAKCAQEA...\n(more lines)')}`,
  )
  add(
    'a parser of keys',
    '/src/pem.ts',
    `const mark = "-----BEGIN PRIVATE ${'KEY'}-----"\nexport const isKey = (text: string) => text.startsWith(mark)\n`,
  )
  add(
    'a template of a key',
    '/k8s/tls.yaml',
    `key: |\n  ${marks('<your private key>').replaceAll('\n', '\n  ')}`,
  )
  add(
    'docker without passwords',
    '/home/.docker/config.json',
    '{"credsStore": "desktop", "currentContext": "default"}',
  )
  add('page about a folder', '/infra/.aws/README.md', 'Put your profile here.\n')
  add('npmrc that refers', '/app/.npmrc', `//registry.npmjs.org/:_authToken=${'$'}{NPM_TOKEN}\n`)
  add('npmrc without token', '/web/.npmrc', 'registry=https://registry.npmjs.org/\nsave-exact=true\n')
  add(
    'documentation of tokens',
    '/docs/tokens.md',
    `Use ${'gh' + 'p_'}${'x'.repeat(36)} or ${'sk' + '_live_'}your_key_goes_here_please or ${'AK' + 'IA'}IOSFODNN7EXAMPLE.\n`,
  )
  add(
    'shapes of tokens',
    '/src/tokens.ts',
    `export const github = /gh${'p_'}[A-Za-z0-9]{36}/\nexport const npm = "np${'m_'}"\n`,
  )
  add(
    'compose on one machine',
    '/compose.yaml',
    'services:\n  app:\n    environment:\n      DATABASE_URL: postgres://postgres:postgres@localhost:5432/app\n      OTHER: postgres://user:password@db:5432/app\n',
  )
  add(
    'kubernetes secret to fill in',
    '/chart/secret.yaml',
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {{ .Values.password | b64enc }}\n',
  )
  add(
    'kubernetes settings',
    '/k8s/config.yaml',
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  mode: live\n  secretName: db\n',
  )
  add('terraform variables without secrets', '/infra/main.tfvars', 'region = "eu-west-1"\ninstances = 3\n')
  add('terraform template', '/infra/terraform.tfvars.example', 'db_password = "change-me"\n')
  add(
    'maven without password',
    '/app/settings.xml',
    '<settings><mirrors><mirror><url>https://repo.maven.apache.org/maven2</url></mirror></mirrors></settings>',
  )
  add(
    'nuget without password',
    '/app/nuget.config',
    '<configuration><packageSources><add key="nuget" value="https://api.nuget.org/v3/index.json" /></packageSources></configuration>',
  )
  add(
    'lock file',
    '/app/package-lock.json',
    `{"packages": {"a": {"integrity": "sha512-${draw(86, BASE64)}=="}}}`,
  )
  add('hashes', '/dist/SHA256SUMS', `${draw(64, HEX)}  app.tar.gz\n${draw(64, HEX)}  app.zip\n`)
  add(
    'form of a login',
    '/src/login.tsx',
    '<input type="password" name="password" placeholder="Your password" />\n',
  )
  add(
    'schema with passwords',
    '/db/users.sql',
    'create table users (id uuid primary key, password_hash text not null, api_token text);\n',
  )
  add(
    'settings without values',
    '/config/secrets.yml',
    'development:\n  secret_key_base: <%= ENV["SECRET_KEY_BASE"] %>\n',
  )
  add(
    'jwt of every lesson',
    '/docs/jwt.md',
    `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"sub":"1234567890","name":"John Doe","iat":1516239022}').toString('base64url')}.${draw(43, URL_SAFE)}\n`,
  )
  add('commits', '/docs/history.md', `Since ${draw(40, HEX)} the token is read from the environment.\n`)
  add('picture in a page', '/index.html', `<img src="data:image/png;base64,${draw(400, BASE64)}">\n`)
  add('words in a list', '/wordlists/common-passwords.txt', '123456\npassword\nqwerty\n')
  add(
    'program that asks',
    '/src/ask.py',
    'password = getpass.getpass("Password: ")\ntoken = os.environ["API_TOKEN"]\n',
  )
  add('web manifest', '/manifest.json', '{"name": "Shop", "start_url": "/", "key": "shop"}')
  return files
}
