import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  contentSecret,
  isSecret,
  needsContent,
  SECRET_HEAD,
  SecretContentFilter,
  secretByName,
} from '../../src/peer/publish/secrets/secrets'
import { holds } from '../support/fuzz'

// Put together here, so that this file is not a secret itself.
const keyOf = (kind: string) => `-----BEGIN ${kind}PRIVATE ${'KEY'}-----`
/** Refers to the environment, and so gives nothing away. */
const REFERENCE = ['$', '{TOKEN}'].join('')
const BODY = `\n${'MIIEow'.repeat(20)}\n`
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const bytes = (text: string) => new TextEncoder().encode(text)

describe('the secrets filter', () => {
  for (const path of [
    ...['/.env', '/a/.env.local', '/.env.production', '/.env.2', '/.ENV'],
    ...['/id_rsa', '/keys/id_ed25519', '/id_ecdsa_sk', '/id_rsa.bak', '/a.ppk', '/a.p12', '/A.PFX', '/a.p8'],
    ...[
      '/a.jks',
      '/debug.keystore',
      '/passwords.kdbx',
      '/.aws/credentials',
      '/home/.ssh/config',
      '/.gnupg/x',
    ],
    ...['/.kube/config', '/.config/gcloud/anything', '/.azure/x', '/.cargo/credentials'],
    ...[
      '/application_default_credentials.json',
      '/.pgpass',
      '/.htpasswd',
      '/.ssh/',
      '/a/.gnupg/',
      '/a/.aws/config',
    ],
  ]) {
    it(`leaves out ${path} by its name`, () => {
      assert.match(secretByName(path) ?? '', /^\p{Lu}.*\.$/u, 'the reason is a sentence')
      assert.equal(isSecret(path)?.reason, 'secret-name')
      assert.equal(isSecret(path, bytes('harmless'))?.reason, 'secret-name')
    })
  }

  for (const path of [
    ...['/.env.example', '/.env.sample', '/a/.env.template', '/.env.local.example', '/env.ts', '/a.env.txt'],
    ...['/id_rsa.pub', '/id_ed25519.pub', '/kube/config', '/.docker/Dockerfile', '/aws/x', '/keyboard.ts'],
    ...['/ssh/config', '/my.ssh/x', '/key', '/pem.txt', '/.sshx/a', '/src/secrets.ts', '/.github/config'],
  ]) {
    it(`lets ${path} pass`, () => {
      assert.equal(isSecret(path), undefined)
      assert.equal(isSecret(path, bytes('harmless')), undefined)
    })
  }

  for (const [path, secret, harmless] of [
    [
      '/.npmrc',
      '//registry.example/:_authToken=npm_0123456789',
      `//registry.example/:_authToken=${REFERENCE}\n`,
    ],
    ['/.npmrc', '_auth = "dXNlcjpwYXNz"', 'registry=https://registry.example/\nalways-auth=true\n'],
    ['/.yarnrc.yml', 'npmAuthToken: abc', `nodeLinker: node-modules\nnpmAuthToken: "${REFERENCE}"`],
    ['/.netrc', 'machine a login b\n  password c', 'machine a login b'],
    ['/_netrc', 'machine a login b password c', ''],
    ['/.pypirc', '[pypi]\nusername = a\npassword = pypi-abc', '[pypi]\nusername = a\npassword =\n'],
    ['/.git-credentials', 'https://me:secret@host.example', 'https://host.example/path\n'],
    ['/tls/server.pem', `${CERTIFICATE}${keyOf('EC ')}\nabc`, CERTIFICATE],
    ['/server.pem', 'MIIEpAIBAAKCAQEA', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n'],
    ['/server.key', 'MIIEpAIBAAKCAQEA', 'PK\x03\x04 a presentation'],
  ] as const) {
    it(`judges ${path} by what is in it: ${JSON.stringify(secret.slice(0, 30))}`, () => {
      assert.equal(needsContent(path), true)
      assert.equal(secretByName(path), undefined)
      assert.equal(isSecret(path, bytes(secret))?.reason, 'secret-content')
      assert.equal(isSecret(path, bytes(harmless)), undefined)
      assert.equal(isSecret(path)?.reason, 'secret-name', 'without its content it counts as a secret')
    })
  }

  it('finds a private key in any file', () => {
    for (const kind of ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED ', 'DSA '])
      assert.notEqual(contentSecret('/notes.txt', bytes(`hello\n${keyOf(kind)}${BODY}`)), undefined, kind)
    const armored = `-----BEGIN PGP PRIVATE ${'KEY'} BLOCK-----\nVersion: 1\n${BODY}`
    assert.notEqual(contentSecret('/backup.asc', bytes(armored)), undefined)
    const account = JSON.stringify({ private_key: `${keyOf('')}${BODY}` })
    assert.notEqual(contentSecret('/service-account.json', bytes(account)), undefined)
  })

  it('takes no mention of private keys for one', () => {
    for (const text of [
      'a PRIVATE KEY',
      `-----END PRIVATE ${'KEY'}-----`,
      '-----BEGIN PUBLIC KEY-----',
      CERTIFICATE,
      `${keyOf('RSA ')}\n...\n`,
      `${keyOf('')}\n<your key>\n`,
      `${keyOf('')}\nPaste it here, line by line.\n`,
      `const mark = '${keyOf('EC ')}'\nexport const length = mark.length\n`,
    ])
      assert.equal(contentSecret('/notes.txt', bytes(text)), undefined, text)
  })

  it('finds a key wherever it lies and however the file is cut into chunks', () => {
    const cut = fc.record({
      kind: fc.constantFrom('', 'RSA ', 'OPENSSH ', 'A KIND OF THIRTY-NINE CHARACTERS AT '),
      before: fc.integer({ min: 0, max: 300 }),
      after: fc.integer({ min: 0, max: 300 }),
      sizes: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 }),
      damaged: fc.boolean(),
    })
    const property = fc.property(cut, ({ kind, before, after, sizes, damaged }) => {
      const mark = keyOf(kind.replaceAll('-', ' '))
      const text =
        'x'.repeat(before) + (damaged ? mark.replace('BEGIN', 'BEGUN') : mark) + BODY + '\n'.repeat(after)
      const whole = bytes(text)
      const filter = new SecretContentFilter('/notes.txt')
      let found: string | undefined
      for (let at = 0, turn = 0; at < whole.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1
        found = filter.push(whole.subarray(at, at + size))
        at += size
      }
      assert.equal((found ?? filter.end()) !== undefined, !damaged)
    })
    holds('a key across chunks', property)
  })

  it('judges a token file that arrives in small chunks', () => {
    const filter = new SecretContentFilter('/.npmrc')
    for (const byte of bytes('//registry.example/:_authToken=abc')) filter.push(Uint8Array.of(byte))
    assert.notEqual(filter.end(), undefined)
  })

  it('judges a large file as soon as its head is there, and by its head alone', () => {
    const token = bytes('//registry.example/:_authToken=abc\n')
    const rest = new Uint8Array(SECRET_HEAD).fill(0x20)
    assert.notEqual(new SecretContentFilter('/.npmrc').push(Buffer.concat([token, rest])), undefined)
    const late = new SecretContentFilter('/.npmrc')
    assert.equal(late.push(Buffer.concat([rest, token])), undefined)
    assert.equal(late.end(), undefined)
  })
})
