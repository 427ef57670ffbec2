/** Whether a copy is the same as its source, byte for byte, however large its files are. */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

const PIECE = 4 << 20

/** Throws with the first difference in names or bytes. `ignore`: names at the top that do not count. */
export function assertSameFiles(source: string, copy: string, ignore: readonly string[] = []): void {
  const wanted = filesOf(source, ignore)
  const found = filesOf(copy, ignore)
  const missing = [...wanted].find(name => !found.has(name))
  if (missing !== undefined)
    throw new Error(`${missing} is missing (${found.size} of ${wanted.size} files came)`)
  const extra = [...found].find(name => !wanted.has(name))
  if (extra !== undefined) throw new Error(`${extra} is not in the source`)
  const buffers = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)] as const
  for (const name of wanted) {
    if (!sameBytes(join(source, name), join(copy, name), buffers)) throw new Error(`${name} has other bytes`)
  }
}

function filesOf(folder: string, ignore: readonly string[]): Set<string> {
  if (lstatSync(folder).isFile()) return new Set([''])
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => !ignore.includes(name.split('/')[0] ?? '') && !lstatSync(join(folder, name)).isDirectory(),
  )
  return new Set(names)
}

function sameBytes(one: string, other: string, [a, b]: readonly [Buffer, Buffer]): boolean {
  const left = openSync(one, 'r')
  const right = openSync(other, 'r')
  try {
    for (;;) {
      const length = fill(left, a)
      if (length !== fill(right, b) || !a.subarray(0, length).equals(b.subarray(0, length))) return false
      if (length === 0) return true
    }
  } finally {
    closeSync(left)
    closeSync(right)
  }
}

function fill(file: number, buffer: Buffer): number {
  let length = 0
  for (let read = -1; read !== 0 && length < buffer.length; length += read)
    read = readSync(file, buffer, length, buffer.length - length, null)
  return length
}
