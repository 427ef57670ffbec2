/** Everybody who has files passes them on: when the one who shared is gone, others get them from others. */
import assert from 'node:assert/strict'
import { parseLink } from '../../src/common/link'
import {
  compareTrees,
  executable,
  makeTree,
  randomBytes,
  type Tree,
  temporaryFolder,
} from '../support/folders'
import type { Person } from '../support/person'
import { peerfold } from '../support/processes'
import { listAll, StockClient } from '../support/stockClient'
import { withPeople } from '../support/withPeople'

describe('a share whose owner is gone', () => {
  const people = withPeople()
  let bob: Person
  let dora: Person
  let carla: Person
  /** By who has it now. */
  let saved: Shared
  let seeded: Shared
  let got: Shared
  let inParts: Shared
  let open: Shared
  const storage = temporaryFolder('command')

  interface Shared {
    readonly link: string
    readonly source: string
  }

  const LARGE = randomBytes(5_000_000, 1)
  const tree = (): Tree => ({
    'large.bin': LARGE,
    'run.sh': executable('#!/bin/sh\n'),
    many: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}.txt`, `file number ${n}`])),
    'empty.txt': '',
  })

  /** Ann shares each once, the others get what they shall have, and she is gone for all tests. */
  before(async function () {
    this.timeout(120_000)
    const [ann, ...others] = await Promise.all([
      people.start(),
      people.start({ client: 'window' }),
      people.start(),
      people.start(),
    ])
    ;[bob, dora, carla] = others
    const share = async (isPublic = false): Promise<Shared> => {
      const source = await makeTree(temporaryFolder('source'), tree())
      return { source, link: (await ann.publish(source, { isPublic })).link }
    }
    saved = await share()
    await bob.copy(await bob.open(saved.link, { keep: true }), temporaryFolder('copy'))

    seeded = await share()
    await bob.seed(await bob.open(seeded.link))

    got = await share()
    const command = await peerfold(['get', got.link, temporaryFolder('copy')], {
      storage,
      bootstrap: people.bootstrap,
    })
    assert.equal(command.code, 0, command.stderr.join('\n'))

    inParts = await share()
    const [atBob, atDora] = await Promise.all([bob.open(inParts.link), dora.open(inParts.link)])
    await bob.copy(atBob, temporaryFolder('copy'), '/large.bin')
    await dora.copy(atDora, temporaryFolder('copy'), '/many')
    await dora.copy(atDora, temporaryFolder('copy'), '/run.sh')

    open = await share(true)
    await bob.seed(await bob.open(open.link))
    await ann.vanish()
  })

  const arrivesAtCarla = async ({ link, source }: Shared) => {
    const copy = temporaryFolder('copy')
    const result = await carla.get(link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    assert.deepEqual(result.skipped, [])
  }

  it('comes from somebody who saved a copy and keeps it open', () => arrivesAtCarla(saved))

  it('comes from somebody who seeds it', () => arrivesAtCarla(seeded))

  it('comes from a command that got it earlier and seeds it now, without asking the owner', async () => {
    const eve = await people.start({ storage })
    await eve.open(got.link)
    await arrivesAtCarla(got)
  })

  it('comes from several who each have a part', () => arrivesAtCarla(inParts))

  it('is read by a stock client from somebody who seeds it', async () => {
    const parsed = parseLink(open.link)
    assert.ok(parsed.ok)
    const stock = await StockClient.start(people.bootstrap)
    try {
      const drive = await stock.open(Buffer.from(parsed.link.key, 'hex'))
      assert.equal((await listAll(drive)).size, 303)
      assert.equal((await drive.get('/many/17.txt'))?.toString(), 'file number 17')
      assert.ok((await drive.get('/large.bin'))?.equals(LARGE))
      await drive.close()
    } finally {
      await stock.close()
    }
  })
})

describe('a share whose owner is there', () => {
  const people = withPeople()

  it('shows its owner to everybody who has it, and nobody else as that', async () => {
    const [ann, bob, carla] = await Promise.all([people.start(), people.start(), people.start()])
    const { id, link } = await ann.publish(await makeTree(temporaryFolder('source'), { 'a.txt': 'a' }))
    await bob.seed(await bob.open(link, { keep: true }))
    await carla.open(link)
    const owned = ({ state }: Person, { state: { me } }: Person) =>
      state.peers.find(peer => peer.id === me.id)?.owns
    for (const reader of [bob, carla])
      await reader.until('ann is its owner', () => owned(reader, ann)?.join() === id)
    await carla.until('bob is there', () =>
      carla.state.peers.some(peer => peer.id === bob.state.me.id && peer.shares.length > 0),
    )
    for (const [person, other] of [
      [carla, bob],
      [bob, carla],
      [ann, bob],
    ] as const) {
      await person.until('the other is there', () => owned(person, other) !== undefined)
      assert.deepEqual(owned(person, other), [])
    }
  })

  it('connects those who come for it at the same moment', async () => {
    const [ann, ...readers] = await Promise.all(Array.from({ length: 4 }, () => people.start()))
    assert.ok(ann)
    const { link } = await ann.publish(await makeTree(temporaryFolder('source'), { 'a.txt': 'a' }))
    await Promise.all(readers.map(reader => reader.open(link, { keep: true })))
    for (const reader of readers)
      await reader.until('the others are there', () =>
        readers.every(
          other => other === reader || reader.state.peers.some(({ id }) => id === other.state.me.id),
        ),
      )
  })
})
