/**
 * Random changes on both sides of a live copy, version after version, against a model of what the folder must hold
 * afterwards. Meanwhile its process is killed, it is paused, its folder is carried away and back, who shares it goes,
 * and other parts of the share are chosen. Whatever happens: what lay in the folder lies there still, or among the kept files, unless it was
 * the share's own and the share has something newer. And nothing is left behind, in the folder and in the data folder.
 *
 * PEERFOLD_ROUNDS runs more of them, PEERFOLD_SEED the same ones again (what is interrupted, and where, differs).
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { LiveStatus, PeerState } from '../../src/common/model'
import { selectionOf } from '../../src/peer/live/selection'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { conflictsOf, type ExpectedLive, LiveModel } from '../support/liveModel'
import { LiveScene } from '../support/liveScene'
import { contentOf, type Side, short, sideOf } from '../support/sides'
import { FIRST, KEPT, type TwoSides, twoSides } from '../support/twoSides'
import { withPeople } from '../support/withPeople'

const SEED = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
const ROUNDS = Number(process.env.PEERFOLD_ROUNDS ?? 12)
/** Files of a folder that changes as a whole: enough for a step to be met in its midst. */
const MANY = 60
/** Milliseconds after a version is there within which a step is interrupted. */
const MIDST = 250
/** Milliseconds after a version is there within which who shares it goes. */
const ALONE = 80
const RESTS: ReadonlySet<string> = new Set<LiveStatus['kind']>(['in-step', 'waiting'])
/** Of every version. */
const TICK = 'tick'
/** What the folder holds when the copy begins. */
const NOTHING: Side = { things: new Map(), folders: new Set() }
/** What may be chosen of the share. Links lead to the kept ones. */
const PARTS = [undefined, undefined, ['d', 'm', ...KEPT, TICK], ['a', 'g', '/h', 'n', ...KEPT, TICK]]

describe('a live copy and what is shared, both changed at random', () => {
  const people = withPeople()
  let scene: LiveScene
  let sides: TwoSides
  let only: string[] | undefined
  let isAsked = false
  let wasKilled = false
  let wasAway = false

  before(async () => {
    const [ann, bob] = await Promise.all([
      people.start({ hold: 0, client: 'window' }),
      people.start({ client: 'window' }),
    ])
    scene = new LiveScene(ann, bob)
    await scene.begin({ ...FIRST, [TICK]: '0' })
    sides = twoSides(scene.source, scene.folder, SEED, MANY)
  })

  /** What a round brings, interrupted as it may be. What it asks is answered. */
  const follow = async (happens: Promise<number>, before: Side, isFirst: boolean, keeps: boolean) => {
    const { bob, live, folder } = scene
    isAsked = false
    wasKilled = false
    wasAway = false
    const end = new AbortController()
    const answering = answerWhatIsAsked(keeps, end.signal)
    try {
      if (!isFirst) await interrupt(folder, happens, before)
      const version = await happens
      const inStep = () =>
        bob.caught('in step', ({ live: copies }) => {
          const state = copies?.find(({ id }) => id === live)
          return state?.status.kind === 'in-step' && (state.version ?? 0) >= version
        })
      const state = (await inStep()).live?.find(({ id }) => id === live)
      if (!wasAway || state?.skippedCount === 0) return
      // What could not be written just then is tried again by itself in some seconds.
      await lookAgain()
      await inStep()
    } finally {
      end.abort()
      await answering
    }
  }

  /** Asks for the state each time: the one that was told last may be from the round before. */
  const answerWhatIsAsked = async (keeps: boolean, end: AbortSignal) => {
    const { bob, live } = scene
    while (!end.aborted) {
      const state = await bob.request('state.get', {}).catch(() => undefined) // it was killed
      const status = state?.live?.find(({ id }) => id === live)?.status
      if (status?.kind === 'asking' && !end.aborted) {
        const question = status.question.kind
        if (question === 'removal') isAsked = true
        const answer = keeps && question === 'removal' ? 'keep' : 'go-on'
        await bob.request('live.answer', { live, question, answer }).catch(() => {}) // asked again then
      }
      await delay(100)
    }
  }

  const lookAgain = async () => {
    await scene.bob.request('live.pause', { live: scene.live })
    await scene.bob.request('live.resume', { live: scene.live })
  }

  const interrupt = async (folder: string, happens: Promise<unknown>, before: Side) => {
    const { bob } = scene
    const kind = sides.random()
    const wait = sides.random() * MIDST
    if (kind > 0.68) return
    if (kind > 0.6) return leaveAlone(folder, happens, before)
    if (sides.random() < 0.8) await happens
    await delay(wait)
    if (kind < 0.2) {
      sides.log.push(`killed after ${wait.toFixed()} ms`)
      wasKilled = true
      await bob.restart()
    } else if (kind < 0.4) {
      sides.log.push(`paused after ${wait.toFixed()} ms`)
      await lookAgain()
    } else {
      wasAway = true
      sides.log.push(`carried away after ${wait.toFixed()} ms`)
      await rename(folder, `${folder}.away`)
      await delay(sides.random() * MIDST)
      await rename(`${folder}.away`, folder)
    }
  }

  /** Who shares it is gone for a while: until all of a version is here, what lay in the folder lies there as it was. */
  const leaveAlone = async (folder: string, happens: Promise<unknown>, before: Side) => {
    const { ann, bob, live, id } = scene
    await happens
    await delay(sides.random() * ALONE)
    await ann.request('share.stop', { id })
    const { live: copies } = await bob.caught('it rests', ({ live: all }) =>
      RESTS.has(all?.find(each => each.id === live)?.status.kind ?? ''),
    )
    const status = copies?.find(each => each.id === live)?.status
    sides.log.push(`alone, and ${status?.kind}`)
    if (status?.kind === 'waiting') {
      const { things } = await sideOf(folder)
      for (const [path, thing] of before.things) {
        const here = things.get(path)
        const isAsBefore = here !== undefined && contentOf(here) === contentOf(thing)
        assert.ok(
          isAsBefore,
          `${path} was taken away too soon\nseed ${SEED}\n${sides.log.slice(-60).join('\n')}`,
        )
      }
    }
    await ann.request('share.start', { id })
  }

  /** Who was not answered asks again. */
  const evenIfKilled = (ask: () => Promise<unknown>) =>
    ask().catch(error => {
      if (!wasKilled) throw error
      return ask()
    })

  /** What is done in a round comes as one version, however many the watcher makes of it; and nothing that could not be
   *  written before is tried again in between. */
  const pause = () => scene.bob.request('live.pause', { live: scene.live })

  const publish = async (): Promise<number> => {
    const { bob, live, id } = scene
    const version = await scene.published()
    const isHeard = ({ opened }: PeerState) =>
      (opened.find(share => share.id === id)?.contents?.version ?? 0) >= version
    await evenIfKilled(() => bob.caught('it is heard of', isHeard)) // else the version before is looked at first
    await evenIfKilled(() => bob.request('live.resume', { live }))
    return version
  }

  const choose = async (): Promise<number> => {
    await evenIfKilled(() => scene.start(only === undefined ? {} : { only }))
    return 0
  }

  it(`holds what it must after each of ${ROUNDS} rounds`, async function () {
    this.timeout(60_000 + ROUNDS * 10_000)
    console.log(`      seed ${SEED}`)
    let model = new LiveModel()
    for (let round = 1; round <= ROUNDS; round++) {
      sides.log.push(`round ${round}`)
      const isChoosing = round > 1 && sides.random() < 0.15
      if (isChoosing) {
        only = PARTS[Math.floor(sides.random() * PARTS.length)]
        sides.log.push(`only ${only?.join(' ') ?? 'everything'}`)
      } else if (round > 1) {
        await pause()
        await sides.share()
        await writeFile(join(scene.source, TICK), `${round}`)
      }
      if (round > 1) await sides.copy()
      const whole = await sideOf(scene.source)
      const before = round === 1 ? NOTHING : await sideOf(scene.folder) // all that lies there then the copy has made
      const keeps = sides.random() < 0.3
      const selects = selectionOf(only)
      const shared = { ...whole, things: new Map([...whole.things].filter(([path]) => selects(`/${path}`))) }
      const keeping = model.clone()
      const expectedIfKept = keeping.after(shared, before, true)
      const expectedElse = model.after(shared, before)
      await follow(isChoosing ? choose() : publish(), before, round === 1, keeps)
      if (isAsked) sides.log.push(`asked, and answered: ${keeps ? 'keep' : 'go on'}`)
      const isKept = isAsked && keeps
      if (isKept) model = keeping
      const expected = isKept ? expectedIfKept : expectedElse
      model.end(expected)
      const after = await sideOf(scene.folder)
      await compare(expected, before, after, shared)
      model.settle(after, { wasKilled, before })
    }
    await assertNothingLeftBehind()
  })

  const compare = async (expected: ExpectedLive, before: Side, after: Side, shared: Side) => {
    const told = () => `seed ${SEED}\n${sides.log.slice(-60).join('\n')}`
    const hidden = (side: Side) => plain(side, expected)
    assert.deepEqual(hidden(after), hidden(expected.side), told())
    assert.deepEqual(conflictsOf(after), conflictsOf(expected.side), told())
    await assertNothingLost(before, after, shared, expected.left, told())
  }

  const assertNothingLost = async (
    before: Side,
    after: Side,
    shared: Side,
    left: readonly string[],
    told: string,
  ) => {
    const { bob, folder } = scene
    const kept = new Map<string, string[]>()
    for (const { id, path } of await bob.request('kept.list', {})) {
      const place = relative(folder, path)
      const text = readFileSync(join(dataFolderPaths(bob.storage).kept, id), 'utf8')
      kept.set(place, [...(kept.get(place) ?? []), short(text)])
    }
    const there = new Set([...after.things.values()].map(contentOf))
    for (const [path, thing] of before.things) {
      if (thing.kind === 'link' || there.has(contentOf(thing)) || shared.things.has(path)) continue
      if (path.includes('.conflict-')) continue
      assert.ok(left.includes(path), `${path} was not to go\n${told}`)
      assert.ok(kept.get(path)?.includes(short(thing.text)), `${path} is lost\n${told}`)
    }
  }

  /** Nothing is under way any more, so nothing of it may be known, or lie about. */
  const assertNothingLeftBehind = async () => {
    const { bob } = scene
    await bob.leave()
    const paths = dataFolderPaths(bob.storage)
    const catalog = await Catalog.open(paths.catalog)
    try {
      const keysOf = async (table: Parameters<Catalog['list']>[0]) => {
        const keys: string[] = []
        for await (const [key] of catalog.list(table)) keys.push(key)
        return keys
      }
      assert.deepEqual(await keysOf('intended'), [])
      assert.deepEqual(await keysOf('partial'), [])
      const kept = existsSync(paths.kept) ? readdirSync(paths.kept) : []
      assert.deepEqual((await keysOf('keptFile')).sort(), kept.sort())
    } finally {
      await catalog.close()
    }
  }
})

function plain({ things }: Side, { unsure, vague }: ExpectedLive) {
  const entries = [...things].filter(([path]) => !path.includes('.conflict-') && !unsure.has(path))
  return Object.fromEntries(
    entries
      .map(([path, thing]) => {
        if (thing.kind === 'link') return [path, thing] as const
        const text = short(thing.text)
        return [path, vague.has(path) ? { kind: thing.kind, text } : { ...thing, text }] as const
      })
      .sort(),
  )
}
