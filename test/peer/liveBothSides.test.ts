/**
 * Random changes on both sides of a live copy, version after version, kills in the midst of them among these, against a
 * model of what the folder must hold afterwards. And whatever happens: what lay in the folder lies there still, or among
 * the kept versions, unless it was the share's own and the share has something newer.
 *
 * PEERFOLD_ROUNDS runs more of them, PEERFOLD_SEED the same ones again.
 */
import assert from 'node:assert/strict'
import { relative } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { contentOf, type Side, short, sideOf } from '../support/copyModel'
import { makeTree, temporaryFolder } from '../support/folders'
import { conflictsOf, LiveModel } from '../support/liveModel'
import type { Person } from '../support/person'
import { FIRST, type TwoSides, twoSides } from '../support/twoSides'
import { withPeople } from '../support/withPeople'

const SEED = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
const ROUNDS = Number(process.env.PEERFOLD_ROUNDS ?? 12)

describe('a live copy and what is shared, both changed at random', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person
  let id: ShareId
  let live: string
  let source: string
  let folder: string
  let sides: TwoSides

  before(async () => {
    ;[ann, bob] = await Promise.all([
      people.start({ hold: 0, client: 'window' }),
      people.start({ client: 'window' }),
    ])
    source = await makeTree(temporaryFolder('source'), FIRST)
    folder = temporaryFolder('live')
    sides = twoSides(source, folder, SEED)
    // Not watched: each round is one version.
    id = await bob.open((await ann.publish(source, { once: true, keep: true })).link, { keep: true })
    live = (await bob.request('live.start', { id, path: '/' as DrivePath, folder, keep: true })).live
  })

  const publish = async (): Promise<number> => {
    await ann.request('share.rescan', { id })
    const { shares } = await ann.request('state.get', {})
    return shares.find(share => share.id === id)?.version ?? 0
  }

  /** What it asks is answered: it goes on. */
  const caughtUp = async (version: number) => {
    let answered: unknown
    await bob.until('in step', () => {
      const state = bob.state.live?.find(each => each.id === live)
      if (state?.status.kind === 'asking' && answered !== state) {
        answered = state
        const question = state.status.question.kind
        bob.request('live.answer', { live, question, answer: 'go-on' }).catch(() => {}) // asked again then
      }
      return state?.status.kind === 'in-step' && (state.version ?? 0) >= version
    })
  }

  it(`holds what it must after each of ${ROUNDS} rounds`, async function () {
    this.timeout(60_000 + ROUNDS * 10_000)
    console.log(`      seed ${SEED}`)
    const model = new LiveModel()
    for (let round = 1; round <= ROUNDS; round++) {
      sides.log.push(`round ${round}`)
      if (round > 1) {
        await sides.share()
        await sides.copy()
      }
      const [shared, before] = [await sideOf(source), await sideOf(folder)]
      const expected = model.after(shared, before)
      model.end(expected)
      const isKilled = round > 1 && sides.random() < 0.15
      if (isKilled) sides.log.push('killed meanwhile')
      const restarts = bob.restarts
      const publishing = publish()
      if (isKilled) {
        await bob.crash()
        await bob.until('it runs again', () => bob.restarts > restarts)
      }
      await caughtUp(await publishing)
      const after = await sideOf(folder)
      const told = () => `seed ${SEED}\n${sides.log.slice(-50).join('\n')}`
      const hidden = (side: Side) => plain(side, expected.unsure)
      assert.deepEqual(hidden(after), hidden(expected.side), told())
      assert.deepEqual(conflictsOf(after), conflictsOf(expected.side), told())
      await assertNothingLost(before, after, shared, expected.left, told())
      model.settle(after)
    }
  })

  const assertNothingLost = async (
    before: Side,
    after: Side,
    shared: Side,
    left: readonly string[],
    told: string,
  ) => {
    const kept = (await bob.request('kept.list', {})).map(({ path }) => relative(folder, path))
    const there = new Set([...after.things.values()].map(contentOf))
    for (const [path, thing] of before.things) {
      if (thing.kind === 'link' || there.has(contentOf(thing)) || shared.things.has(path)) continue
      assert.ok(left.includes(path) || path.includes('.conflict-'), `${path} was not to go\n${told}`)
      assert.ok(kept.includes(path) || path.includes('.conflict-'), `${path} is lost\n${told}`)
    }
  }
})

function plain({ things }: Side, without: ReadonlySet<string>) {
  const entries = [...things].filter(([path]) => !path.includes('.conflict-') && !without.has(path))
  return Object.fromEntries(
    entries
      .map(
        ([path, thing]) =>
          [path, thing.kind === 'file' ? { ...thing, text: short(thing.text) } : thing] as const,
      )
      .sort(),
  )
}
