import assert from 'node:assert/strict'
import { IdleTime, PagesInOrder, Places } from '../support/places'

describe('lanes beside each other', () => {
  it('use no more places than there are, each as soon as one is free', async () => {
    const places = new Places(2)
    const ends: (() => void)[] = []
    const began: number[] = []
    const all = [0, 1, 2, 3].map(n =>
      places.use(0, async () => {
        began.push(n)
        await new Promise<void>(end => ends.push(end))
      }),
    )
    await settled()
    assert.deepEqual(began, [0, 1])
    ends[1]?.()
    await settled()
    assert.deepEqual(began, [0, 1, 2])
    ends[2]?.()
    await settled()
    for (const end of ends) end()
    await Promise.all(all)
    assert.deepEqual(began, [0, 1, 2, 3])
  })

  it('give a place to who ranks first, and among equals to who came first', async () => {
    const places = new Places(1)
    const began: string[] = []
    const act = (name: string, rank: number) => places.use(rank, async () => void began.push(name))
    await Promise.all([act('a', 9), act('b', 2), act('c', 1), act('d', 2), act('e', 1)])
    assert.deepEqual(began, ['a', 'c', 'e', 'b', 'd'])
  })

  it('give the place back of one that failed', async () => {
    const places = new Places(1)
    await assert.rejects(
      places.use(0, () => Promise.reject(new Error('failed'))),
      /failed/,
    )
    assert.equal(await places.use(0, async () => 'next'), 'next')
  })

  it('let one more in while the processors are idle, until as many act as may, and replace none of these', async () => {
    const places = new Places(1)
    const ends: (() => void)[] = []
    const began: number[] = []
    const all = [0, 1, 2, 3, 4].map(n =>
      places.use(0, async () => {
        began.push(n)
        await new Promise<void>(end => ends.push(end))
      }),
    )
    await settled()
    for (let n = 0; n < 4; n++) places.letInOneMore(3)
    await settled()
    assert.deepEqual(began, [0, 1, 2])
    ends[0]?.()
    ends[1]?.()
    await settled()
    assert.deepEqual(began, [0, 1, 2], 'the one that is left has the only place')
    ends[2]?.()
    await settled()
    assert.deepEqual(began, [0, 1, 2, 3])
    ends[3]?.()
    await settled()
    ends[4]?.()
    await Promise.all(all)
    new Places(1).letInOneMore(2) // nobody waits
  })

  it('know how idle the processors are', () => {
    const idle = new IdleTime()
    const until = performance.now() + 200
    while (performance.now() < until);
    const share = idle.share()
    assert.ok(share >= 0 && share < 1, `${share} although one of them was busy`)
  })

  it('are read one after the other, and the first of them as it comes', () => {
    const printed: string[] = []
    const pages = new PagesInOrder(line => printed.push(line))
    const [first, second, third] = [pages.open(), pages.open(), pages.open()]
    second.write('2a')
    first.write('1a')
    third.write('3a')
    third.close()
    assert.deepEqual(printed, ['1a'])
    second.write('2b')
    first.write('1b')
    first.close()
    assert.deepEqual(printed, ['1a', '1b', '2a', '2b'])
    second.write('2c')
    second.close()
    assert.deepEqual(printed, ['1a', '1b', '2a', '2b', '2c', '3a'])
  })
})

/** Whatever could go on by itself has. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
