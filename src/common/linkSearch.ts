/**
 * Finds links in whatever text they came in: a chat line, a mail that wrapped them, Markdown, a "safe link" that wraps
 * and percent-encodes the address.
 *
 * 1. A text that is a link as it stands is taken as that.
 * 2. Anywhere else every `pf` may begin a ticket. A ticket says its own length and ends with a checksum, so neither
 *    what stands around it nor how its lines were broken matters, and no other text is taken for one.
 * 3. Hyperdrive keys have no checksum. In a longer text they count only behind `pear://` or `hyper://`.
 */
import { MAX_LINK_LENGTH, parseLink } from './link'
import { type BadLink, badLink, type ShareLink } from './shareLink'
import { ticketLength } from './ticket'
import { ALPHABET } from './zBase32'

/** Characters of the longest text that is searched: a long mail. */
const MAX_TEXT_LENGTH = 50_000
/** More links than anybody would choose from. */
const MAX_LINKS = 20
/** A safe link inside a safe link is seen; more layers are not made by accident. */
const MAX_DECODINGS = 3
/**
 * Characters of a ticket after which its length may be known. In format 1 the flags tell it, or the length of the name,
 * which stands behind one or two keys. In format 2 the third and fourth byte tell it.
 */
const LENGTH_MAY_BE_KNOWN = [6, 9, 58, 110]
const LENGTH_IS_KNOWN = 110
/** Every ticket is longer than every key, which has no checksum and does not count here. */
const LONGER_THAN_A_KEY = 53

/** What programs put inside a long word: line breaks, with the marks of a quoted mail, and characters nobody sees. */
const BREAK = /=?\r?\n[ \t>|]*|[\u00ad\u200b-\u200d\u2060\ufeff]/
const BREAKS = new RegExp(`(?:${BREAK.source})+`, 'y')
const KEY = new RegExp(`\\b(?:pear|hyper)://(?:key/)?(?:[0-9a-f]{64}|[${ALPHABET}]{52})(?![a-z0-9])`, 'gi')

export type FoundLinks = { readonly ok: true; readonly links: readonly [ShareLink, ...ShareLink[]] } | BadLink

/** The links in a text, in their order, each once, whatever its scheme. Never throws; the message says what is wrong. */
export function findLinks(text: string): FoundLinks {
  const whole = parseLink(text)
  if (whole.ok) return { ok: true, links: [whole.link] }
  const lone = parseLink(withoutQuotes(text))
  if (lone.ok) return { ok: true, links: [lone.link] }
  if (text.length > MAX_TEXT_LENGTH) return whole
  const search = new Search()
  let layer = text
  for (let decodings = 0; decodings <= MAX_DECODINGS; decodings++) {
    search.through(layer)
    const decoded = decodePercent(layer)
    if (decoded === layer) break
    layer = decoded
  }
  const [first, ...others] = search.links
  if (first !== undefined) return { ok: true, links: [first, ...others] }
  if (search.problem !== undefined) return search.problem
  return whole.problem === 'too-long' ? badLink('not-a-link') : whole
}

class Search {
  readonly links: ShareLink[] = []
  /** Of a ticket that was begun and could not be read. */
  problem: BadLink | undefined
  private readonly seen = new Set<string>()

  through(text: string): void {
    const found = [...this.tickets(text), ...this.keys(text)].sort((a, b) => a.at - b.at)
    for (const { link } of found) {
      const { key, encryptionKey = '', path = '', version = '' } = link
      const id = [key, encryptionKey, version, path].join(' ')
      if (this.seen.has(id) || this.links.length === MAX_LINKS) continue
      this.seen.add(id)
      this.links.push(link)
    }
  }

  private *tickets(text: string): Generator<{ at: number; link: ShareLink }> {
    const start = new RegExp(`p(?:${BREAK.source})*f`, 'gi')
    for (let match = start.exec(text); match !== null; match = start.exec(text)) {
      const { ticket, isWhole } = ticketAt(text, match.index)
      const parsed = parseLink(ticket)
      if (parsed.ok && ticket.length >= LONGER_THAN_A_KEY) {
        yield { at: match.index, link: parsed.link }
        start.lastIndex = match.index + ticket.length
      } else if (!parsed.ok && (isWhole || isAddress(text, match.index))) {
        this.problem ??= parsed
      }
    }
  }

  private *keys(text: string): Generator<{ at: number; link: ShareLink }> {
    for (const match of text.matchAll(KEY)) {
      const parsed = parseLink(match[0])
      if (parsed.ok) yield { at: match.index, link: parsed.link }
    }
  }
}

/**
 * The ticket that begins at `at`, without line breaks, and no longer than it says itself. A ticket that does not say its
 * length may be of a newer version: in an address of ours it is read to the end of the word.
 * `isWhole`: it says its length, and this many characters are there.
 */
function ticketAt(text: string, at: number): { ticket: string; isWhole: boolean } {
  let ticket = text.charAt(at)
  let length: number | undefined
  for (let next = at + 1; next < text.length; next++) {
    if (!ALPHABET.includes(text.charAt(next).toLowerCase())) {
      BREAKS.lastIndex = next
      const skipped = BREAKS.exec(text)
      if (skipped === null) break
      next += skipped[0].length
    }
    const character = text.charAt(next).toLowerCase()
    if (character === '' || !ALPHABET.includes(character)) break
    ticket += character
    if (LENGTH_MAY_BE_KNOWN.includes(ticket.length)) length ??= ticketLength(ticket)
    if (ticket.length === length || ticket.length > MAX_LINK_LENGTH) break
    if (ticket.length === LENGTH_IS_KNOWN && length === undefined && !isAddress(text, at)) break
  }
  return { ticket, isWhole: ticket.length === length }
}

/** Whether what begins at `at` stands where an address of ours has its ticket. */
function isAddress(text: string, at: number): boolean {
  return /(?:\/|%2f)open(?:\/|%2f)$/i.test(text.slice(Math.max(0, at - 10), at))
}

const BEFORE_A_WORD = new Set('<("\'`*_[{“‘«„')
const BEHIND_A_WORD = new Set('>)"\'`*_]}”’».,;:!?')

/** Without what people and programs put around a word. */
function withoutQuotes(text: string): string {
  const characters = [...text.trim()]
  const begin = characters.findIndex(character => !BEFORE_A_WORD.has(character))
  const end = characters.findLastIndex(character => !BEHIND_A_WORD.has(character))
  return begin === -1 ? '' : characters.slice(begin, end + 1).join('')
}

/** Percent-encoded characters of ASCII as they are; a text with a stray `%` is no error. */
function decodePercent(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
