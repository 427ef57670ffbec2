/** What lies in a folder, as models reckon with it. */
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

/** A text as a report shows it: long ones by their beginning, length and hash. */
export function short(text: string): string {
  if (text.length <= 20) return text
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${text.slice(0, 12)}… ${text.length} characters, ${digest}`
}
