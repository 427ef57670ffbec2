/** Which names of entries on disk can stand in a drive path. */

/** Names that begin so are Peerfold's own (files that are being written) and are never shared. */
export const TEMPORARY_PREFIX = '.peerfold-'

/** Bytes. No receiver takes more. */
const MAX_COMPONENT = 255
const MAX_PATH = 4096
const MAX_DEPTH = 255

const UNSAFE = /[\p{Cc}\p{Cs}\\\u202a-\u202e\u2066-\u2069]/u

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
