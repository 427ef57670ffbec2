/**
 * The link: the text that lets another person open a share, or a file or folder in it.
 *
 * It travels as `<editor scheme>://peerfold.peerfold/open/<ticket>`, which an editor opens on a click, or as the ticket
 * alone (ticket.ts). Plain Hyperdrive keys (z-base-32, hex, pear://, hyper://) are links too: public shares without a
 * name.
 */
import { blake2b } from '@noble/hashes/blake2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { DriveKey, ShareId } from './brand'
import { badLink, type LinkProblem, type ParsedLink, type ShareLink } from './shareLink'
import { formatTicket, parseTicket, TICKET_PREFIX } from './ticket'
import { decodeZ32, encodeZ32 } from './zBase32'

export { badLink, formatTicket, type LinkProblem, type ShareLink }

export const EXTENSION_ID = 'peerfold.peerfold'
export const DEFAULT_URI_SCHEME = 'vscode'

/** Longest text that is looked at; everything longer is refused unread. */
export const MAX_LINK_LENGTH = 2_048

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
  if (!lower.startsWith(TICKET_PREFIX)) return parseKey(text, 'not-a-link')
  const ticket = parseTicket(lower)
  if (ticket.ok || lower.length !== 52 || ticket.problem === 'truncated') return ticket
  const key = parseKey(lower, 'not-a-link')
  return key.ok ? key : ticket
}

/**
 * The link as it is sent to people: an editor opens it on a click. `scheme` is the editor's own (`env.uriScheme`).
 *
 * @throws RangeError for a path or version that no link can have
 */
export function formatLink(link: ShareLink, scheme: string = DEFAULT_URI_SCHEME): string {
  return `${scheme}://${EXTENSION_ID}/open/${formatTicket(link)}`
}

/** The link of the whole share, in its newest version. */
export function linkOfShare({ path: _path, version: _version, ...link }: ShareLink): ShareLink {
  return link
}

/** The same text for all links to one path of one version of a share, whatever they call it. */
export function targetOf({ key, path, version }: ShareLink): string {
  return `${shareIdOf(key)} ${version ?? ''} ${path ?? ''}`
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
