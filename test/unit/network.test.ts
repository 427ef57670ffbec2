/** What is counted as one address, who makes room among TCP handshakes, and how two peers recognise shares. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { addressGroup } from '../../src/peer/network/guard/addressGroup'
import { type Handshake, Handshakes, MAX_HANDSHAKES } from '../../src/peer/network/guard/handshakes'
import { MAX_TOKENS, readTokens, shareToken, writeTokens } from '../../src/peer/network/shareTokens'

describe('addresses that count as one', () => {
  const ONE: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['2001:db8::1', '2001:db8::ffff:1'],
    ['2001:db8:0:0:1:2:3:4', '2001:0DB8::9'],
    ['fe80::1%eth0', 'fe80::2'],
    ['2001:db8::192.0.2.1', '2001:db8::5'],
  ]
  for (const [one, other] of ONE)
    it(`${one} and ${other}`, () => assert.equal(addressGroup(one), addressGroup(other)))

  const TWO: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8:0:1::1', '2001:db8:0:2::1'],
    ['2001:db8::1', '192.0.2.1'],
  ]
  for (const [one, other] of TWO)
    it(`but not ${one} and ${other}`, () => assert.notEqual(addressGroup(one), addressGroup(other)))
})

describe('TCP handshakes', () => {
  it('a new one is never cut off by those before it, and of others no more are kept than may be', () => {
    const crowd = fc.array(fc.record({ from: fc.integer({ min: 0, max: 60 }), speaks: fc.boolean() }), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(crowd, connections => {
        const handshakes = new Handshakes()
        for (const { from, speaks } of connections) {
          let isOpen = true
          const handshake: Handshake = {
            address: `198.51.100.${from}`,
            received: () => (speaks ? 1 : 0),
            close: () => {
              isOpen = false
            },
          }
          handshakes.add(handshake)
          assert.ok(isOpen)
          assert.ok(handshakes.size <= MAX_HANDSHAKES)
        }
      }),
    )
  })

  it('a crowd from one address cuts off nobody from another', () => {
    const handshakes = new Handshakes()
    const closed: string[] = []
    const add = (address: string) =>
      handshakes.add({ address, received: () => 0, close: () => closed.push(address) })
    add('192.0.2.1')
    for (let host = 1; host <= 100; host++) add(`2001:db8::${host.toString(16)}`)
    assert.ok(closed.length > 0)
    assert.ok(!closed.includes('192.0.2.1'))
  })
})

describe('tokens of shares', () => {
  const connection = () => {
    const handshakeHash = randomBytes(64)
    return [
      { isInitiator: true, handshakeHash },
      { isInitiator: false, handshakeHash },
    ] as const
  }
  const share = () => ({ key: randomBytes(32) })

  it('are recognised by who has the same share, on the same connection, from the other side', () => {
    const [ann, bob] = connection()
    const [elsewhere] = connection()
    const [both, hers] = [share(), share()]
    const told = readTokens(writeTokens([both, hers], ann))
    assert.ok(told.has(shareToken(both, bob, false)))
    assert.ok(!told.has(shareToken(share(), bob, false)))
    assert.ok(!told.has(shareToken(both, bob, true)), 'sent back, it is none of the other side')
    assert.ok(!told.has(shareToken(both, elsewhere, false)), 'passed on, it is none')
  })

  it('hide how many there are, and fit into a message', () => {
    const [ann] = connection()
    const count = (shares: number) => readTokens(writeTokens(Array.from({ length: shares }, share), ann)).size
    assert.equal(count(0), count(8))
    assert.equal(count(9), count(16))
    assert.equal(count(1_000), MAX_TOKENS)
    assert.ok(writeTokens(Array.from({ length: 1_000 }, share), ann).length < 2_500)
  })

  it('of a hostile peer are bounded', () => {
    assert.equal(readTokens('x'.repeat(1_000_000)).size, 1)
    const many = Array.from({ length: 10_000 }, (_, at) => String(at).padStart(16, '0')).join('')
    assert.equal(readTokens(many).size, MAX_TOKENS)
    for (const nonsense of [null, 7, {}, [], undefined]) assert.equal(readTokens(nonsense).size, 0)
  })
})
