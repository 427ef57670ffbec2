/** What surrounds a command: who reads what it says, and as whom it writes. Real processes and pipes, a local DHT. */
import assert from 'node:assert/strict'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { PeerState } from '../../src/common/model'
import { eventually, isRunning } from '../support/eventually'
import { makeTree, randomBytes, symbolicLink, temporaryFolder } from '../support/folders'
import { type OwnedProcess, startProcess } from '../support/ownedProcess'
import { PeerProcess } from '../support/peerProcess'
import { peerfold, startPeerfold } from '../support/processes'
import { built } from '../support/projectRoot'
import { withPeople } from '../support/withPeople'

interface Place {
  readonly storage: string
  readonly bootstrap: string
}

describe('what a command says', () => {
  const people = withPeople()

  it('may be read by nobody any more: what is shared and seeded is served on', async () => {
    const source = await makeTree(temporaryFolder('source'), { shared: { 'a.txt': 'a' } })
    const shared = join(source, 'shared')
    const ann = people.place('ann')
    const sharing = startPeerfold(['share', shared], ann)
    const link = await sharing.line(() => true)
    const carla = people.place('carla')
    const seeding = startPeerfold(['seed', link], carla)
    await seeding.line(line => line.startsWith('Seeding'))
    for (const { child } of [sharing, seeding]) {
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    // Of this it speaks.
    await rename(shared, join(source, 'away'))
    await eventually('it is told', async () => (await shareOf(ann))?.status.kind === 'failed')
    await rename(join(source, 'away'), shared)
    await eventually('it is back', async () => (await shareOf(ann))?.status.kind === 'sharing')
    await writeFile(join(shared, 'a.txt'), 'b')
    const bob = people.place('bob')
    await eventually('the change is served', async () => {
      return (await peerfold(['cat', link, 'a.txt'], bob)).stdout[0] === 'b'
    })
    for (const { pid } of [sharing, seeding]) assert.ok(isRunning(pid))
    await Promise.all([sharing.stop(), seeding.stop()])
  })

  it('may be read by nobody from the start: a share is served, a copy is made', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const ann = people.place('ann')
    const sharing = startPeerfold(['share', source, '--json'], ann)
    sharing.child.stdout?.destroy()
    await sharing.line(line => line.startsWith('Sharing'), { from: 'stderr' })
    assert.equal((await shareOf(ann))?.status.kind, 'sharing')
    assert.ok(isRunning(sharing.pid))
    const other = startPeerfold(['share', source], ann)
    const link = await other.line(() => true)
    const copy = temporaryFolder('copy')
    const getting = startPeerfold(['get', link, copy, '--json'], people.place('bob'))
    for (const stream of [getting.child.stdout, getting.child.stderr]) stream?.destroy()
    assert.equal((await getting.ended).code, 0)
    assert.equal((await stat(join(copy, 'a.txt'))).size, 1)
    await Promise.all([sharing.stop(), other.stop()])
  })

  it('ends, quietly, with its reader where it is all there is: a list, a file', async () => {
    const names = Array.from({ length: 2_000 }, (_, n) => [`${n}-${'long name '.repeat(12)}.txt`, ''])
    const tree = { ...Object.fromEntries(names), 'large.bin': randomBytes(9_000_000) }
    const sharing = startPeerfold(
      ['share', await makeTree(temporaryFolder('source'), tree)],
      people.place('ann'),
    )
    const link = await sharing.line(() => true)
    const bob = people.place('bob')
    const cli = [built('cli.js'), '--storage', bob.storage, '--bootstrap', bob.bootstrap]
    for (const [command, path] of [
      ['ls', '/'],
      ['cat', 'large.bin'],
    ] as const) {
      const [program = '', ...options] = cli
      const pipe = `"$0" "$@" | head -c 100 >/dev/null; echo "code \${PIPESTATUS[0]}"`
      const args = ['-c', pipe, process.execPath, program, command, link, path, ...options]
      const run = startProcess('bash', args)
      await run.ended
      assert.deepEqual([run.stdout, run.stderr], [['code 141'], []], command)
    }
    await sharing.stop()
  })

  it('is lost with the log of a peer process, and nothing else is', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const ann = await PeerProcess.start(people.place('ann'))
    const bob = await PeerProcess.start(people.place('bob'))
    const { link } = await ann.share(source)
    ann.process.child.stdout?.destroy()
    ann.process.child.stderr?.destroy()
    const id = await bob.open(link) // Ann says that Bob is connected
    assert.equal(String(await bob.read(id, '/a.txt')), 'a')
    await bob.stop() // and that he is not any more
    await eventually('she knows', async () => (await ann.state()).peers.length === 0)
    assert.ok(isRunning(ann.process.pid))
    await ann.stop()
  })

  it('says with a code and the last line that a copy is not complete', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'a.txt': 'a',
      'b.txt': 'b',
      'changed.txt': 'theirs',
      'gone.txt': symbolicLink('b.txt'),
    })
    const sharing = startPeerfold(['share', source], people.place('ann'))
    const link = await sharing.line(() => true)
    const bob = people.place('bob')
    const copy = await makeTree(temporaryFolder('copy'), {
      'b.txt': { 'in the way': '' },
      'changed.txt': 'mine, and kept',
    })
    const got = await peerfold(['get', link, copy], bob)
    assert.equal(got.code, 4, got.stderr.join('\n'))
    assert.match(
      got.stderr.at(-1) ?? '',
      /^Not complete: \d entr(y|ies) of the share could not be written here\.$/,
    )
    const told = await peerfold(['get', link, copy, '--json'], bob)
    assert.deepEqual([told.code, told.events.at(-1)?.complete], [4, false])
    await rename(join(copy, 'b.txt'), join(copy, 'out of the way'))
    const again = await peerfold(['get', link, copy, '--json'], bob)
    assert.deepEqual(
      [again.code, again.events.at(-1)?.complete],
      [0, true],
      'a change that was kept is no gap',
    )
    await sharing.stop()
  })

  async function shareOf(who: Place): Promise<PeerState['shares'][number] | undefined> {
    const { events } = await peerfold(['status', '--json'], who)
    return (events[0]?.state as PeerState | undefined)?.shares[0]
  }
})

describe('a copy', () => {
  const people = withPeople()
  let source: string
  let link: string
  let sharing: OwnedProcess

  before(async () => {
    source = await makeTree(temporaryFolder('source'), {
      docs: { 'small.txt': 'small', 'large.bin': randomBytes(6_000_000) },
    })
    const ann = startPeerfold(['share', source], people.place('ann'))
    sharing = ann
    link = await ann.line(() => true)
  })
  after(() => sharing.stop())

  const modesIn = async (copy: string) => {
    const paths = ['docs', 'docs/small.txt', 'docs/large.bin']
    const found = await Promise.all(paths.map(path => stat(join(copy, path))))
    return found.map(({ mode }) => (mode & 0o777).toString(8))
  }
  const withUmask = (umask: string, args: readonly string[]) =>
    startProcess('sh', ['-c', `umask ${umask} && exec "$0" "$@"`, process.execPath, built('cli.js'), ...args])

  for (const [peers, own, modes] of [
    ['022', '077', ['700', '600', '600']],
    ['077', '002', ['775', '664', '664']],
  ] as const)
    it(`is made with the umask of who asks (${own}), not with that of the peer process (${peers})`, async function () {
      if (process.platform === 'win32') this.skip()
      const options = ['--storage', temporaryFolder('bob'), '--bootstrap', people.bootstrap]
      const holding = withUmask(peers, [
        'share',
        await makeTree(temporaryFolder('other'), { a: 'a' }),
        ...options,
      ])
      await holding.line(() => true)
      const copy = join(temporaryFolder('copy'), 'here')
      const got = withUmask(own, ['get', link, copy, ...options])
      assert.equal((await got.ended).code, 0, got.stderr.join('\n'))
      assert.deepEqual(await modesIn(copy), modes)
      await holding.stop()
    })

  it('that goes on in another peer process is made with the umask that was asked for', async function () {
    if (process.platform === 'win32') this.skip()
    const storage = temporaryFolder('bob')
    const bob = await people.process({ storage })
    const id: ShareId = await bob.open(link, true)
    const copy = temporaryFolder('copy')
    await mkdir(copy, { recursive: true })
    const job = 'umask'
    const wanted = { id, path: '/' as DrivePath, folder: copy, job, umask: 0o027 }
    await bob.request('copy.start', wanted)
    await bob.kill()
    const next = await people.process({ storage })
    await next.request('copy.wait', { job, timeout: 20_000 })
    assert.deepEqual(await modesIn(copy), ['750', '640', '640'])
    await next.stop()
  })
})
