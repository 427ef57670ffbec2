/** What a copy must hold after each save, reckoned from what both sides hold before it and what the copy made so far. */
import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export type Thing =
  | { readonly kind: 'file'; readonly text: string; readonly executable: boolean; readonly time: number }
  | { readonly kind: 'link'; readonly target: string }

/** All files, links and folders below a folder, by path. */
export interface Side {
  readonly things: Map<string, Thing>
  readonly folders: Set<string>
}

export async function sideOf(root: string): Promise<Side> {
  const side: Side = { things: new Map(), folders: new Set() }
  const walk = async (below: string) => {
    for (const name of (await readdir(join(root, below))).sort()) {
      const path = below === '' ? name : `${below}/${name}`
      const stats = await lstat(join(root, path))
      if (stats.isDirectory()) {
        side.folders.add(path)
        await walk(path)
      } else if (stats.isSymbolicLink())
        side.things.set(path, { kind: 'link', target: await readlink(join(root, path)) })
      else {
        const text = await readFile(join(root, path), 'utf8')
        const executable = (stats.mode & 0o100) !== 0
        side.things.set(path, { kind: 'file', text, executable, time: Math.floor(stats.mtimeMs) })
      }
    }
  }
  await walk('')
  return side
}

export function contentOf(thing: Thing): string {
  return thing.kind === 'file' ? `file ${short(thing.text)}` : `link ${thing.target}`
}

/** A text that can be read in a report; others are told otherwise. */
export function short(text: string): string {
  if (text.length <= 20) return text
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${text.slice(0, 12)}… ${text.length} characters, ${digest}`
}

interface Expected {
  readonly side: Side
  /** New conflict copies: the path they belong to, and what they hold. */
  readonly conflicts: string[]
  /** Paths of what could not come. */
  readonly skipped: string[]
}

export class CopyModel {
  /** What the share had when a path was last dealt with. */
  private readonly bases = new Map<string, Thing>()
  /** Folders that the copy made. */
  private readonly made = new Set<string>()

  afterCopy(shared: Side, before: Side): Expected {
    const side = { things: new Map(before.things), folders: new Set(before.folders) }
    const expected: Expected = { side, conflicts: [], skipped: [] }
    for (const [path, incoming] of shared.things) this.place(path, incoming, before, expected)
    return expected
  }

  private place(path: string, incoming: Thing, before: Side, { side, conflicts, skipped }: Expected): void {
    const base = this.bases.get(path)
    const hasNothingNew = base !== undefined && contentOf(base) === contentOf(incoming)
    const blocker = foldersAbove(path).find(above => before.things.has(above))
    if (blocker !== undefined) {
      if (!this.isOurs(blocker, before)) {
        skipped.push(path)
        return
      }
      side.things.delete(blocker)
      this.bases.delete(blocker)
      this.write(path, incoming, side)
      return
    }
    const local = before.things.get(path)
    if (before.folders.has(path)) {
      if (hasNothingNew) return
      if (!this.isFolderOurs(path, before)) {
        skipped.push(path)
        return
      }
      for (const each of [...side.things.keys(), ...side.folders]) {
        if (each !== path && !each.startsWith(`${path}/`)) continue
        side.things.delete(each)
        side.folders.delete(each)
        this.bases.delete(each)
        this.made.delete(each)
      }
      this.write(path, incoming, side)
    } else if (local === undefined) this.write(path, incoming, side)
    else if (contentOf(local) === contentOf(incoming)) {
      side.things.set(path, withNewAttributes(local, incoming, base))
      this.bases.set(path, incoming)
    } else if (hasNothingNew) return
    else if (this.isStrange(path, base) && (local.kind === 'link' || incoming.kind === 'link'))
      skipped.push(path)
    else if (this.isOurs(path, before)) this.write(path, incoming, side)
    else {
      this.bases.set(path, incoming)
      const isBeside = [...before.things].some(
        ([other, thing]) =>
          thing.kind === 'file' &&
          other.startsWith(`${path}.conflict-`) &&
          contentOf(thing) === contentOf(incoming),
      )
      if (!isBeside) conflicts.push(`${path}: ${contentOf(incoming)}`)
    }
    conflicts.sort()
  }

  private write(path: string, thing: Thing, side: Side): void {
    for (const folder of foldersAbove(path)) {
      if (side.folders.has(folder)) continue
      side.folders.add(folder)
      this.made.add(folder)
      this.bases.delete(folder)
    }
    side.things.set(path, thing)
    this.bases.set(path, thing)
    this.made.delete(path)
  }

  /** Whether the copy never had anything to do with what lies there. Where it had made a folder, both sides changed. */
  private isStrange(path: string, base: Thing | undefined): boolean {
    return base === undefined && !this.made.has(path)
  }

  /** Whether what lies there is what the copy made. */
  private isOurs(path: string, { things }: Side): boolean {
    const [base, local] = [this.bases.get(path), things.get(path)]
    return base !== undefined && local !== undefined && contentOf(base) === contentOf(local)
  }

  private isFolderOurs(path: string, side: Side): boolean {
    const isBelow = (other: string) => other.startsWith(`${path}/`)
    return (
      this.made.has(path) &&
      [...side.folders].filter(isBelow).every(folder => this.made.has(folder)) &&
      [...side.things.keys()].filter(isBelow).every(thing => this.isOurs(thing, side))
    )
  }
}

/** What the share did not change since stays as the user has it. */
function withNewAttributes(local: Thing, incoming: Thing, base: Thing | undefined): Thing {
  if (local.kind !== 'file' || incoming.kind !== 'file') return incoming
  const isSame =
    base?.kind === 'file' && base.time === incoming.time && base.executable === incoming.executable
  return isSame ? local : incoming
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}
