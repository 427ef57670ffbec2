/**
 * Names on disk that are no UTF-8: they cannot stand in a drive path, and Node shows them with U+FFFD in place of
 * bytes.
 */
import { readdirSync } from 'node:fs'

const REPLACEMENT = '\uFFFD'

/** Whether a name read from disk might stand for bytes that are no UTF-8. */
export function maybeUndecodable(name: string): boolean {
  return name.includes(REPLACEMENT)
}

/**
 * Reads a folder's names as bytes, to tell those that are no UTF-8 from those that really hold U+FFFD.
 *
 * @returns the names that hold U+FFFD, and readable forms of those that are no UTF-8
 */
export function undecodableNames(folder: string): {
  readonly valid: Set<string>
  readonly invalid: string[]
} {
  const valid = new Set<string>()
  const invalid: string[] = []
  for (const bytes of readdirSync(folder, { encoding: 'buffer' })) {
    const name = bytes.toString('utf8')
    if (!maybeUndecodable(name)) continue
    if (Buffer.from(name, 'utf8').equals(bytes)) valid.add(name)
    else invalid.push(escapeBytes(bytes))
  }
  return { valid, invalid }
}

function escapeBytes(bytes: Buffer): string {
  const toHex = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  return bytes.toString('latin1').replace(/[^\x20-\x7e]/g, toHex)
}
