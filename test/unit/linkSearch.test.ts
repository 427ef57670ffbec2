import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DriveKey, DrivePath, EncryptionKey } from '../../src/common/brand'
import { formatKey, formatLink, formatTicket, type LinkProblem, type ShareLink } from '../../src/common/link'
import { findLinks } from '../../src/common/linkSearch'

const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' as DriveKey
const encryptionKey = 'e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' as EncryptionKey
const wholeShare: ShareLink = { key, encryptionKey, name: 'Café plans', isFile: false }
const photos: ShareLink = { key: 'ab'.repeat(32) as DriveKey, isFile: true }
const tomatoes: ShareLink = { ...wholeShare, path: '/beds/zoë’s tomatoes.md' as DrivePath, version: 12 }

for (const [kind, plans] of [
  ['to a share', wholeShare],
  ['to a file of a version', tomatoes],
] as const) {
  const link = formatLink(plans)
  const encoded = encodeURIComponent(link)

  describe(`links ${kind} in a text`, () => {
    for (const [what, text] of [
      ['alone', link],
      ['in a chat line', `Bob: here you go ${link} (the plans from Monday)`],
      ['with a full stop behind', `It is at ${link}.`],
      ['with a comma behind', `${link}, have fun`],
      ['in double quotes', `"${link}"`],
      ['in curly quotes', `“${link}”`],
      ['in single quotes and brackets', `('${link}')`],
      ['in angle brackets', `see <${link}> please`],
      ['in Markdown', `[Café plans](${link})`],
      ['as code in Markdown', `\`${link}\``],
      ['in HTML', `<a href="${link}">open</a>`],
      ['percent-encoded', encoded],
      ['percent-encoded twice', encodeURIComponent(encoded)],
      ['with a campaign behind', `${link}?utm_source=mail&utm_medium=x`],
      ['with a fragment behind', `${link}#top`],
      [
        'in a safe link',
        `https://nam02.safelinks.protection.example/?url=${encoded}&data=05%7C01%7Cyrn&reserved=0`,
      ],
      ['in a safe link of another make', `https://urldefense.example/v3/__${link}__;!!abc!xyz$`],
      [
        'in a safe link that changes its punctuation',
        `https://urldefense.example/v2/url?u=${link.replaceAll(':', '-3A').replaceAll('/', '_')}&d=DwMF`,
      ],
      ['wrapped by a mail program', wrap(link, 60, '\r\n')],
      ['wrapped and quoted in an answer', `> ${wrap(link, 60, '\n> ')}\n> thanks`],
      ['wrapped as quoted-printable', wrap(link, 70, '=\r\n')],
      ['with invisible spaces in it', wrap(link, 30, '\u200b')],
      ['as a bare ticket in a sentence', `use ${formatTicket(plans)} today`],
      ['in capitals', `LOOK: ${link.toUpperCase()}!`],
      ['with letters directly behind', `${link}yes`],
    ] as const) {
      it(`are found ${what}`, () => {
        assert.deepEqual(findLinks(text), { ok: true, links: [plans] })
      })
    }

    it('are found wherever a mail wraps them and whatever stands around them', () => {
      const around = fc.string({ unit: 'grapheme', maxLength: 40 })
      const wraps = fc.constantFrom('\n', '\r\n', '=\n', '\n> ', '\n> > ', '\u00ad')
      fc.assert(
        fc.property(around, around, wraps, fc.integer({ min: 5, max: 90 }), (before, after, at, width) => {
          const found = findLinks(`${before} ${wrap(link, width, at)} ${after}`)
          assert.deepEqual(found, { ok: true, links: [plans] })
        }),
        { numRuns: 1_000 },
      )
    })

    it('are all found, each once, in their order', () => {
      const text = `plans ${link}\nphotos ${formatLink(photos)}\nplans again <${link}> and pear://${formatKey(key)}/x`
      assert.deepEqual(findLinks(text), {
        ok: true,
        links: [plans, photos, { key, isFile: false }],
      })
    })

    it('are Hyperdrive keys alone, in quotes, or behind pear:// and hyper://, and no other hash in a text', () => {
      const drive = { key, isFile: false }
      for (const text of [
        formatKey(key),
        `"${key}"`,
        `look at hyper://${key}, it is new`,
        `pear%3A%2F%2F${key}`,
      ])
        assert.deepEqual(findLinks(text), { ok: true, links: [drive] }, text)
      assert.equal(findLinks(`sha256 ${key} of the archive`).ok, false)
    })

    for (const [what, problem, text] of [
      ['a link that was cut off', 'truncated', `see ${link.slice(0, -9)} there`],
      ['a link with a changed letter', 'typo', `see ${changeLetter(link)} there`],
      ['no link', 'not-a-link', 'please send me the link'],
      ['a long text without one', 'not-a-link', 'lorem ipsum pf '.repeat(300)],
      ['nothing', 'empty', ''],
      ['a book', 'too-long', 'lorem ipsum pf '.repeat(10_000)],
    ] as const satisfies readonly (readonly [string, LinkProblem, string])[]) {
      it(`are not found in ${what}: ${problem}`, () => {
        const found = findLinks(text)
        assert.equal(!found.ok && found.problem, problem)
      })
    }

    it('are never another link than the one that was made, whatever is changed in it', () => {
      fc.assert(
        fc.property(fc.nat(link.length - 1), fc.string({ unit: 'binary', maxLength: 3 }), (at, put) => {
          const found = findLinks(`x ${link.slice(0, at)}${put}${link.slice(at + 1)} y`)
          if (found.ok) assert.deepEqual(found.links, [plans])
        }),
        { numRuns: 2_500 },
      )
    })

    it('are looked for in a hostile text without stopping anybody', () => {
      const started = process.cpuUsage()
      for (const text of [
        'pf'.repeat(25_000),
        'pfyr'.repeat(12_000),
        '/open/pf\n'.repeat(5_000),
        'pfoyyyu8y'.repeat(5_500),
        '%25'.repeat(16_000),
      ])
        assert.equal(findLinks(text).ok, false)
      assert.ok(process.cpuUsage(started).user < 2_000_000)
    })
  })
}

describe('links to several files of a share', () => {
  it('are several, each found once', () => {
    const basil = { ...tomatoes, path: '/beds/basil.md' as DrivePath }
    const given = [tomatoes, basil, wholeShare]
    const text = [...given, tomatoes].map(each => formatLink(each, 'vscodium')).join(' and ')
    assert.deepEqual(findLinks(text), { ok: true, links: given })
  })
})

function wrap(text: string, width: number, at: string): string {
  return text.match(new RegExp(`.{1,${width}}`, 'gu'))?.join(at) ?? text
}

function changeLetter(text: string): string {
  return `${text.slice(0, -20)}${text.at(-20) === 'y' ? 'o' : 'y'}${text.slice(-19)}`
}
