/**
 * Random changes on both sides, round after round, with a real publisher and a real copy, against a model of what the
 * copy must hold afterwards: content, type, time and executable bit of every path, and the conflict copies.
 *
 * PEERFOLD_ROUNDS runs more of them, PEERFOLD_SEED the same ones again.
 */
import assert from 'node:assert/strict'
import type { ShareId } from '../../src/common/brand'
import { CopyModel } from '../support/copyModel'
import { makeTree, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { contentOf, type Side, sideOf } from '../support/sides'
import { FIRST, type TwoSides, twoSides } from '../support/twoSides'
import { withPeople } from '../support/withPeople'

const SEED = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
const ROUNDS = Number(process.env.PEERFOLD_ROUNDS ?? 12)

describe('a copy and what is shared, both changed at random', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person
  let id: ShareId
  let source: string
  let copy: string
  let sides: TwoSides

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start({ hold: 0 }), people.start()])
    source = await makeTree(temporaryFolder('source'), FIRST)
    copy = temporaryFolder('copy')
    sides = twoSides(source, copy, SEED)
    id = await bob.open((await ann.publish(source)).link)
  })

  const publish = async () => {
    await ann.publish(source)
    const version =
      ann.share(id)?.version ??
      (await ann.request('state.get', {})).shares.find(s => s.id === id)?.version ??
      0
    await bob.until('bob knows of it', () => (bob.opened(id)?.contents?.version ?? 0) >= version)
  }

  it(`holds what it must after each of ${ROUNDS} rounds`, async function () {
    this.timeout(60_000 + ROUNDS * 5_000)
    console.log(`      seed ${SEED}`)
    const model = new CopyModel()
    for (let round = 1; round <= ROUNDS; round++) {
      sides.log.push(`round ${round}`)
      if (round > 1) {
        await sides.share()
        await sides.copy()
      }
      await publish()
      const [shared, before] = [await sideOf(source), await sideOf(copy)]
      const expected = model.afterCopy(shared, before)
      const { skipped } = await bob.copy(id, copy)
      const after = await sideOf(copy)
      const told = () => `seed ${SEED}\n${sides.log.slice(-40).join('\n')}\n${JSON.stringify(skipped)}`
      assert.deepEqual(withoutConflicts(after), withoutConflicts(expected.side), told())
      assert.deepEqual(conflictsIn(after, before), expected.conflicts, told())
      assert.deepEqual(skipped.map(({ path }) => path.slice(1)).sort(), expected.skipped.sort(), told())
    }
  })
})

function withoutConflicts({ things }: Side) {
  return Object.fromEntries([...things].filter(([path]) => !path.includes('.conflict-')).sort())
}

/** New conflict copies: the path they belong to, and what they hold. */
function conflictsIn({ things }: Side, before: Side): string[] {
  const found: string[] = []
  for (const [path, thing] of things) {
    const of = path.replace(/\.conflict-.*/, '')
    if (of !== path && !before.things.has(path)) found.push(`${of}: ${contentOf(thing)}`)
  }
  return found.sort()
}
