import assert from 'node:assert/strict'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import z32 from 'z32'
import type { DriveKey, DrivePath, EncryptionKey, ShareId } from '../../src/common/brand'
import {
  fingerprint,
  formatKey,
  formatLink,
  formatTicket,
  isShareId,
  type LinkProblem,
  linkOfShare,
  MAX_LINK_LENGTH,
  parseLink,
  type ShareLink,
  shareIdOf,
  targetOf,
} from '../../src/common/link'
import { isLinkPath, MAX_LINK_PATH_BYTES } from '../../src/common/linkFields'
import { checkPath } from '../../src/peer/names/paths'
import { rulesFor } from '../../src/peer/names/rules'

const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' as DriveKey
const encryptionKey = 'e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' as EncryptionKey
const privateShare: ShareLink = { key, encryptionKey, name: 'Café plans', isFile: false }
const inTheShare: ShareLink = { ...privateShare, path: '/plans/Café.md' as DrivePath, version: 300 }

/** What programs and people call files, and what they should not. */
const names = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom(
    '..',
    '.',
    'a.md',
    '…',
    'zoë 🙂.md',
    'a\\b',
    '\u202etxt',
    '\n',
    '[x](command:y)',
    '$(alert)',
  ),
)
const paths = fc
  .tuple(fc.array(names, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([steps, isFolder]) => `/${steps.join('/')}${isFolder ? '/' : ''}`)
const goodPaths = paths.filter(isLinkPath)

const links = fc.record(
  {
    path: goodPaths,
    version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => hex(bytes) as DriveKey),
    isFile: fc.boolean(),
    encryptionKey: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => hex(bytes) as EncryptionKey),
    name: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(name => name === name.trim() && name !== '' && Buffer.byteLength(name) <= 96)
      .filter(name => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u.test(name)),
  },
  { requiredKeys: ['key', 'isFile'], noNullPrototype: true },
)

describe('link', () => {
  describe('the bytes of a ticket', () => {
    it('are pinned for a private folder with a name', () => {
      const expected = [
        '01', // format version 1
        '05', // flags: 1 private + 4 with a name
        key,
        encryptionKey,
        '0b', // 11 bytes of name
        '436166c3a920706c616e73', // “Café plans” in UTF-8
        '6db7a885', // CRC-32 of all before
      ]
      assert.equal(hex(ticketBytes(formatTicket(privateShare))), expected.join(''))
      assert.equal(
        formatTicket(privateShare),
        'pfyrnoyyenycnykbo8byrownacbw8y6rytnejtefesnhcb1go5doqth89yh8tq838fh5u6t4xk7xsq55zx6da9fh9w6z5xx6839m7939x69hfwgamgaqw1yhdccfz8g5pzinno',
      )
    })

    it('are pinned for a public file without a name', () => {
      const expected = [
        '01', // format version 1
        '02', // flags: 2 single file
        key,
        '803a37dd', // CRC-32 of all before
      ]
      assert.equal(hex(ticketBytes(formatTicket({ key, isFile: true }))), expected.join(''))
    })

    it('are pinned for a file of a version in a private folder', () => {
      const expected = [
        '02', // format version 2
        '05', // flags: 1 private + 4 with a name
        '0063', // 99 bytes up to the checksum
        key,
        encryptionKey,
        '0b', // 11 bytes of name
        '436166c3a920706c616e73', // “Café plans” in UTF-8
        '01', // a path
        '000f', // of 15 bytes
        '2f706c616e732f436166c3a92e6d64', // “/plans/Café.md” in UTF-8
        '02', // a version
        '0002', // of 2 bytes
        '012c', // 300
        'b31a963d', // CRC-32 of all before
      ]
      const ticket = formatTicket(inTheShare)
      assert.equal(hex(ticketBytes(ticket)), expected.join(''))
      assert.equal(
        ticket,
        'pfyenoyaayyrbygbyfyadoonekbcgy4doxnyetrrawnwmbqgy3depta8e6d9oqdazdhu16p39e78iqz58p75z9bhx16x4xm7zz9dh9i69h9z9x6n4dcfuc8kjyqbsgn5uuyryy6m5optoshh3xepospo7jf3sseyoyyey13ca41a6o',
      )
      assert.deepEqual(parseLink(ticket), { ok: true, link: inTheShare })
    })

    it('are those of format 1 for a link that points at the whole share, whatever it pointed at before', () => {
      fc.assert(
        fc.property(links, link => {
          const whole = formatTicket(linkOfShare(link))
          assert.equal(ticketBytes(whole)[0], 1)
          const says = link.path !== undefined || link.version !== undefined
          assert.equal(ticketBytes(formatTicket(link))[0], says ? 2 : 1)
        }),
      )
    })

    it('carry the whole link and nothing else', () => {
      fc.assert(
        fc.property(links, link => {
          assert.deepEqual(parseLink(formatLink(link)), { ok: true, link })
        }),
        { numRuns: 5_000 },
      )
    })

    it('never turn into another link when one character is changed', () => {
      const printable = fc.constantFrom(
        ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)),
      )
      fc.assert(
        fc.property(links, fc.nat(), printable, (link, position, character) => {
          const ticket = formatTicket(link)
          const at = position % ticket.length
          const changed = ticket.slice(0, at) + character + ticket.slice(at + 1)
          const parsed = parseLink(changed)
          if (parsed.ok) assert.deepEqual(parsed.link, link)
        }),
        { numRuns: 5_000 },
      )
    })

    it('never turn into another link when two neighbours change places', () => {
      fc.assert(
        fc.property(links, fc.nat(), (link, position) => {
          const ticket = formatTicket(link)
          const at = position % (ticket.length - 1)
          const swapped = `${ticket.slice(0, at)}${ticket[at + 1]}${ticket[at]}${ticket.slice(at + 2)}`
          const parsed = parseLink(swapped)
          if (parsed.ok) assert.deepEqual(parsed.link, link)
        }),
        { numRuns: 2_000 },
      )
    })
  })

  describe('what is read', () => {
    const ticket = formatTicket(privateShare)

    for (const [what, text] of [
      ['a link of VS Code', `vscode://peerfold.peerfold/open/${ticket}`],
      ['a link of another editor', `vscodium://peerfold.peerfold/open/${ticket}`],
      ['a link in capitals', `VSCODE://PEERFOLD.PEERFOLD/OPEN/${ticket.toUpperCase()}`],
      ['a bare ticket', ticket],
      ['a link in angle brackets and white space', ` \n<vscode://peerfold.peerfold/open/${ticket}>\t`],
      ['a link with a slash or a query at its end', `vscode://peerfold.peerfold/open/${ticket}/`],
    ] as const) {
      it(`is ${what}`, () => {
        assert.deepEqual(parseLink(text), { ok: true, link: privateShare })
      })
    }

    for (const [what, text] of [
      ['z-base-32', formatKey(key)],
      ['hex', key],
      ['capital hex', key.toUpperCase()],
      ['pear://', `pear://${formatKey(key)}`],
      ['pear:// with a path', `pear://${formatKey(key)}/docs/a.txt`],
      ['hyper://', `hyper://${key}/`],
      ['hyper:// with a version', `hyper://${key}+12/a`],
    ] as const) {
      it(`is a Hyperdrive key as ${what}: a public folder without a name`, () => {
        assert.deepEqual(parseLink(text), { ok: true, link: { key, isFile: false } })
      })
    }

    it('is a Hyperdrive key that happens to begin like a ticket', () => {
      const text = `pf${'o'.repeat(49)}y`
      const parsed = parseLink(text)
      assert.ok(parsed.ok)
      assert.equal(formatKey(parsed.link.key), text)
    })
  })

  describe('what is wrong', () => {
    const link = formatLink(privateShare)
    const ticket = formatTicket(privateShare)
    const problems: readonly (readonly [string, LinkProblem, string])[] = [
      ['nothing', 'empty', ''],
      ['white space', 'empty', ' \n\t'],
      ['a very long text', 'too-long', `${link}${'y'.repeat(MAX_LINK_LENGTH)}`],
      ['a sentence', 'not-a-link', 'please send me the link'],
      ['our address without a ticket', 'not-a-link', 'vscode://peerfold.peerfold'],
      ['another command of ours', 'not-a-link', `vscode://peerfold.peerfold/share/${ticket}`],
      ['a web address', 'foreign', 'https://example.org/open/pfabc'],
      ['a link of another extension', 'foreign', `vscode://other.extension/open/${ticket}`],
      ['a pear:// link that is no key', 'foreign', 'pear://keet'],
      ['a character that no link has', 'typo', ticket.replace(/.$/, 'v')],
      ['a changed character', 'typo', changeCharacter(ticket, 40)],
      ['a missing character inside', 'truncated', ticket.slice(0, 30) + ticket.slice(31)],
      ['a key with a changed length', 'not-a-link', key.slice(1)],
      ['a z-base-32 key with bits left over', 'typo', `${formatKey(key).slice(0, -1)}z`],
      ['something behind the ticket', 'typo', `${ticket}yy`],
      ['only the first two letters', 'truncated', 'pf'],
      ['a path that leads out of the share', 'malformed', withFields(pathField('/../secret'))],
    ]
    for (const [what, problem, text] of problems) {
      it(`is told of ${what}: ${problem}`, () => {
        const parsed = parseLink(text)
        assert.equal(parsed.ok, false)
        assert.equal(parsed.problem, problem)
        assert.match(parsed.message, /\.$/)
      })
    }

    it('is told as cut off wherever a link was cut, also where it gets as long as a key', () => {
      for (const whole of [ticket, formatTicket(inTheShare)])
        for (let length = 2; length < whole.length; length++) {
          const parsed = parseLink(whole.slice(0, length))
          assert.equal(parsed.ok, false)
          assert.equal(parsed.problem, 'truncated', `${length} characters`)
        }
    })

    it('is told as newer when the version or a flag is one that we do not know', () => {
      for (const change of [
        [0, 3],
        [1, 0x0d],
      ] as const) {
        const bytes = ticketBytes(ticket)
        bytes[change[0]] = change[1]
        const parsed = parseLink(`pf${z32.encode(withChecksum(bytes))}`)
        assert.equal(parsed.ok, false)
        assert.equal(parsed.problem, 'newer-version')
      }
    })

    it('has a message of its own for every problem', () => {
      const newer = ticketBytes(ticket)
      newer[0] = 9
      const texts = [...problems.map(([, , text]) => text), `pf${z32.encode(withChecksum(newer))}`]
      const messages = new Map<LinkProblem, string>()
      for (const parsed of texts.map(parseLink)) if (!parsed.ok) messages.set(parsed.problem, parsed.message)
      assert.equal(messages.size, 8)
      assert.equal(new Set(messages.values()).size, 8)
    })

    it('never throws, whatever is pasted', () => {
      fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => void parseLink(text)))
      const alphabet = fc.constantFrom(...'ybndrfg8ejkmcpqxot1uwisza345h769')
      fc.assert(
        fc.property(fc.string({ unit: alphabet, maxLength: 120 }), text => void parseLink(`pf${text}`)),
      )
    })
  })

  describe('what a link points at', () => {
    const problemOf = (ticket: string) => {
      const parsed = parseLink(ticket)
      return parsed.ok ? undefined : parsed.problem
    }

    it('stays what it was when one character of the link is changed: the link is refused', () => {
      const ticket = formatTicket(inTheShare)
      for (let at = 0; at < ticket.length; at++)
        for (const character of 'ybndrfg8ejkmcpqxot1uwisza345h769') {
          const changed = ticket.slice(0, at) + character + ticket.slice(at + 1)
          if (changed !== ticket) assert.equal(parseLink(changed).ok, false, `${character} at ${at}`)
        }
    })

    it('is told apart by share, path and version, and by no name', () => {
      const { path: _path, ...noPath } = inTheShare
      const others: ShareLink[] = [
        { ...inTheShare, key: key.replace('00', 'ff') as DriveKey },
        { ...inTheShare, path: '/plans' as DrivePath },
        { ...inTheShare, version: 30 },
        noPath,
        linkOfShare(inTheShare),
      ]
      assert.equal(new Set([inTheShare, ...others].map(targetOf)).size, 6)
      assert.equal(targetOf({ ...inTheShare, name: 'Other plans' }), targetOf(inTheShare))
    })

    it('is read past optional fields that a newer Peerfold put there, and not past required ones', () => {
      const unknown = fc.tuple(fc.integer({ min: 3, max: 127 }), fc.uint8Array({ maxLength: 80 }))
      const several = fc.uniqueArray(unknown, { selector: ([tag]) => tag, maxLength: 5 })
      const required = fc.integer({ min: 128, max: 255 })
      fc.assert(
        fc.property(goodPaths, several, required, (path, fields, tag) => {
          const sorted = fields.sort(([a], [b]) => a - b)
          const bytes = [...pathField(path), ...sorted.flatMap(([at, value]) => field(at, value))]
          assert.deepEqual(parseLink(withFields(bytes)), { ok: true, link: { key, isFile: false, path } })
          assert.equal(problemOf(withFields([...bytes, ...field(tag, [1])])), 'newer-version')
        }),
      )
      assert.deepEqual(parseLink(withFields([])), { ok: true, link: { key, isFile: false } })
    })

    it('is told from fields that are cut, twice there or in another order', () => {
      for (const bytes of [
        [...pathField('/a'), ...pathField('/b')],
        [...field(2, [1]), ...pathField('/a')],
        field(0, [1]),
        pathField('/a').slice(0, -1),
        [1],
        [1, 255, 255],
        field(2, []),
        field(2, [0, 1]),
        field(2, [255, 255, 255, 255, 255, 255, 255]),
        field(2, [1, 0, 0, 0, 0, 0, 0, 0]),
        field(1, [0x2f, 0xff]),
      ])
        assert.equal(problemOf(withFields(bytes)), 'malformed', String(bytes))
    })

    it('is a path that the judge of names lets through on every system’s behalf, and no other', () => {
      const rules = rulesFor('linux')
      fc.assert(
        fc.property(paths, path => {
          const judged = checkPath(path.replace(/\/$/, ''), rules).ok && !path.includes('\\')
          assert.equal(isLinkPath(path), judged)
          if (!judged) assert.equal(problemOf(withFields(pathField(path))), 'malformed')
          if (!judged) assert.throws(() => formatTicket({ key, isFile: false, path: path as DrivePath }))
        }),
        { numRuns: 2_000 },
      )
    })

    for (const path of [
      '',
      '/',
      'a',
      '//',
      '/a//b',
      '/a/../b',
      '/..',
      '/./a',
      '/a/..\\..\\b',
      '\\\\server\\share',
      'C:\\a',
      '/a\u0000',
      '/a\n',
      '/a\u001b[31m',
      '/\u202eexe.txt',
      `/${'a/'.repeat(300)}`,
      `/${'ä'.repeat(MAX_LINK_PATH_BYTES / 2)}`,
    ])
      it(`is never ${JSON.stringify(path.slice(0, 20))}`, () => {
        assert.equal(isLinkPath(path), false)
        assert.equal(problemOf(withFields(pathField(path))), 'malformed')
      })

    it('fits into a link that programs pass on, with the longest path and the longest name', () => {
      const path = `/${'ä'.repeat((MAX_LINK_PATH_BYTES - 2) / 2)}b` as DrivePath
      const longest = { ...privateShare, name: 'x'.repeat(96), path, version: Number.MAX_SAFE_INTEGER }
      const link = formatLink(longest, 'vscode-insiders')
      assert.ok(link.length <= MAX_LINK_LENGTH, `${link.length} characters`)
      assert.deepEqual(parseLink(link), { ok: true, link: longest })
    })
  })

  describe('the name', () => {
    const nameIn = (name: string) => {
      const parsed = parseLink(formatLink({ key, isFile: false, name }))
      assert.ok(parsed.ok)
      return parsed.link.name
    }

    it('is cut to 96 bytes at a character’s border', () => {
      assert.equal(nameIn('ä'.repeat(100)), 'ä'.repeat(48))
      assert.equal(nameIn(`a${'🙂'.repeat(50)}`), `a${'🙂'.repeat(23)}`)
    })

    it('loses what could deceive where it is shown', () => {
      assert.equal(nameIn('in\u202evoice\u0007\r\n\u001b[31m\u2066.exe'), 'invoice[31m.exe')
      assert.equal(nameIn('\u202e\u0000'), undefined)
    })

    it('is cleaned again when it is read, for the maker of a link is not trusted', () => {
      const bytes = ticketBytes(formatTicket({ key, isFile: false, name: 'abc' }))
      bytes[35] = 0x07
      const parsed = parseLink(`pf${z32.encode(withChecksum(bytes))}`)
      assert.ok(parsed.ok)
      assert.equal(parsed.link.name, 'bc')
    })
  })

  describe('the share id', () => {
    it('is the discovery key that every Hypercore client computes, and does not reveal the key', () => {
      const discoveryKey = crypto.discoveryKey(Buffer.from(key, 'hex'))
      assert.equal(shareIdOf(key), z32.encode(discoveryKey))
      assert.equal(isShareId(shareIdOf(key)), true)
      assert.equal(isShareId('../../etc'), false)
    })

    it('has a fingerprint that two people can read to each other', () => {
      assert.match(fingerprint(shareIdOf(key)), /^[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}$/)
      assert.equal(fingerprint('abcdefghijklmnop' as ShareId), 'abcd-efgh-ijkl')
    })
  })
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function ticketBytes(ticket: string): Uint8Array {
  const text = ticket.slice(2)
  return Uint8Array.from(z32.decode(text).subarray(0, Math.floor((text.length * 5) / 8)))
}

function changeCharacter(ticket: string, at: number): string {
  return `${ticket.slice(0, at)}${ticket[at] === 'y' ? 'o' : 'y'}${ticket.slice(at + 1)}`
}

function field(tag: number, value: ArrayLike<number>): number[] {
  return [tag, value.length >> 8, value.length & 255, ...Array.from(value)]
}

function pathField(path: string): number[] {
  return field(1, Buffer.from(path))
}

/** A ticket of format 2 for a public folder with these bytes for its fields. */
function withFields(fields: readonly number[]): string {
  const body = [...Buffer.from(key, 'hex'), ...fields]
  const bytes = [2, 0, body.length >> 8, body.length & 255, ...body, 0, 0, 0, 0]
  return `pf${z32.encode(withChecksum(Uint8Array.from(bytes)))}`
}

/** The same bytes with the checksum that belongs to them, computed on its own (CRC-32, bit by bit). */
function withChecksum(bytes: Uint8Array): Uint8Array {
  const payload = bytes.subarray(0, bytes.length - 4)
  let crc = 0xffffffff
  for (const byte of payload) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return Uint8Array.from([...payload, ...sum])
}
