/** A peer process that writes thousands of files answers in between. */
import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import { makeTree, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const FILES = 12_000

describe('a peer process', () => {
  const people = withPeople()
  const peers: PeerProcess[] = []

  before(async () => {
    peers.push(await people.process(), await people.process())
  })

  it('answers while it writes a pack of thousands of tiny files', async () => {
    const [ann, bob] = peers
    assert.ok(ann && bob)
    const tiny = Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`${at}`, `${at}`]))
    const { link } = await ann.share(await makeTree(temporaryFolder('source'), { tiny }))
    const id = await bob.open(link)
    const folder = temporaryFolder('target')
    const started = performance.now()
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder, job: 'job' })
    let over = false
    const copy = bob.request('copy.wait', { job: 'job', timeout: 60_000 }, 90_000).finally(() => {
      over = true
    })
    copy.catch(() => {}) // rejects again below
    let longest = 0
    while (!over) {
      const asked = performance.now()
      await bob.request('state.get', {})
      longest = Math.max(longest, performance.now() - asked)
    }
    assert.equal((await copy).files, FILES)
    const all = performance.now() - started
    assert.ok(
      longest < Math.max(all / 3, 500),
      `one answer took ${Math.round(longest)} of ${Math.round(all)} ms`,
    )
  })
})
