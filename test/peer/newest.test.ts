/** “Newest” means what those who are there have told, not what is known here already. Real processes, a local DHT. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { peerIdOf } from '../../src/peer/keys'
import { eventually } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { publicKeyOf } from '../support/hostilePeer'
import type { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

describe('the newest version', () => {
  const people = withPeople()
  let ann: PeerProcess
  let source: string
  let id: ShareId
  let link: string

  before(async () => {
    source = await makeTree(temporaryFolder('source'), { 'a.txt': '0', versions: { '0': '' } })
    ann = await people.process()
    ;({ id, link } = await ann.share(source))
  })
  after(() => ann.process.kill('SIGCONT'))

  const publish = async (version: string) => {
    await writeFile(join(source, 'a.txt'), version)
    await writeFile(join(source, 'versions', version), '')
    await ann.rescan(id)
  }

  it('is what a command answers with that knows the version before, each of ten times', async () => {
    const bob = people.place('bob')
    const copy = temporaryFolder('copy')
    assert.equal((await peerfold(['get', link, copy], bob)).code, 0)
    for (let version = 1; version <= 10; version++) {
      await publish(String(version))
      if (version % 3 === 0) {
        const { events } = await peerfold(['get', link, copy, '--json'], bob)
        assert.equal(await readFile(join(copy, 'a.txt'), 'utf8'), String(version))
        const done = events.at(-1)
        assert.deepEqual([done?.stale, done?.silent], [false, []])
      } else if (version % 3 === 1) {
        assert.deepEqual((await peerfold(['cat', link, 'a.txt'], bob)).stdout, [String(version)])
      } else {
        const { stdout, stderr } = await peerfold(['ls', link, 'versions'], bob)
        assert.ok(stdout.includes(`versions/${version}`), `${version} is not among ${stdout.join()}`)
        assert.deepEqual(stderr, [])
      }
    }
  })

  it('is what a window reads, copies and seeds right after a start', async () => {
    const storage = temporaryFolder('bob')
    for (const [version, answer] of [
      ['read', async (bob: PeerProcess) => String(await bob.read(id, '/a.txt'))],
      [
        'copied',
        async (bob: PeerProcess) => {
          const copy = temporaryFolder('copy')
          assert.deepEqual((await bob.copy(id, copy)).silent, [])
          return readFile(join(copy, 'a.txt'), 'utf8')
        },
      ],
      [
        'seeded',
        async (bob: PeerProcess) => {
          const { files } = await bob.request('seed.wait', { id, job: 'seed' })
          assert.equal(files, (await ann.state()).shares[0]?.files)
          return 'seeded'
        },
      ],
    ] as const) {
      const before = await people.process({ storage })
      await before.open(link, true)
      await before.stop()
      await publish(version)
      const bob = await people.process({ storage })
      assert.equal(await answer(bob), version)
      await bob.stop()
    }
  })

  it('is in doubt while somebody who announces it does not answer, who is named', async () => {
    const carla = await people.process()
    await carla.open(link, true)
    await carla.request('seed.wait', { id, job: 'seed' })
    const silent = peerIdOf(publicKeyOf(ann.options.storage))
    ann.process.kill('SIGSTOP')
    try {
      const bob = people.place('bob')
      await eventually('Carla is found, and Ann, who does not answer', async () => {
        const { code, stdout, stderr } = await peerfold(['ls', link, '--json'], bob)
        const doubt = stdout.map(line => JSON.parse(line)).find(({ event }) => event === 'doubt')
        const isNamed = doubt?.silent.some((peer: { id: string }) => peer.id === silent)
        return code === 0 && isNamed && stderr.some(line => line.includes(silent))
      })
    } finally {
      ann.process.kill('SIGCONT')
      await carla.stop()
    }
  })
})
