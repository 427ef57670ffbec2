/** `peerfold get --live` as a command: real processes, a local DHT. */
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, temporaryFolder } from '../support/folders'
import { type PeerfoldProcess, startPeerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

/** Milliseconds. */
const TIME_TO_HEAR = 2_500

describe('peerfold get --live', () => {
  const people = withPeople()
  let source: string
  let folder: string
  let sharing: PeerfoldProcess
  let following: PeerfoldProcess

  before(async () => {
    source = await makeTree(temporaryFolder('source'), { 'a.md': 'a', 'b.txt': 'b', docs: { 'c.md': 'c' } })
    folder = temporaryFolder('live')
    sharing = startPeerfold(['share', source], people.place('ann'))
    const link = await sharing.line(() => true)
    following = startPeerfold(
      ['get', link, folder, '--live', '--only', '*.md', '--json'],
      people.place('bob'),
    )
  })
  after(() => Promise.all([sharing.stop(), following.stop()]))

  const told = (event: string, path?: string) =>
    eventually(`${event} ${path ?? ''}`, () =>
      following.events().some(each => each.event === event && (path === undefined || each.path === path)),
    )

  it('tells of each version what it wrote, renamed and took away, until the folder is in step', async () => {
    await told('in-step')
    assert.deepEqual(
      await compareTrees(
        await makeTree(temporaryFolder('x'), { 'a.md': 'a', docs: { 'c.md': 'c' } }),
        folder,
      ),
      [],
    )
    const kinds = following.events().map(({ event }) => event)
    assert.ok(kinds.indexOf('version') < kinds.indexOf('written'))
    assert.ok(kinds.indexOf('written') < kinds.indexOf('in-step'))
    await told('written', 'docs/c.md')

    await writeFile(join(folder, 'a.md'), 'mine')
    await writeFile(join(source, 'a.md'), 'theirs')
    await told('conflict', 'a.md')
    await rm(join(source, 'docs', 'c.md'))
    await writeFile(join(source, 'd.md'), 'd')
    await told('removed', 'docs/c.md')
    await told('written', 'd.md')
  })

  it('calls nobody offline who is there', async () => {
    // For a moment after each save the log of the one who saved is longer than it is here. Each has its own time to hear.
    for (const name of ['e.md', 'f.md']) {
      await pause(TIME_TO_HEAR)
      await writeFile(join(source, name), name)
      await told('written', name)
    }
    assert.ok(following.events().every(({ event }) => event !== 'unsure'))
  })

  it('tells how many files cannot be written, and when they can', async () => {
    await makeTree(folder, { 'g.md': { 'mine.txt': 'mine' } })
    await writeFile(join(source, 'g.md'), 'g')
    await told('left-out')
    const leftOut = () => following.events().filter(({ event }) => event === 'left-out')
    assert.deepEqual(leftOut(), [{ event: 'left-out', unwritten: 1, absent: 0 }])
    await rm(join(folder, 'g.md'), { recursive: true })
    await eventually('none is left out', () => leftOut().at(-1)?.unwritten === 0)
    assert.equal(await readFile(join(folder, 'g.md'), 'utf8'), 'g')
  })

  it('ends with Ctrl-C, and leaves the folder as it is', async () => {
    following.kill('SIGINT')
    assert.equal((await following.ended).code, 130)
    assert.equal(await readFile(join(folder, 'd.md'), 'utf8'), 'd')
    assert.equal(await readFile(join(folder, 'a.md'), 'utf8'), 'mine')
  })
})
