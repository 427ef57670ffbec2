/** The path log of a peer that Hypercore had given up. */
import assert from 'node:assert/strict'
import Corestore from 'corestore'
import { Node } from 'hyperbee/lib/messages.js'
import type Hypercore from 'hypercore'
import { readPathLog } from '../../src/peer/drive/pathLog'
import { temporaryFolder } from '../support/folders'
import { hears } from '../support/hears'

/** After so many blocks that a peer has not, Hypercore asks it for nothing more. */
const GIVEN_UP = 32

describe('a path log', () => {
  const stores: Corestore[] = []
  const streams: { destroy(): unknown }[] = []
  let theirs: Hypercore
  let ours: Hypercore

  before(async () => {
    for (const name of ['theirs', 'ours']) stores.push(new Corestore(temporaryFolder(name)))
    const [from, to] = stores
    assert.ok(from && to)
    theirs = from.get({ name: 'log' })
    await theirs.ready()
    await theirs.append([Buffer.from('begin')])
    ours = to.get({ key: theirs.key })
    await ours.ready()
    const [a, b] = [theirs.replicate(false), ours.replicate(true)]
    a.pipe(b).pipe(a)
    streams.push(a, b)
    await ours.update({ wait: true })
  })
  after(async () => {
    for (const stream of streams) stream.destroy()
    for (const store of stores) await store.close()
  })

  it('is asked for again when a peer that had been given up has more of it', async () => {
    const start = theirs.length
    await theirs.append(['a', 'b'].map(blockOf))
    await hears(ours, theirs)
    for (const peer of ours.peers) {
      peer.stats.notAvailableBackoffs = GIVEN_UP
      peer.paused = true
    }
    const keys: string[] = []
    for await (const { key } of readPathLog(ours, start, theirs.length, undefined)) keys.push(key.toString())
    assert.deepEqual(keys, ['a', 'b'])
  })
})

function blockOf(key: string): Buffer {
  return Node.encode({ index: Buffer.alloc(0), key: Buffer.from(key), value: null })
}
