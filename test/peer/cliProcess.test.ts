/** The peer process behind the commands: one per data folder, shared, never left behind, started again after a crash. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
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
