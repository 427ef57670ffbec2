/** The peer process behind the commands: one per data folder, shared, never left behind, started again after a crash. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { readArguments } from '../../src/cli/arguments'
import { ls } from '../../src/cli/commands/ls'
import { connectOptions } from '../../src/cli/context'
import { Output } from '../../src/cli/output'
import { eventually, isRunning } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { startProcess } from '../support/ownedProcess'
import { type PeerfoldEvent, peerfold, startPeerfold } from '../support/processes'
import { built } from '../support/projectRoot'
import { withPeople } from '../support/withPeople'

describe('the peer process of commands', () => {
  const people = withPeople()
  let source: string
  let ann: { storage: string; bootstrap: string }

  beforeEach(async () => {
    source = await makeTree(temporaryFolder('source'), { one: { 'a.txt': 'a' }, two: { 'b.txt': 'b' } })
    ann = people.place('ann')
  })

  const status = async (): Promise<PeerfoldEvent> => {
    const { code, events } = await peerfold(['status', '--json'], ann)
    assert.equal(code, 0)
    assert.equal(events[0]?.event, 'status')
    return events[0]
  }

  it('is not started by asking for it', async () => {
    assert.deepEqual(await status(), { event: 'status', running: false })
    const stopped = await peerfold(['stop'], ann)
    assert.deepEqual([stopped.code, ...stopped.stdout], [0, 'No peer process is running.'])
  })

  it('is the same for two commands, and ends with the last of them', async () => {
    const one = startPeerfold(['share', join(source, 'one')], ann)
    const two = startPeerfold(['share', join(source, 'two')], ann)
    const [first, second] = await Promise.all([one.line(() => true), two.line(() => true)])
    assert.notEqual(first, second)
    const { pid, state } = await status()
    assert.match(JSON.stringify(state), /two/)
    const shown = await peerfold(['status'], ann)
    for (const name of ['one', 'two']) {
      assert.match(shown.stdout.join('\n'), new RegExp(`^  ${name} \\(.*: sharing`, 'm'))
    }

    await one.stop()
    assert.equal((await status()).pid, pid)
    const bob = people.place('bob')
    assert.deepEqual((await peerfold(['ls', second], bob)).stdout, ['b.txt'])
    assert.equal((await peerfold(['ls', first, '--timeout', '2'], bob)).code, 3)

    await two.stop()
    await eventually('the peer process has ended', () => !isRunning(Number(pid)))
    assert.equal((await status()).running, false)
  })

  it('is one and the same for commands that start at the same moment', async () => {
    const commands = Array.from({ length: 4 }, () => startPeerfold(['share', join(source, 'one')], ann))
    const links = await Promise.all(commands.map(command => command.line(() => true)))
    assert.equal(new Set(links).size, 1)
    await Promise.all(commands.map(command => command.stop()))
  })

  it('is refused to a command that asks for other bootstrap nodes, not to one that asks for none', async () => {
    const sharing = startPeerfold(['share', join(source, 'one')], ann)
    const link = await sharing.line(() => true)
    try {
      const other = await peerfold(['ls', link], { ...ann, bootstrap: '127.0.0.1:9' })
      assert.equal(other.code, 1)
      assert.match(other.stderr.join('\n'), /other bootstrap nodes/)
      const any = await peerfold(['ls', link], { storage: ann.storage })
      assert.deepEqual([any.code, ...any.stdout], [0, 'a.txt'])
    } finally {
      await sharing.stop()
    }
  })

  it('ends in order when it is told to, and the commands that used it end with it', async () => {
    const sharing = startPeerfold(['share', join(source, 'one')], ann)
    await sharing.line(() => true)
    const { pid } = await status()
    const stopped = await peerfold(['stop', '--json'], { storage: ann.storage })
    assert.deepEqual(stopped.events, [{ event: 'stopped', wasRunning: true }])
    assert.equal(isRunning(Number(pid)), false)
    assert.equal((await sharing.ended).code, 0)
    assert.match(sharing.stderr.join('\n'), /Peerfold was stopped\. Nothing is shared any more\./)
  })

  it('is started again after a crash, with the same link served', async () => {
    const sharing = startPeerfold(['share', join(source, 'one')], ann)
    const link = await sharing.line(() => true)
    const { pid } = await status()
    process.kill(Number(pid), 'SIGKILL')
    await sharing.line(line => line.includes('started again'), { from: 'stderr' })
    await eventually('another one shares', async () => {
      const now = await status()
      return now.running === true && now.pid !== pid && JSON.stringify(now.state).includes('"sharing"')
    })
    const bob = people.place('bob')
    assert.deepEqual((await peerfold(['ls', link], bob)).stdout, ['a.txt'])
    await sharing.stop()
    assert.deepEqual(sharing.stdout, [link])
  })

  it('is started again while a folder is listed, which goes on after the last line', async () => {
    const names = Array.from({ length: 501 }, (_, at) => `file ${String(at).padStart(3, '0')}`)
    await makeTree(join(source, 'many'), Object.fromEntries(names.map(name => [name, ''])))
    const sharing = startPeerfold(['share', join(source, 'many')], ann)
    const link = await sharing.line(() => true)
    const { pid } = await status()
    const given = readArguments(['ls', link, '--storage', ann.storage, '--bootstrap', ann.bootstrap])
    assert.equal(given.kind, 'run')
    const out = new Lines(() => process.kill(Number(pid), 'SIGKILL')) // the next part was not asked for yet
    const err = new Lines()
    const { signal } = new AbortController()
    await ls({
      arguments: given.arguments,
      output: new Output(false, { out, err }),
      signal,
      connect: { ...connectOptions(given.arguments, signal), peerProgram: built('peer.js') },
    })
    await sharing.stop()
    assert.match(err.lines.join(), /started again/)
    assert.deepEqual(out.lines, names)
  })

  it('is started again while a file is printed, and the rest is not taken from a newer one', async () => {
    const LINES = 192
    const textOf = (letter: string, lines: number) => `${letter.repeat(2 ** 16 - 1)}\n`.repeat(lines)
    const folder = await makeTree(join(source, 'large'), { 'a.txt': textOf('a', LINES) })
    const sharing = startPeerfold(['share', folder], ann)
    const link = await sharing.line(() => true)
    const { pid } = await status()
    const place = ['--storage', ann.storage, '--bootstrap', ann.bootstrap]
    const printing = startProcess(process.execPath, [built('cli.js'), 'cat', link, 'a.txt', ...place], {
      onLine: (_line, from) =>
        from === 'stdout' && printing.stdout.length === 1 && printing.child.stdout?.pause(),
    })
    await printing.line(() => true)
    process.kill(Number(pid), 'SIGKILL')
    await writeFile(join(folder, 'a.txt'), textOf('b', LINES + 1))
    await eventually('the newer file is shared', async () =>
      JSON.stringify((await status()).state ?? '').includes(`"bytes":${(LINES + 1) * 2 ** 16}`),
    )
    printing.child.stdout?.resume()
    assert.deepEqual(
      [(await printing.ended).code, printing.stdout.some(line => line.startsWith('b'))],
      [1, false],
    )
    await sharing.stop()
    assert.match(printing.stderr.join('\n'), /started again[\s\S]*changed while it was read/)
  })

  it('never has a link in its arguments', async () => {
    const sharing = startPeerfold(['share', join(source, 'one')], ann)
    const link = await sharing.line(() => true)
    const bob = people.place('bob')
    const seeding = startPeerfold(['seed', '-'], { ...bob, input: link })
    try {
      await seeding.line(() => true)
      const { events } = await peerfold(['status', '--json'], bob)
      const pid = Number(events[0]?.pid)
      if (process.platform === 'linux') {
        const { readFileSync } = await import('node:fs')
        const visible = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        assert.match(visible, /peer\.js/)
        assert.doesNotMatch(visible, /pf[a-z0-9]{20}/)
      }
    } finally {
      await Promise.all([seeding.stop(), sharing.stop()])
    }
  })
})

describe('the peerfold command', () => {
  const people = withPeople()

  it('runs a private DHT at the port that it was given, or not at all', async () => {
    const [, port = ''] = people.bootstrap.split(':')
    const second = await peerfold(['dht', '--port', port], { storage: temporaryFolder('nobody') })
    assert.deepEqual([second.code, ...second.stdout], [1])
    assert.deepEqual(second.stderr, [`peerfold: Port ${port} is in use on this machine. Choose another one.`])
  })

  it('explains itself to whoever types its name alone', async () => {
    const told = startProcess(process.execPath, [built('cli.js')])
    assert.equal((await told.ended).code, 2)
    assert.match(told.stderr.join('\n'), /^Usage: peerfold <command>/m)
  })

  it('finds peers through the nodes that the environment names', async () => {
    const env = { PEERFOLD_BOOTSTRAP: ` ${people.bootstrap} ` }
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const sharing = startPeerfold(['share', source], { storage: temporaryFolder('ann'), env })
    const link = await sharing.line(() => true)
    const listed = await peerfold(['ls', link], { storage: temporaryFolder('bob'), env })
    await sharing.stop()
    assert.deepEqual(listed.stdout, ['a.txt'])
  })
})

/** Collects lines. */
class Lines extends Writable {
  readonly lines: string[] = []

  constructor(private readonly onFirst?: () => void) {
    super({ decodeStrings: false })
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    if (this.lines.length === 0) this.onFirst?.()
    this.lines.push(chunk.trimEnd())
    done()
  }
}
