/**
 * Random changes on two sides, a shared folder and a copy of it: of content, type, time and executable bit, of names, and
 * what only the user of the copy does. The same seed makes the same ones.
 */
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
import { basename, dirname, join } from 'node:path'
import { sideOf } from './sides'

const STEPS_A_ROUND = 5
const PATHS = ['a', 'b', 'c', 'd', 'd/x', 'd/y', 'd/e/z', 'f', 'g/x', 'g']
/** Never changed, so that links lead somewhere. */
export const KEPT = ['kept1', 'kept2']
/** Folders of many files. */
const MANY = ['m', 'n']
/** Some files are known by their hash, others by those of their blocks. Files of one length differ by content alone. */
const SIZES = [0, 5, 5, 5, 3_000, 3_000, 100_000, 100_000]
/** What the shared folder holds at first. */
export const FIRST = { kept1: '1', kept2: '2', a: 'a', d: { x: 'x', y: 'y' } }

export interface TwoSides {
  /** What was done, a line each. */
  readonly log: string[]
  readonly random: () => number
  /** Some steps in the shared folder, or in the copy. */
  readonly share: () => Promise<void>
  readonly copy: () => Promise<void>
}

/** @param many files in a folder that the sharer changes at once; 0: there is no such folder */
export function twoSides(source: string, copy: string, seed: number, many = 0): TwoSides {
  const random = generator(seed)
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const log: string[] = []
  let made = 0

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
    'rename to another case': async root => {
      const from = await anyFile(root)
      if (from === undefined) return undefined
      const name = basename(from)
      const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
      const to = join(dirname(from), other)
      if (to === from) return undefined
      await clear(root, to)
      await rename(join(root, from), join(root, to))
      return `${from} → ${to}`
    },
    'rename folder': async root => {
      const [from, to] = [pick(['d', 'g', 'd/e', 'h']) ?? 'd', pick(['g', 'h', 'd/e', 'h/i']) ?? 'h']
      const isFolder = (await lstat(join(root, from)).catch(() => undefined))?.isDirectory() === true
      if (!isFolder || `${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`)) return undefined
      // A link would lead nowhere from another depth.
      const isDeeper = from.split('/').length !== to.split('/').length
      const { things: held } = await sideOf(join(root, from))
      if (isDeeper && [...held.values()].some(({ kind }) => kind === 'link')) return undefined
      await clear(root, to)
      await rename(join(root, from), join(root, to))
      return `${from} → ${to}`
    },
    swap: async root => {
      const [one, other] = [await anyFile(root), await anyFile(root)]
      if (one === undefined || other === undefined || one === other) return undefined
      const aside = join(root, `${one}~`)
      await rename(join(root, one), aside)
      await rename(join(root, other), join(root, one))
      await rename(aside, join(root, other))
      return `${one} ↔ ${other}`
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
  /** What only the sharer does, of many files at once. */
  const sharedSteps: typeof steps = {
    ...steps,
    'write many': async root => {
      const folder = pick(MANY) ?? 'm'
      await clear(root, folder)
      mkdirSync(join(root, folder))
      for (let n = 0; n < many; n++) await writeFile(join(root, folder, `${n}`), freshText())
      return many === 0 ? undefined : folder
    },
    'change many': async root => {
      const files = (await things(root)).filter(([path]) => path.includes('/'))
      for (const [path, { kind }] of files)
        if (kind === 'file' && random() < 0.5) await writeFile(join(root, path), freshText())
      return String(files.length)
    },
    'rename many': async root => {
      const [from, to] = [pick(MANY) ?? 'm', pick(MANY) ?? 'n']
      const isFolder = (await lstat(join(root, from)).catch(() => undefined))?.isDirectory() === true
      if (!isFolder || from === to) return undefined
      await clear(root, to)
      await rename(join(root, from), join(root, to))
      return `${from} → ${to}`
    },
    'delete nearly all': async root => {
      for (const [path] of await things(root)) if (random() < 0.9) await rm(join(root, path))
      return '/'
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

  return {
    log,
    random,
    share: () => doSteps('share', source, many === 0 ? steps : sharedSteps),
    copy: () => doSteps('copy', copy, localSteps),
  }
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
