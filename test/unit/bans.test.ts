/** How long a peer is turned away that behaved badly. */
import assert from 'node:assert/strict'
import type { PeerId } from '../../src/common/brand'
import { Bans, FIRST_BAN, LONGEST_BAN } from '../../src/peer/network/guard/bans'

const ann = 'ybndrfg8ejkmcpqx' as PeerId
const bob = 'ot1uwisza345h769' as PeerId

describe('a banned peer', () => {
  let now = 0
  let bans: Bans
  beforeEach(() => {
    now = 1_000
    bans = new Bans(() => now)
  })

  it('is let in again when its time is over, and nobody else is concerned', () => {
    assert.equal(bans.ban(ann), FIRST_BAN)
    assert.equal(bans.isBanned(ann), true)
    assert.equal(bans.isBanned(bob), false)
    now += FIRST_BAN
    assert.equal(bans.isBanned(ann), false)
  })

  it('waits longer each time, up to a limit', () => {
    const times: number[] = []
    for (let offence = 0; offence < 12; offence++) {
      const time = bans.ban(ann)
      times.push(time)
      now += time + 1_000
    }
    assert.deepEqual(times.slice(0, 3), [FIRST_BAN, FIRST_BAN * 4, FIRST_BAN * 16])
    assert.equal(times.at(-1), LONGEST_BAN)
  })

  it('starts anew after a day of peace', () => {
    bans.ban(ann)
    now += 25 * 3_600_000
    assert.equal(bans.ban(ann), FIRST_BAN)
  })

  it('is forgiven when the user says so', () => {
    bans.ban(ann)
    bans.forgive(ann)
    assert.equal(bans.isBanned(ann), false)
    assert.equal(bans.ban(ann), FIRST_BAN)
  })

  it('does not crowd out memory with its keys', () => {
    for (let key = 0; key < 20_000; key++) bans.ban(`peer${key}` as PeerId)
    assert.equal(bans.isBanned('peer19999' as PeerId), true)
    assert.equal(bans.isBanned('peer0' as PeerId), false)
  })
})
