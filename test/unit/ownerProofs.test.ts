import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { OwnerProofs, writeProofs } from '../../src/peer/network/ownerProofs'
import { temporaryFolder } from '../support/folders'

/** Both ends of one connection. */
function connection() {
  const handshakeHash = randomBytes(64)
  return { theirs: { isInitiator: true, handshakeHash }, ours: { isInitiator: false, handshakeHash } }
}

describe('proofs of who owns a share', () => {
  const stores: Corestore[] = []
  let own: Hypercore
  let other: Hypercore
  /** The log of `own` on another machine. */
  let copy: Hypercore

  before(async () => {
    for (const name of ['owner', 'reader']) stores.push(new Corestore(temporaryFolder(name)))
    const [at, elsewhere] = stores
    assert.ok(at && elsewhere)
    own = at.get({ name: 'paths' })
    other = at.get({ name: 'other' })
    await Promise.all([own.ready(), other.ready()])
    await own.append([Buffer.from('a version')])
    copy = elsewhere.get({ key: own.key })
    await copy.ready()
  })
  after(() => Promise.all(stores.map(store => store.close())))

  it('count as soon as the log says who signs it, and not before', async () => {
    const { theirs, ours } = connection()
    const told = new OwnerProofs()
    told.add(writeProofs([other, own], theirs))
    assert.equal(told.owns(copy, ours), false)
    const line = [own.replicate(true), copy.replicate(false)] as const
    line[0].pipe(line[1]).pipe(line[0])
    await copy.get(0)
    assert.equal(told.owns(copy, ours), true)
    assert.equal(told.owns(copy, ours), true, 'asked again')
    for (const end of line) end.destroy()
  })

  it('are not written by who has the log, but not its key', () => {
    assert.equal(writeProofs([copy], connection().theirs), '')
  })

  it('are worth nothing on another connection, sent back, for another share, or changed', () => {
    const { theirs, ours } = connection()
    const proof = writeProofs([own], theirs)
    const isTaken = (text: unknown, path = own, side = ours) => {
      const told = new OwnerProofs()
      told.add(text)
      return told.owns(path, side)
    }
    assert.equal(isTaken(proof), true)
    assert.equal(isTaken(proof, own, connection().ours), false)
    assert.equal(isTaken(proof, own, theirs), false)
    assert.equal(isTaken(proof, other), false)
    const token = writeProofs([other], theirs).slice(0, 16)
    assert.equal(isTaken(`${token}${proof.slice(16)}`, other), false)
    // What a lenient reader would take for the same bytes.
    const spellings = [...proof].flatMap((character, at): [number, string][] =>
      character === '_' ? [[at, '/']] : character === '-' ? [[at, '+']] : [],
    )
    fc.assert(
      fc.property(fc.nat(proof.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = `${proof.slice(0, at)}${character}${proof.slice(at + 1)}`
        assert.equal(isTaken(changed), changed === proof)
      }),
      { numRuns: 200, examples: spellings },
    )
    fc.assert(fc.property(fc.anything(), text => assert.equal(isTaken(text), false)))
  })
})
