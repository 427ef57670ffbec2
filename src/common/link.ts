/**
 * The link: the text that lets another person open a share.
 *
 * A ticket is `pf` + z-base-32 of
 *
 *   byte 0        format version, 1
 *   byte 1        flags: 1 = private (an encryption key follows), 2 = a single file, 4 = a name follows
 *   32 bytes      the drive's public key
 *   [32 bytes]    the key that decrypts the blocks
 *   [1 + n bytes] length and UTF-8 of the name: a hint from whoever made the link, never trusted
 *   4 bytes       CRC-32 (IEEE, big-endian) of all bytes before, so that a typo is told at once
 *
 * It travels as `<editor scheme>://peerfold.peerfold/open/<ticket>`, which an editor opens on a click, or bare.
 * Plain Hyperdrive keys (z-base-32, hex, pear://, hyper://) are links too: public shares without a name.
 */
import { blake2b } from '@noble/hashes/blake2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import z32 from 'z32'
import type { DriveKey, EncryptionKey, ShareId } from './brand'

export const EXTENSION_ID = 'peerfold.peerfold'
export const DEFAULT_URI_SCHEME = 'vscode'

/** Longest text that is looked at; everything longer is refused unread. */
export const MAX_LINK_LENGTH = 2_048
const MAX_NAME_BYTES = 96
const VERSION = 1
const FLAG_PRIVATE = 1
const FLAG_FILE = 2
const FLAG_NAME = 4
const KNOWN_FLAGS = FLAG_PRIVATE | FLAG_FILE | FLAG_NAME
const PREFIX = 'pf'

export interface ShareLink {
  readonly key: DriveKey
  /** Absent for public shares. */
  readonly encryptionKey?: EncryptionKey
  /** What the maker of the link called the share. Untrusted text, free of control characters, at most 96 bytes. */
  readonly name?: string
  /** The share is one file, not a folder. */
  readonly isFile: boolean
}

export type LinkProblem =
  | 'empty'
  | 'too-long'
  | 'not-a-link'
  | 'foreign'
  | 'typo'
  | 'truncated'
  | 'newer-version'

export type ParsedLink = { readonly ok: true; readonly link: ShareLink } | BadLink

export interface BadLink {
  readonly ok: false
  readonly problem: LinkProblem
  /** What is wrong, and what to do. */
  readonly message: string
}

const PROBLEMS: Record<LinkProblem, string> = {
  empty: 'There is no link. Paste the whole link you were sent.',
  'too-long': 'This text is too long to be a Peerfold link. Paste only the link.',
  'not-a-link': 'This is not a Peerfold link. It should contain “/open/pf…”, or be a Hyperdrive key.',
  foreign: 'This is a link of another kind, not a Peerfold link or a Hyperdrive key.',
  typo: 'The link has a typing error. Copy it again from where you got it, from its first character to its last.',
  truncated: 'The link is cut off. Copy it again, to its very end.',
  'newer-version': 'This link was made by a newer Peerfold. Update Peerfold, then open it again.',
}

/** Reads any form of link. Never throws; the message says what is wrong and what to do. */
export function parseLink(text: string): ParsedLink {
  const trimmed = text.trim().replace(/^<(.*)>$/s, '$1')
  if (trimmed === '') return badLink('empty')
  if (trimmed.length > MAX_LINK_LENGTH) return badLink('too-long')

  const uri = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(trimmed)
  if (!uri) {
    return parseBare(trimmed)
  }
  const scheme = (uri[1] ?? '').toLowerCase()
  const rest = uri[2] ?? ''
  if (scheme === 'pear' || scheme === 'hyper') {
    return parseKey(rest.replace(/^key\//, '').replace(/[/+].*$/s, ''), 'foreign')
  }
  const ticket = /^peerfold\.peerfold\/open\/([^/?#]*)\/?$/i.exec(rest)?.[1]
  if (ticket === undefined) return badLink(/^peerfold\.peerfold(\/|$)/i.test(rest) ? 'not-a-link' : 'foreign')
  return parseBare(ticket)
}

/** A ticket or a plain key. One key in a thousand starts like a ticket: then its length and form decide. */
function parseBare(text: string): ParsedLink {
  const lower = text.toLowerCase()
  if (!lower.startsWith(PREFIX)) return parseKey(text, 'not-a-link')
  const ticket = parseTicket(lower)
  if (ticket.ok || lower.length !== 52 || ticket.problem === 'truncated') return ticket
  const key = parseKey(lower, 'not-a-link')
  return key.ok ? key : ticket
}

/** The ticket of a link, without any scheme. */
export function formatTicket(link: ShareLink): string {
  const name = link.name === undefined ? undefined : encodeName(link.name)
  const flags =
    (link.encryptionKey === undefined ? 0 : FLAG_PRIVATE) |
    (link.isFile ? FLAG_FILE : 0) |
    (name === undefined ? 0 : FLAG_NAME)
  const payload = [VERSION, flags, ...hexToBytes(link.key)]
  if (link.encryptionKey !== undefined) payload.push(...hexToBytes(link.encryptionKey))
  if (name !== undefined) payload.push(name.length, ...name)
  const sum = crc32(payload)
  payload.push(sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255)
  return PREFIX + encodeZ32(payload)
}

/** The link as it is sent to people: an editor opens it on a click. `scheme` is the editor's own (`env.uriScheme`). */
export function formatLink(link: ShareLink, scheme: string = DEFAULT_URI_SCHEME): string {
  return `${scheme}://${EXTENSION_ID}/open/${formatTicket(link)}`
}

/** z-base-32 of a drive key, as other Hyperdrive clients show it. */
export function formatKey(key: DriveKey): string {
  return encodeZ32(hexToBytes(key))
}

/** The id of the share behind a key: its discovery key (BLAKE2b-256 of `hypercore`, keyed), in z-base-32. */
export function shareIdOf(key: DriveKey): ShareId {
  return encodeZ32(blake2b(utf8ToBytes('hypercore'), { key: hexToBytes(key), dkLen: 32 })) as ShareId
}

/** Twelve characters (60 bits) two people can compare by voice: `abcd-efgh-ijkl`. */
export function fingerprint(id: ShareId): string {
  return `${id.slice(0, 4)}-${id.slice(4, 8)}-${id.slice(8, 12)}`
}

/** True for a well-formed share id, as it stands in `peerfold://<share id>/…`. */
export function isShareId(text: string): text is ShareId {
  return text.length === 52 && decodeZ32(text) !== undefined
}

/**
 * Characters of the whole ticket that begins with `start`, so that its end can be found in a longer text. Undefined when
 * `start` is too short to tell, or no ticket of a version known here.
 */
export function ticketLength(start: string): number | undefined {
  const lower = start.toLowerCase()
  if (!lower.startsWith(PREFIX)) return undefined
  const bytes = decodeLoosely(lower.slice(PREFIX.length))
  const flags = bytes?.[1]
  if (bytes?.[0] !== VERSION || flags === undefined || (flags & ~KNOWN_FLAGS) !== 0) return undefined
  const { end } = partsOf(bytes, flags)
  return end === undefined ? undefined : PREFIX.length + Math.ceil(((end + 4) * 8) / 5)
}

/** Where the keys end, and where the checksum begins: unknown while the name's length is not there yet. */
function partsOf(bytes: Uint8Array, flags: number): { keyEnd: number; end: number | undefined } {
  const keyEnd = 34 + ((flags & FLAG_PRIVATE) === 0 ? 0 : 32)
  if ((flags & FLAG_NAME) === 0) return { keyEnd, end: keyEnd }
  const nameLength = bytes[keyEnd]
  return { keyEnd, end: nameLength === undefined ? undefined : keyEnd + 1 + nameLength }
}

function parseTicket(ticket: string): ParsedLink {
  const text = ticket.slice(PREFIX.length)
  if (text === '') return badLink('truncated')
  // A ticket that is cut off rarely ends at a byte's border: that is looked at last.
  const bytes = decodeLoosely(text)
  if (bytes === undefined) return badLink('typo')
  const version = bytes[0]
  const flags = bytes[1]
  if (version === undefined || flags === undefined) return badLink('truncated')
  if (version !== VERSION) return badLink(checksumHolds(bytes) ? 'newer-version' : 'typo')

  const isPrivate = (flags & FLAG_PRIVATE) !== 0
  const { keyEnd, end } = partsOf(bytes, flags)
  if (end === undefined || bytes.length < end + 4) {
    return badLink((flags & ~KNOWN_FLAGS) === 0 ? 'truncated' : 'typo')
  }
  if (bytes.length !== end + 4 || !checksumHolds(bytes) || encodeZ32(bytes) !== text) return badLink('typo')
  if ((flags & ~KNOWN_FLAGS) !== 0) return badLink('newer-version')

  const key = bytesToHex(bytes.subarray(2, 34)) as DriveKey
  const name = (flags & FLAG_NAME) === 0 ? undefined : decodeName(bytes.subarray(keyEnd + 1, end))
  return {
    ok: true,
    link: {
      key,
      isFile: (flags & FLAG_FILE) !== 0,
      ...(isPrivate ? { encryptionKey: bytesToHex(bytes.subarray(34, 66)) as EncryptionKey } : {}),
      ...(name ? { name } : {}),
    },
  }
}

function parseKey(text: string, otherwise: LinkProblem): ParsedLink {
  if (/^[0-9a-f]{64}$/i.test(text)) return plain(text.toLowerCase())
  const lower = text.toLowerCase()
  if (lower.length === 52) {
    const bytes = decodeZ32(lower)
    return bytes === undefined ? badLink('typo') : plain(bytesToHex(bytes))
  }
  return badLink(otherwise)
}

function plain(key: string): ParsedLink {
  return { ok: true, link: { key: key as DriveKey, isFile: false } }
}

export function badLink(problem: LinkProblem): BadLink {
  return { ok: false, problem, message: PROBLEMS[problem] }
}

function checksumHolds(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false
  const end = bytes.length - 4
  const sum = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0)
  return sum === crc32(bytes.subarray(0, end))
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

/** Undefined for characters outside the alphabet, impossible lengths, and left-over bits that are not zero. */
function decodeZ32(text: string): Uint8Array | undefined {
  const bytes = decodeLoosely(text)
  return bytes !== undefined && encodeZ32(bytes) === text ? bytes : undefined
}

/** The whole bytes in it; undefined for characters outside the alphabet. */
function decodeLoosely(text: string): Uint8Array | undefined {
  if (!/^[ybndrfg8ejkmcpqxot1uwisza345h769]+$/.test(text)) return undefined
  return z32.decode(text).subarray(0, Math.floor((text.length * 5) / 8))
}

function encodeZ32(bytes: Uint8Array | number[]): string {
  return z32.encode(Uint8Array.from(bytes))
}

function crc32(bytes: ArrayLike<number>): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i] ?? 0
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
