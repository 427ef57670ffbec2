/** When the one who shared is gone: others who have the files pass them on. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type PeerfoldProcess, peerfold, startPeerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

describe('peerfold without the one who shared', () => {
  const people = withPeople()
  let source: string
  let sharing: PeerfoldProcess
  let link: string

  beforeEach(async () => {
    source = await makeTree(temporaryFolder('source'), {
      'a.txt': 'a',
      b: { 'c.bin': randomBytes(2_000_000, 1) },
    })
    sharing = startPeerfold(['share', source], people.place('ann'))
    link = await sharing.line(() => true)
  })
  afterEach(() => sharing.stop())

  it('serves from whoever seeds, to somebody who never met the first one', async () => {
    const seeding = startPeerfold(['seed', link], people.place('bob'))
    try {
      assert.match(await seeding.line(() => true), /^Seeding “.*”: 2 files, 2\.0 MB, all here\.$/)
      await sharing.stop()
      const copy = temporaryFolder('copy')
      const got = await peerfold(['get', link, copy], people.place('carla'))
      assert.equal(got.code, 0, got.stderr.join('\n'))
      assert.deepEqual(await compareTrees(source, copy), [])
      seeding.kill('SIGINT')
      assert.equal((await seeding.ended).code, 130)
    } finally {
      await seeding.stop()
    }
  })

  it('tells scripts when everything is here and served, and goes on to new versions', async () => {
    const seeding = startPeerfold(['seed', link, '--json'], people.place('bob'))
    try {
      const done = await seeding.event('done')
      assert.deepEqual([done.files, done.bytes], [2, 2_000_001])
      assert.ok(Number(done.fetched) >= 2_000_001)
      assert.equal((await seeding.event('sharing')).link, link)

      await writeFile(join(source, 'new.txt'), 'new')
      const carla = people.place('carla')
      await people.process(carla)
      await eventually('the new file is published', async () => {
        return (await peerfold(['cat', link, 'new.txt'], carla)).stdout[0] === 'new'
      })
      await eventually('the seeder has all of the new version', async () => {
        const { events } = await peerfold(['status', '--json'], { storage: storageOf(seeding) })
        return JSON.stringify(events[0]).includes('"bytesHere":2000004')
      })
    } finally {
      await seeding.stop()
    }
  })

  it('is content with a complete copy when nobody is there, and says so', async () => {
    const bob = people.place('bob')
    const copy = temporaryFolder('copy')
    assert.equal((await peerfold(['get', link, copy], bob)).code, 0)
    await sharing.stop()
    const got = await peerfold(['get', link, copy, '--timeout', '2'], bob)
    assert.equal(got.code, 0, got.stderr.join('\n'))
    assert.match(got.stderr.join('\n'), /Nobody was online to ask for a newer version/)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('ends with 3 when the list of files is known but nobody has the rest', async () => {
    const bob = people.place('bob')
    assert.equal((await peerfold(['ls', link], bob)).code, 0)
    await sharing.stop()
    const got = await peerfold(['get', link, temporaryFolder('copy'), '--timeout', '2', '--json'], bob)
    assert.equal(got.code, 3, got.stderr.join('\n'))
    assert.equal(got.events.at(-1)?.event, 'error')
  })
})

/** The data folder a command was started with. */
function storageOf({ child }: PeerfoldProcess): string {
  return child.spawnargs[child.spawnargs.indexOf('--storage') + 1] ?? ''
}
