/**
 * Random changes on both sides, round after round, with a real publisher and a real copy, against a model of what the
 * copy must hold afterwards: content, type, time and executable bit of every path, and the conflict copies.
 *
 * PEERFOLD_ROUNDS runs more of them, PEERFOLD_SEED the same ones again.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import {
  chmod,
  cp,
  lstat,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { CopyModel, contentOf, type Side, sideOf } from '../support/copyModel'
import { makeTree, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

const SEED = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
const ROUNDS = Number(process.env.PEERFOLD_ROUNDS ?? 12)
const STEPS_A_ROUND = 5
const PATHS = ['a', 'b', 'c', 'd', 'd/x', 'd/y', 'd/e/z', 'f', 'g/x', 'g']
/** Never changed, so that links lead somewhere. */
const KEPT = ['kept1', 'kept2']
/** Some are known by their hash, some by that of their blocks; those of one length are told apart by content alone. */
const SIZES = [0, 5, 5, 5, 3_000, 3_000, 100_000, 100_000]

describe('a copy and what is shared, both changed at random', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person
  let id: ShareId
  let source: string
  let copy: string
  const random = generator(SEED)
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const log: string[] = []
  let made = 0

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start({ hold: 0 }), people.start()])
    source = await makeTree(temporaryFolder('source'), {
      kept1: '1',
      kept2: '2',
      a: 'a',
      d: { x: 'x', y: 'y' },
    })
    copy = temporaryFolder('copy')
    id = await bob.open((await ann.publish(source)).link)
  })

  const freshText = () => {
    made++
    const size = pick(SIZES) ?? 0
    return `${String.fromCharCode(97 + (made % 26))}${made}`
      .padEnd(5, '.')
      .repeat(Math.ceil(size / 5))
      .slice(0, size)
  }

  const write = async (root: string, path: string, text: string) => {
    await clear(root, path)
    await writeFile(join(root, path), text)
  }
  const link = async (root: string, path: string, target: string) => {
    await clear(root, path)
    await symlink(`${'../'.repeat(path.split('/').length - 1)}${target}`, join(root, path))
  }
  /** Takes away what has the place of a path, or that of a folder above. */
  const clear = async (root: string, path: string) => {
    const parts = path.split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      const at = join(root, ...parts.slice(0, depth))
      const isFolder = (await lstat(at).catch(() => undefined))?.isDirectory() ?? false
      if (depth === parts.length || !isFolder) await rm(at, { recursive: true, force: true })
    }
    mkdirSync(dirname(join(root, path)), { recursive: true })
  }
  const things = async (root: string) =>
    [...(await sideOf(root)).things].filter(([path]) => !KEPT.includes(path))

  const anyFile = async (root: string): Promise<string | undefined> =>
    pick((await things(root)).filter(([, { kind }]) => kind === 'file'))?.[0]

  /** What may happen on either side. */
  const steps: Record<string, (root: string) => Promise<string | undefined>> = {
    write: async root => {
      const path = pick(PATHS) ?? 'a'
      await write(root, path, freshText())
      return path
    },
    link: async root => {
      const path = pick(PATHS) ?? 'a'
      await link(root, path, pick(KEPT) ?? 'kept1')
      return path
    },
    'same as there': async root => {
      const other = root === source ? copy : source
      const path = await anyFile(other)
      if (path === undefined || path.includes('conflict-')) return undefined
      await clear(root, path)
      await cp(join(other, path), join(root, path))
      return path
    },
    delete: async root => {
      const path = pick(await things(root))?.[0]
      if (path !== undefined) await rm(join(root, path))
      return path
    },
    'delete folder': async root => {
      const path = pick(['d', 'g', 'd/e']) ?? 'd'
      const isThere = await lstat(join(root, path)).catch(() => undefined) // a file may have the place of `d` by now
      if (isThere !== undefined) await rm(join(root, path), { recursive: true })
      return path
    },
    rename: async root => {
      const [from, to] = [await anyFile(root), pick(PATHS)]
      if (from === undefined || to === undefined || to.startsWith(from) || from.startsWith(to))
        return undefined
      await clear(root, to)
      await rename(join(root, from), join(root, to))
      return `${from} → ${to}`
    },
    chmod: async root => {
      const path = await anyFile(root)
      if (path !== undefined) await chmod(join(root, path), random() < 0.5 ? 0o755 : 0o644)
      return path
    },
    touch: async root => {
      const path = await anyFile(root)
      const time = 1_500_000_000 + Math.floor(random() * 1e8)
      if (path !== undefined) await utimes(join(root, path), time, time)
      return path
    },
  }
  /** What only the user of the copy does. */
  const localSteps: typeof steps = {
    ...steps,
    'edit in place, size and time kept': async root => {
      const path = await anyFile(root)
      if (path === undefined) return undefined
      const { size, atime, mtime } = await stat(join(root, path))
      const file = await open(join(root, path), 'r+')
      await file.write(`~${made++}`.slice(0, size), 0)
      await file.close()
      await utimes(join(root, path), atime, mtime)
      return path
    },
    'carry away and back': async root => {
      const away = `${root}-away`
      await cp(root, away, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
      for (const name of await readdir(root)) await rm(join(root, name), { recursive: true })
      await cp(away, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
      await rm(away, { recursive: true })
      return '/'
    },
    'folder with a file of mine': async root => {
      const path = pick(['a', 'b', 'f']) ?? 'a'
      await write(root, `${path}/mine`, 'mine')
      return path
    },
    'remove conflict copies': async root => {
      const beside = (await things(root)).filter(([path]) => path.includes('.conflict-'))
      for (const [path] of beside) await rm(join(root, path))
      return String(beside.length)
    },
  }

  const doSteps = async (who: string, root: string, from: typeof steps) => {
    const names = Object.keys(from)
    for (let n = Math.floor(random() * STEPS_A_ROUND); n >= 0; n--) {
      const name = pick(names) ?? 'write'
      const what = await from[name]?.(root)
      if (what !== undefined) log.push(`${who}: ${name} ${what}`)
    }
  }

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
      log.push(`round ${round}`)
      if (round > 1) {
        await doSteps('share', source, steps)
        await doSteps('copy', copy, localSteps)
      }
      await publish()
      const [shared, before] = [await sideOf(source), await sideOf(copy)]
      const expected = model.afterCopy(shared, before)
      const { skipped } = await bob.copy(id, copy)
      const after = await sideOf(copy)
      const told = () => `seed ${SEED}\n${log.slice(-40).join('\n')}\n${JSON.stringify(skipped)}`
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

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
