/** Random steps in a real folder, and the paths that a watcher tells of each. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'

const KEY = `-----BEGIN PRIVATE ${'KEY'}-----\nabc\n`
const NOBODY = 65534

/** What the folder is shared with. */
export const STEP_OPTIONS = { ignore: ['*.tmp'], allow: ['/build/let-in.txt', '/.env'] as DrivePath[] }

const FOLDERS = ['', '/a', '/b', '/a/c', '/build', '/a/c/d']
const NAMES = [
  ...['x.txt', 'y.txt', 'X.txt', 'a', 'b', 'c', 'd', 'build', 'con', 'é.txt'],
  ...['.env', 'server.pem', 'debug.log', 'z.tmp', 'let-in.txt', '.gitignore', '.peerfoldignore'],
  ...['keys.json', 'store', 'catalog', 'token', 'format-2', '.git', 'link', 'other-link'],
]
const TEXTS = ['', 'one', 'two', '*.log\n', 'build/\n', '!debug.log\n', 'x.txt\n', 'a\n', 'link\n', KEY]
const TARGETS = [
  ...['x.txt', '../x.txt', 'a', 'c/x.txt', 'link', 'other-link', 'debug.log', '.'],
  ...['../../out', '/abs'],
]
/** How often each kind of step is done, in proportion. */
const KINDS = {
  write: 6,
  replace: 3,
  remove: 3,
  rename: 3,
  link: 3,
  folder: 2,
  mode: 2,
  time: 1,
  'second name': 1,
} as const

const place = fc
  .tuple(fc.constantFrom(...FOLDERS), fc.constantFrom(...NAMES))
  .map(([folder, name]) => `${folder}/${name}`)

const step = fc.record({
  kind: fc.oneof(
    ...Object.entries(KINDS).map(([kind, weight]) => ({
      weight,
      arbitrary: fc.constant(kind as keyof typeof KINDS),
    })),
  ),
  at: place,
  to: place,
  text: fc.constantFrom(...TEXTS),
  target: fc.constantFrom(...TARGETS),
  mode: fc.constantFrom(0o644, 0o755, 0),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Lists of one to three steps each, `times` lists at most. */
export function batchesOfSteps(times: number): fc.Arbitrary<Step[][]> {
  return fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: times })
}

/** A new folder. `end` has to be called. */
export class FolderOfSteps {
  readonly root: string
  private readonly top: string

  /** @param options.asNobody root, who may read everything, becomes nobody until the end */
  constructor({ asNobody }: { readonly asNobody: boolean }) {
    this.top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'peerfold-steps-')))
    this.root = join(this.top, 'share')
    fs.mkdirSync(this.root)
    if (process.getuid?.() !== 0 || !asNobody) return
    for (const folder of [this.top, this.root]) fs.chownSync(folder, NOBODY, NOBODY)
    process.seteuid?.(NOBODY)
  }

  end(): void {
    if (process.getuid?.() === 0) process.seteuid?.(0)
    makeReadable(this.top)
    fs.rmSync(this.top, { recursive: true, force: true })
  }

  /** Does a step, as far as it can be done. → what a watcher tells of it, by the folders that things really are in */
  make(one: Step): DrivePath[] {
    const absent = foldersAbove(one.at).filter(path => !fs.existsSync(join(this.root, path)))
    const named = [...absent, ...this.try(one)].map(name => this.real(dirname(name), `/${basename(name)}`))
    // These steps follow a link, and change what it leads to.
    const followed = ['write', 'mode', 'time'].includes(one.kind) ? [this.real(one.at, '')] : []
    return [...named, ...followed].filter(path => path !== undefined)
  }

  /** The real place of a path, with `name` behind it. Undefined if it is not in the folder. */
  private real(path: string, name: string): DrivePath | undefined {
    const real = realOf(join(this.root, path))
    const isInside = real?.startsWith(`${this.root}/`) === true || (real === this.root && name !== '')
    return isInside ? (`${real?.slice(this.root.length)}${name}` as DrivePath) : undefined
  }

  private try({ kind, at, to, text, target, mode }: Step): string[] {
    const path = join(this.root, at)
    const other = join(this.root, to)
    try {
      fs.mkdirSync(dirname(path), { recursive: true })
      switch (kind) {
        case 'write':
          fs.writeFileSync(path, text)
          break
        case 'replace':
          fs.writeFileSync(`${path}~`, text)
          fs.renameSync(`${path}~`, path)
          break
        case 'remove':
          fs.rmSync(path, { recursive: true })
          break
        case 'folder':
          fs.mkdirSync(path)
          break
        case 'rename':
          fs.renameSync(path, other)
          break
        case 'link':
          fs.symlinkSync(target, path)
          break
        case 'second name':
          fs.linkSync(path, other)
          return [to] // nothing is told of the other name
        case 'mode':
          fs.chmodSync(path, fs.statSync(path).isDirectory() && mode === 0o644 ? 0o755 : mode)
          break
        case 'time':
          fs.utimesSync(path, 1_000_000_000, 1_000_000_000)
      }
    } catch {
      // There is nothing at the path, or the step is not allowed.
    }
    return [at, `${at}~`, to]
  }
}

function realOf(path: string): string | undefined {
  try {
    return fs.realpathSync(path)
  } catch {
    return undefined // nothing can be in it
  }
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
}

function makeReadable(folder: string): void {
  fs.chmodSync(folder, 0o755)
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) makeReadable(join(folder, entry.name))
}
