/**
 * The ticket: the part of a link that holds it all. `pf` and z-base-32 of
 *
 *   byte 0        format version, 1 or 2
 *   byte 1        flags: 1 = private (an encryption key follows), 2 = a single file, 4 = a name follows
 *   [2 bytes]     format 2: number of the bytes that follow, without the checksum (big-endian), so that the end of a
 *                 ticket is known wherever it stands
 *   32 bytes      the drive's public key
 *   [32 bytes]    the key that decrypts the blocks
 *   [1 + n bytes] length and UTF-8 of the name: a hint from whoever made the link, never trusted
 *   [n bytes]     format 2: fields, see linkFields.ts
 *   4 bytes       CRC-32 (IEEE, big-endian) of all bytes before, so that a typo is told at once
 *
 * Format 2 is written only for a link that says more than format 1 can: all others stay as every version reads them.
 */
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { DriveKey, EncryptionKey } from './brand'
import { type LinkFields, readFields, writeFields } from './linkFields'
import { badLink, type ParsedLink, type ShareLink } from './shareLink'
import { decodeLoosely, encodeZ32, lengthInZ32 } from './zBase32'

export const TICKET_PREFIX = 'pf'
const MAX_NAME_BYTES = 96
const PLAIN = 1
const WITH_FIELDS = 2
const FLAG_PRIVATE = 1
const FLAG_FILE = 2
const FLAG_NAME = 4
const KNOWN_FLAGS = FLAG_PRIVATE | FLAG_FILE | FLAG_NAME
/** Bytes before the keys. */
const HEAD = { [PLAIN]: 2, [WITH_FIELDS]: 4 } as const
const CHECKSUM = 4

type Format = keyof typeof HEAD

/** Where in a ticket its parts begin, in bytes; undefined while too few bytes are there to tell. */
interface Layout {
  readonly format: Format
  readonly flags: number
  readonly keys: number
  /** Where the keys end: there the length of the name is, where there is a name. */
  readonly name: number
  readonly fields: number | undefined
  readonly checksum: number | undefined
}

/** @throws RangeError for a path or version that no link can have */
export function formatTicket(link: ShareLink): string {
  const name = link.name === undefined ? undefined : encodeName(link.name)
  const fields = writeFields(link)
  const flags =
    (link.encryptionKey === undefined ? 0 : FLAG_PRIVATE) |
    (link.isFile ? FLAG_FILE : 0) |
    (name === undefined ? 0 : FLAG_NAME)
  const body = [...hexToBytes(link.key)]
  if (link.encryptionKey !== undefined) body.push(...hexToBytes(link.encryptionKey))
  if (name !== undefined) body.push(name.length, ...name)
  body.push(...fields)
  const head =
    fields.length === 0 ? [PLAIN, flags] : [WITH_FIELDS, flags, body.length >> 8, body.length & 255]
  const payload = [...head, ...body]
  const sum = crc32(payload)
  payload.push(sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255)
  return TICKET_PREFIX + encodeZ32(payload)
}

/** @param ticket in lower case, with its first two letters */
export function parseTicket(ticket: string): ParsedLink {
  const text = ticket.slice(TICKET_PREFIX.length)
  if (text === '') return badLink('truncated')
  // Left-over bits are checked last, since a ticket that is cut off rarely ends at a byte's border.
  const bytes = decodeLoosely(text)
  if (bytes === undefined) return badLink('typo')
  if (bytes.length < 2) return badLink('truncated')
  const layout = layoutOf(bytes)
  if (layout === undefined) return badLink(checksumHolds(bytes) ? 'newer-version' : 'typo')

  const isKnown = (layout.flags & ~KNOWN_FLAGS) === 0
  const { checksum } = layout
  if (checksum === undefined || bytes.length < checksum + CHECKSUM)
    return badLink(isKnown ? 'truncated' : 'typo')
  if (bytes.length !== checksum + CHECKSUM || !checksumHolds(bytes) || encodeZ32(bytes) !== text)
    return badLink('typo')
  if (!isKnown) return badLink('newer-version')
  if (layout.fields === undefined || layout.fields > checksum) return badLink('malformed')
  const fields = readFields(bytes.subarray(layout.fields, checksum))
  return typeof fields === 'string' ? badLink(fields) : { ok: true, link: linkOf(bytes, layout, fields) }
}

/**
 * Characters of the whole ticket that begins with `start`, so that its end can be found in a longer text. Undefined when
 * `start` is too short to tell, or no ticket of a version known here.
 */
export function ticketLength(start: string): number | undefined {
  const lower = start.toLowerCase()
  if (!lower.startsWith(TICKET_PREFIX)) return undefined
  const layout = layoutOf(decodeLoosely(lower.slice(TICKET_PREFIX.length)) ?? new Uint8Array())
  if (layout === undefined || (layout.flags & ~KNOWN_FLAGS) !== 0) return undefined
  const { checksum } = layout
  if (checksum === undefined || checksum < layout.name) return undefined
  return TICKET_PREFIX.length + lengthInZ32(checksum + CHECKSUM)
}

/** Undefined for formats that are not known here. */
function layoutOf(bytes: Uint8Array): Layout | undefined {
  const [format, flags] = bytes
  if ((format !== PLAIN && format !== WITH_FIELDS) || flags === undefined) return undefined
  const keys = HEAD[format]
  const name = keys + 32 + ((flags & FLAG_PRIVATE) === 0 ? 0 : 32)
  const nameLength = (flags & FLAG_NAME) === 0 ? -1 : bytes[name]
  const fields = nameLength === undefined ? undefined : name + 1 + nameLength
  const [, , high, low] = bytes
  const said = high === undefined || low === undefined ? undefined : keys + high * 256 + low
  return { format, flags, keys, name, fields, checksum: format === PLAIN ? fields : said }
}

function linkOf(
  bytes: Uint8Array,
  { flags, keys, name: nameAt, fields: fieldsAt }: Layout,
  fields: LinkFields,
): ShareLink {
  const hexAt = (at: number) => bytesToHex(bytes.subarray(at, at + 32))
  const name = (flags & FLAG_NAME) === 0 ? undefined : decodeName(bytes.subarray(nameAt + 1, fieldsAt))
  return {
    key: hexAt(keys) as DriveKey,
    isFile: (flags & FLAG_FILE) !== 0,
    ...((flags & FLAG_PRIVATE) === 0 ? {} : { encryptionKey: hexAt(keys + 32) as EncryptionKey }),
    ...(name ? { name } : {}),
    ...fields,
  }
}

/** Cuts a name to what fits, at a character's border, and drops what could deceive where it is shown. */
function encodeName(name: string): Uint8Array | undefined {
  let bytes = new Uint8Array()
  for (const character of cleanName(name)) {
    const next = new Uint8Array([...bytes, ...utf8ToBytes(character)])
    if (next.length > MAX_NAME_BYTES) break
    bytes = next
  }
  return bytes.length === 0 ? undefined : bytes
}

function decodeName(bytes: Uint8Array): string {
  return cleanName(new TextDecoder().decode(bytes))
}

/** Without control characters, bidirectional overrides and isolates, and lone surrogates. */
function cleanName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, '').trim()
}

function checksumHolds(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false
  const end = bytes.length - CHECKSUM
  const sum = new DataView(bytes.buffer, bytes.byteOffset + end, CHECKSUM).getUint32(0)
  return sum === crc32(bytes.subarray(0, end))
}

function crc32(bytes: ArrayLike<number>): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i] ?? 0
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
