/** Folders that tests work in: made where asked for, described as plain objects, compared byte for byte. */
import { createCipheriv } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a folder holds, by name: text or bytes for a file, an object for a folder, or one of the two makers below. */
export interface Tree {
  readonly [name: string]: Entry
}
export type Entry = string | Uint8Array | ExecutableFile | SymbolicLink | Tree

class ExecutableFile {
  constructor(readonly content: string | Uint8Array) {}
}
class SymbolicLink {
  constructor(readonly to: string) {}
}

/** A file with its executable bits set. */
export function executable(content: string | Uint8Array): ExecutableFile {
  return new ExecutableFile(content)
}

/** A symbolic link. It may lead anywhere, or nowhere. */
export function symbolicLink(to: string): SymbolicLink {
  return new SymbolicLink(to)
}

/** The same `size` bytes for the same `seed`, not compressible; about 1 GB/s. */
export function randomBytes(size: number, seed = 0): Uint8Array {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed >>> 0)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

/** A new empty folder, removed with all it holds when this process ends. */
export function temporaryFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `peerfold-${name}-`))
  if (temporaryFolders.size === 0) process.on('exit', removeTemporaryFolders)
  temporaryFolders.add(folder)
  return folder
}

const temporaryFolders = new Set<string>()

function removeTemporaryFolders(): void {
  for (const folder of temporaryFolders) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    } catch (error) {
      console.error(`left in place, something still writes there: ${folder} (${String(error)})`)
    }
  }
}

/** Writes a tree into a folder, which is created where it is missing. → the folder, for chaining */
export async function makeTree(folder: string, tree: Tree): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const [name, entry] of Object.entries(tree)) {
    const path = join(folder, name)
    if (typeof entry === 'string' || entry instanceof Uint8Array) await writeFile(path, entry)
    else if (entry instanceof SymbolicLink) await symlink(entry.to, path)
    else if (entry instanceof ExecutableFile) {
      await writeFile(path, entry.content)
      await chmod(path, 0o755)
    } else await makeTree(path, entry)
  }
  return folder
}

/** Gives a file its time of last change: whole milliseconds since 1970, negative before it. */
export async function setTimeOf(path: string, time: number): Promise<void> {
  const seconds = String((time + 0.0005) / 1000) // Node takes a negative number for the present, and cuts off fractions
  await utimes(path, seconds, seconds)
}

/**
 * Every difference between two folders as a sentence; none: they are the same. Looks at names, kinds, bytes, the
 * owner's executable bit and where links lead; empty folders count only with `emptyFolders`.
 */
export async function compareTrees(
  a: string,
  b: string,
  options: { emptyFolders?: boolean } = {},
): Promise<string[]> {
  const [left, right] = await Promise.all([filesOf(a, options), filesOf(b, options)])
  const names = [...new Set([...left.keys(), ...right.keys()])].sort()
  const differences = await Promise.all(
    names.map(async name => {
      const [one, other] = [left.get(name), right.get(name)]
      if (one === undefined) return `${name} is only in ${b}`
      if (other === undefined) return `${name} is only in ${a}`
      if (one !== other) return `${name} is a ${one} in ${a} and a ${other} in ${b}`
      if (one === 'link') {
        const [to, otherTo] = await Promise.all([readlink(join(a, name)), readlink(join(b, name))])
        return to === otherTo ? undefined : `${name} leads to ${to} in ${a} and to ${otherTo} in ${b}`
      }
      if (one === 'empty folder') return undefined
      const [bytes, otherBytes] = await Promise.all([readFile(join(a, name)), readFile(join(b, name))])
      return bytes.equals(otherBytes)
        ? undefined
        : `${name} has other bytes: ${bytes.length} in ${a}, ${otherBytes.length} in ${b}`
    }),
  )
  return differences.filter(difference => difference !== undefined)
}

type Kind = 'file' | 'executable file' | 'link' | 'empty folder' | 'special file'

/** Undefined if it went after its folder was read, as a temporary of a program that writes there may. */
async function fileKindOf(path: string): Promise<Kind | undefined> {
  try {
    return (await lstat(path)).mode & 0o100 ? 'executable file' : 'file'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function filesOf(folder: string, options: { emptyFolders?: boolean }): Promise<Map<string, Kind>> {
  const found = new Map<string, Kind>()
  const walk = async (below: string) => {
    const entries = await readdir(join(folder, below), { withFileTypes: true })
    if (entries.length === 0 && below !== '' && options.emptyFolders) found.set(below, 'empty folder')
    for (const entry of entries) {
      const name = join(below, entry.name)
      if (entry.isDirectory()) await walk(name)
      else if (entry.isSymbolicLink()) found.set(name, 'link')
      else if (!entry.isFile()) found.set(name, 'special file')
      else {
        const kind = await fileKindOf(join(folder, name))
        if (kind !== undefined) found.set(name, kind)
      }
    }
  }
  await walk('')
  return found
}
