import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { type Arguments, COMMANDS, readArguments, UsageError } from '../../src/cli/arguments'
import { relativePath, toDrivePath } from '../../src/cli/drivePath'
import { exitCodeOf } from '../../src/cli/exitCodes'
import { helpText } from '../../src/cli/help'
import { readLink } from '../../src/cli/linkArgument'
import { readVersion } from '../../src/cli/versionText'
import type { DriveKey } from '../../src/common/brand'
import { formatLink } from '../../src/common/link'

describe('cli arguments', () => {
  it('are read with their defaults', () => {
    assert.deepEqual(run('get', 'pfabc', './copy'), {
      command: 'get',
      operands: ['pfabc', './copy'],
      json: false,
      isPublic: false,
      once: false,
      newLink: false,
      live: false,
      only: [],
      yes: false,
      timeout: 30_000,
      port: 0,
      host: '127.0.0.1',
      limit: 50,
    })
  })

  it('take options before and behind what they belong to, with a space or an equals sign', () => {
    const given = run(
      '--json',
      'share',
      '--public',
      'a folder',
      '--once',
      '--timeout=1.5',
      '--storage',
      '/data',
    )
    assert.equal(given.json && given.isPublic && given.once, true)
    assert.equal(given.timeout, 1_500)
    assert.equal(given.storage, '/data')
    assert.deepEqual(given.operands, ['a folder'])
  })

  it('name a version by its number, a time of this machine, or how long ago that was', () => {
    const at = (text: string) => run('ls', 'x', '--at', text).at
    assert.deepEqual(at('1234'), { version: 1_234 })
    assert.deepEqual(at('2026-03-01'), { time: new Date(2026, 2, 1).getTime() })
    assert.deepEqual(at('2026-03-01 18:30'), { time: new Date(2026, 2, 1, 18, 30).getTime() })
    assert.deepEqual(at('2026-03-01T18:30Z'), { time: Date.UTC(2026, 2, 1, 18, 30) })
    assert.deepEqual(readVersion('90m', 10_000_000), { time: 10_000_000 - 90 * 60_000 })
    for (const none of ['', 'yesterday', '-1', '1.5', '2026-13-41', '5y'])
      assert.throws(() => run('ls', 'x', `--at=${none}`), /--at needs the number of a version/)
  })

  it('take several bootstrap nodes', () => {
    const { bootstrap } = run('seed', 'x', '--bootstrap', 'one.example:49737, 10.0.0.2:1')
    assert.deepEqual(bootstrap, ['one.example:49737', '10.0.0.2:1'])
  })

  it('take “-” as a link, a path that begins with a dash behind “--”, and a path that may be missing', () => {
    assert.deepEqual(run('ls', '-').operands, ['-'])
    assert.deepEqual(run('cat', '-', '--', '-notes').operands, ['-', '-notes'])
    assert.deepEqual(run('ls', 'x', 'docs').operands, ['x', 'docs'])
    assert.deepEqual(run('cat', 'x').operands, ['x'])
  })

  for (const [what, given, message] of [
    ['no command', [], /^A command is missing\.$/],
    ['an unknown command', ['fetch', 'x'], /no command “fetch”/],
    ['an unknown option', ['get', 'x', 'y', '--force'], /^There is no option “--force”\.$/],
    ['an unknown short option', ['get', '-x'], /^There is no option “-x”\.$/],
    ['a value where none belongs', ['get', 'x', 'y', '--json=3'], /^--json takes no value\.$/],
    ['a value for help', ['--help=3'], /^--help takes no value\.$/],
    ['an option for a value', ['get', '--timeout', '--json'], /^--timeout needs a value\.$/],
    ['an option of another command', ['get', 'x', 'y', '--public'], /no option --public/],
    ['patterns of nothing that is kept in sync', ['get', 'x', 'y', '--only', '*.md'], /^--only needs --live/],
    ['an empty pattern', ['get', 'x', 'y', '--live', '--only', ''], /^--only needs a pattern/],
    ['--json where bytes come', ['cat', 'x', 'y', '--json'], /no option --json/],
    ['a missing folder', ['get', 'x'], /needs a folder/],
    ['a missing link', ['get'], /needs a link/],
    ['one argument too many', ['share', 'a', 'b'], /“b” is one argument too many/],
    ['an empty folder', ['share', ''], /folder is empty/],
    ['an option without its value', ['share', 'a', '--storage'], /^--storage needs a value\.$/],
    ['an empty storage folder', ['share', 'a', '--storage='], /--storage needs a folder/],
    ['a timeout that is no number', ['get', 'x', 'y', '--timeout', 'soon'], /not “soon”/],
    ['a timeout of nothing', ['get', 'x', 'y', '--timeout', '0'], /above 0 and up to 604,800,/],
    ['a port that is none', ['dht', '--port', '70000'], /--port/],
    ['a bootstrap node without a port', ['share', 'a', '--bootstrap', 'example.org'], /host:port/],
    ['a bootstrap list with a hole', ['share', 'a', '--bootstrap', 'a:1,,b:2'], /host:port/],
  ] as const) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => readArguments(given),
        error => error instanceof UsageError && message.test(error.message),
      )
    })
  }

  it('ask for help or the version in every usual way', () => {
    assert.deepEqual(readArguments(['--help']), { kind: 'help' })
    assert.deepEqual(readArguments(['help']), { kind: 'help' })
    assert.deepEqual(readArguments(['get', '-h']), { kind: 'help', command: 'get' })
    assert.deepEqual(readArguments(['help', 'seed']), { kind: 'help', command: 'seed' })
    assert.deepEqual(readArguments(['--version']), { kind: 'version' })
    assert.throws(() => readArguments(['help', 'nothing']), UsageError)
  })

  it('have a help text for every command, in lines that fit a terminal', () => {
    for (const command of [undefined, ...COMMANDS]) {
      const text = helpText(command)
      assert.match(text, command === undefined ? /Exit codes/ : new RegExp(`Usage: peerfold ${command}`))
      for (const line of text.split('\n')) assert.ok(line.length <= 120, line)
    }
  })
})

describe('cli links', () => {
  const link = formatLink({ key: '0'.repeat(64) as DriveKey, isFile: false })

  it('come from the argument, or from the first line of standard input without waiting for its end', async () => {
    assert.equal(formatLink(await readLink(link)), link)
    const input = new PassThrough()
    input.write(`\n${link}\r\nmore`)
    assert.equal(formatLink(await readLink('-', input)), link)
  })

  it('are found in a whole message, also where a mail program wrapped them', async () => {
    assert.equal(formatLink(await readLink(`see <${link}>, it is good`)), link)
    const input = new PassThrough()
    input.write(`Hello,\n\nhere it is:\n> ${link.slice(0, 50)}\n> ${link.slice(50)}\n> more`)
    assert.equal(formatLink(await readLink('-', input)), link)
  })

  it('are refused when there are several to choose from', async () => {
    const other = formatLink({ key: '1'.repeat(64) as DriveKey, isFile: false })
    await assert.rejects(readLink(`${link} or ${other}`), { code: 'bad-link', message: /2 links/ })
  })

  it('are asked for at once on a terminal where the first line holds none', async () => {
    const input = Object.assign(new PassThrough(), { isTTY: true })
    input.write('what now\n')
    await assert.rejects(readLink('-', input), { code: 'bad-link' })
  })

  it('are refused with the reason', async () => {
    await assert.rejects(readLink(link.slice(0, -3)), { code: 'bad-link', message: /cut off/ })
    const input = new PassThrough()
    input.end()
    await assert.rejects(readLink('-', input), { code: 'bad-link', message: /no link/ })
  })
})

describe('cli paths', () => {
  it('may have slashes at both ends or not', () => {
    for (const path of ['docs/a b', '/docs/a b', 'docs/a b/', './docs//a b']) {
      assert.equal(toDrivePath(path), '/docs/a b')
    }
    for (const path of [undefined, '', '/', '.']) assert.equal(toDrivePath(path), '/')
    assert.equal(relativePath(toDrivePath('/docs'), 'a'), 'docs/a')
    assert.equal(relativePath(toDrivePath('/'), 'a'), 'a')
  })
})

describe('cli exit codes', () => {
  it('tell what kind of failure it was', () => {
    assert.equal(exitCodeOf('bad-link'), 2)
    assert.equal(exitCodeOf('nobody-found'), 3)
    assert.equal(exitCodeOf('stalled'), 3)
    assert.equal(exitCodeOf('cancelled'), 130)
    assert.equal(exitCodeOf('bootstrap-differs'), 1)
  })
})

function run(...given: readonly string[]): Arguments {
  const invocation = readArguments(given)
  assert.equal(invocation.kind, 'run')
  return invocation.arguments
}
