/**
 * The fields of a link of format 2: what it points at. Each is
 *
 *   byte 0        tag
 *   bytes 1–2     length of the value in bytes, big-endian
 *   n bytes       value
 *
 * in the order of their tags, each at most once. A field whose tag is below 128 may be skipped by whoever does not know
 * it; one with a tag from 128 on says that the link must not be opened without knowing it.
 *
 *   1  path       UTF-8, `/a/b`, or `/a/b/` for a folder
 *   2  version    the number of a version, big-endian, without leading zeros
 *   3             reserved: where to ask
 */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { DrivePath } from './brand'
import { MAX_DEPTH, refusalOfPath, refusalOfStep, utf8Length } from './pathText'
import type { LinkProblem, ShareLink } from './shareLink'

/**
 * Longest path in a link, in bytes of UTF-8. It keeps the whole link below 2,048 characters: chat programs lose longer
 * ones, and Windows does not open them.
 */
export const MAX_LINK_PATH_BYTES = 1_024

const PATH = 1
const VERSION = 2
const REQUIRED = 128
/** Bytes of a version: as many as a safe integer has. */
const MAX_VERSION_BYTES = 7

export type LinkFields = Pick<ShareLink, 'path' | 'version'>

/**
 * True for what a link may point at: below the share's root, by a path that every system takes for the same one. Neither
 * `..` nor control characters get through, nor a backslash, which separates folders on some systems.
 */
export function isLinkPath(path: string): path is DrivePath {
  if (refusalOfPath(path) !== undefined || path.includes('\\')) return false
  if (utf8Length(path) > MAX_LINK_PATH_BYTES) return false
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  return steps.length <= MAX_DEPTH && steps.every(step => refusalOfStep(step) === undefined)
}

/** Empty when the link has none of them. @throws RangeError for what `readFields` would refuse */
export function writeFields({ path, version }: LinkFields): readonly number[] {
  const bytes: number[] = []
  if (path !== undefined) {
    if (!isLinkPath(path)) throw new RangeError('a path that no link can point at')
    bytes.push(...field(PATH, utf8ToBytes(path)))
  }
  if (version !== undefined) {
    if (!isVersion(version)) throw new RangeError(`not the number of a version: ${version}`)
    bytes.push(...field(VERSION, bigEndian(version)))
  }
  return bytes
}

/** @returns the fields, or what is wrong with them */
export function readFields(
  bytes: Uint8Array,
): LinkFields | Extract<LinkProblem, 'malformed' | 'newer-version'> {
  let fields: LinkFields = {}
  let last = 0
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, high = 0, low = 0] = bytes.subarray(at, at + 3)
    const start = at + 3
    const end = start + high * 256 + low
    if (tag <= last || end > bytes.length) return 'malformed'
    const value = bytes.subarray(start, end)
    if (tag === PATH) {
      const path = readPath(value)
      if (path === undefined) return 'malformed'
      fields = { ...fields, path }
    } else if (tag === VERSION) {
      const version = readVersion(value)
      if (version === undefined) return 'malformed'
      fields = { ...fields, version }
    } else if (tag >= REQUIRED) return 'newer-version'
    last = tag
    at = end
  }
  return fields
}

function readPath(value: Uint8Array): DrivePath | undefined {
  try {
    const path = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
    return isLinkPath(path) ? path : undefined
  } catch {
    return undefined // no UTF-8
  }
}

function readVersion(value: Uint8Array): number | undefined {
  if (value.length > MAX_VERSION_BYTES || value[0] === 0) return undefined
  const version = value.reduce((sum, byte) => sum * 256 + byte, 0)
  return isVersion(version) ? version : undefined
}

function isVersion(version: number): boolean {
  return Number.isSafeInteger(version) && version > 0
}

function field(tag: number, value: ArrayLike<number>): readonly number[] {
  return [tag, value.length >> 8, value.length & 255, ...Array.from(value)]
}

function bigEndian(version: number): readonly number[] {
  const bytes: number[] = []
  for (let left = version; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256)
  return bytes
}
