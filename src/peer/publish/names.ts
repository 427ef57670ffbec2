/**
 * Names of entries on disk: which ones can stand in a drive path, and in what order. Taking a folder as if its name
 * ended with `/` makes the order of a depth-first walk the order of the whole paths (drive/pathOrder.ts), so that no
 * sort over everything is needed.
 */
import { readdirSync } from 'node:fs'

export { compareDrivePaths } from '../drive/pathOrder'

/** Names that begin so are Peerfold's own (files that are being written) and are never shared. */
export const TEMPORARY_PREFIX = '.peerfold-'

/** Bytes. No receiver takes more. */
const MAX_COMPONENT = 255
const MAX_PATH = 4096
const MAX_DEPTH = 255

const UNSAFE = /[\p{Cc}\p{Cs}\\\u202a-\u202e\u2066-\u2069]/u
const REPLACEMENT = '\uFFFD'

/**
 * Why a drive path cannot be in a share, as a sentence, or undefined. Looks at the last component; those above it
 * were asked before. Every receiver refuses such a path whatever its system, so the sharer is told instead.
 */
export function unsafeName(drivePath: string): string | undefined {
  const name = drivePath.slice(drivePath.lastIndexOf('/') + 1)
  const unsafe = UNSAFE.exec(name)?.[0]
  if (unsafe === '\\') return 'There is a backslash in the name, which separates folders on other systems.'
  if (unsafe !== undefined && /\p{Cs}/u.test(unsafe)) return 'The name is not valid Unicode.'
  if (unsafe !== undefined && /\p{Cc}/u.test(unsafe)) return 'There is a control character in the name.'
  if (unsafe !== undefined) return 'There is a character in the name that reverses how the rest is shown.'
  if (name.length > MAX_COMPONENT / 3 && Buffer.byteLength(name) > MAX_COMPONENT)
    return `The name is longer than ${MAX_COMPONENT} bytes.`
  if (drivePath.length > MAX_PATH / 3 && Buffer.byteLength(drivePath) > MAX_PATH)
    return `The path is longer than ${MAX_PATH} bytes.`
  if (drivePath.length > MAX_DEPTH && drivePath.split('/').length - 1 > MAX_DEPTH)
    return `It lies more than ${MAX_DEPTH} folders deep.`
  return undefined
}

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
