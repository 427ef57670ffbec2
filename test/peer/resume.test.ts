/** A download that was cut off, however rudely, goes on where it was. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitForEnd } from '../../src/client/ended'
import { readEndpoint } from '../../src/wire/endpoint'
import { compareTrees, randomBytes, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { startPeerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

const MEGABYTE = 1_000_000
/** Bytes that may be on their way when everything ends, and come again: what is asked for ahead, several files at once. */
const IN_FLIGHT = 48 * MEGABYTE

describe('peerfold get, killed again and again', () => {
  const people = withPeople()
  let ann: Person
  let source: string
  let link: string
  const total = 180 * MEGABYTE

  before(async () => {
    ann = await people.start()
    source = temporaryFolder('source')
    await writeFile(join(source, 'large.bin'), randomBytes(100 * MEGABYTE, 1))
    for (let n = 0; n < 20; n++) await writeFile(join(source, `${n}.bin`), randomBytes(4 * MEGABYTE, 2 + n))
    link = (await ann.publish(source)).link
  })

  it('goes on where it was, and ends with every byte in its place', async () => {
    const storage = temporaryFolder('bob')
    const copy = temporaryFolder('copy')
    let fetchedBefore = 0
    for (const part of [0.1, 0.35, 0.6]) {
      const getting = startPeerfold(['get', link, copy, '--json'], { storage, bootstrap: people.bootstrap })
      await getting.line(line => {
        const { event, bytes } = JSON.parse(line)
        return event === 'done' || (event === 'progress' && bytes >= total * part)
      })
      getting.kill('SIGKILL')
      const endpoint = await readEndpoint(storage)
      if (endpoint !== undefined) {
        kill(endpoint.pid)
        await waitForEnd(endpoint.pid, 10_000)
      }
      await getting.ended
      const written = getting.events().filter(({ event }) => event === 'progress')
      fetchedBefore = Number(written.at(-1)?.bytes ?? 0)
    }
    const getting = startPeerfold(['get', link, copy, '--json'], { storage, bootstrap: people.bootstrap })
    assert.equal((await getting.ended).code, 0, getting.stderr.join('\n'))
    const done = getting.events().at(-1)
    assert.equal(done?.event, 'done')
    assert.deepEqual([done?.files, done?.bytes, done?.skippedCount], [21, total, 0])
    assert.deepEqual(done?.changes, { added: 21, updated: 0, gone: 0 }, 'counted from the first start')
    const fetched = Number(done?.fetched)
    assert.ok(
      fetched <= total - fetchedBefore + IN_FLIGHT,
      `fetched ${fetched} in the last run although ${fetchedBefore} of ${total} had come before`,
    )
    assert.deepEqual(await compareTrees(source, copy), [])
  })
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself a moment ago: its last client is gone.
  }
}
