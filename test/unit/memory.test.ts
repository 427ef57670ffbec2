import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { PEER_FLAGS } from '../../src/client/startPeer'
import { collectWhenCalm } from '../../src/peer/memory'
import { eventually } from '../support/eventually'

const MB = 1_000_000

describe('memory of a peer process', () => {
  /** What is kept until all is over: V8 frees nothing of it in between. */
  const kept: Buffer[] = []

  it('is searched for garbage once it has grown in calm times, and not again before it grows again', async () => {
    let searches = 0
    collectWhenCalm({ every: 20, collect: () => searches++ })
    await pause(200)
    assert.equal(searches, 0, 'nothing has grown')
    kept.push(Buffer.alloc(20 * MB))
    await eventually('it is searched', () => searches === 1)
    await pause(200)
    assert.equal(searches, 1)
    kept.push(Buffer.alloc(20 * MB))
    await eventually('it is searched again', () => searches === 2)
  })

  it('is left to V8 while there is much to do', async () => {
    let searches = 0
    collectWhenCalm({ every: 20, collect: () => searches++ })
    kept.push(Buffer.alloc(20 * MB))
    const end = performance.now() + 300
    while (performance.now() < end) {
      const until = performance.now() + 15
      while (performance.now() < until);
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(searches, 0)
    await eventually('it is searched when that is over', () => searches === 1)
  })

  it('can be searched, as a peer process is started', () => {
    const flags = [...PEER_FLAGS, '-e', 'process.exitCode = typeof gc === "function" ? 7 : 1']
    assert.equal(spawnSync(process.execPath, flags).status, 7)
  })
})

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))
