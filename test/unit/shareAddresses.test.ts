import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import type { DriveKey, DrivePath, ShareId } from '../../src/common/brand'
import { shareIdOf } from '../../src/common/link'
import type { OpenedShareState } from '../../src/common/model'
import { ROOT, readAbove, readAddress, shownName, writeAddress } from '../../src/editor/files/shareAddress'
import { ShownNames } from '../../src/editor/files/shownNames'
import { holds } from '../support/fuzz'
import { memento } from '../support/memento'

const ids = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map(bytes => shareIdOf(Buffer.from(bytes).toString('hex') as DriveKey))
const components = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map(text => text.replace(/[/\0]/g, '_'))
  .filter(text => text !== '.' && text !== '..')
const paths = fc.array(components, { maxLength: 4 }).map(parts => `/${parts.join('/')}` as DrivePath)
/** Whatever a stranger calls a share. */
const strangeNames = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '../..',
    '.git',
    'CON',
    'a/b',
    'c:\\d',
    '\u202egnp.exe',
    '%2e%2e',
    '#?&',
    '🙂',
  ),
)

const id = shareIdOf('1f'.repeat(32) as DriveKey)
const other = shareIdOf('2e'.repeat(32) as DriveKey)

describe('the address of a file in a share', () => {
  it('leads back to the share and the path, whatever both are called', () => {
    holds(
      'addresses',
      fc.property(ids, paths, fc.option(strangeNames, { nil: undefined }), (share, path, called) => {
        const name = called === undefined ? undefined : shownName(called)
        assert.deepEqual(readAddress(writeAddress({ id: share, path }, name)), { id: share, path, name })
      }),
    )
  })

  it('begins with the name of the share, as a folder that anybody may see', () => {
    holds(
      'names in addresses',
      fc.property(strangeNames, paths, (called, path) => {
        const [empty, first, ...rest] = writeAddress({ id, path }, shownName(called)).path.split('/')
        assert.equal(empty, '')
        assert.match(
          first ?? '',
          /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}./\\][^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}/\\]*$/u,
        )
        assert.equal(`/${rest.join('/')}`, path)
      }),
    )
    assert.equal(
      writeAddress({ id, path: '/docs/a' as DrivePath }, shownName('garden')).path,
      '/garden/docs/a',
    )
    assert.equal(writeAddress({ id, path: ROOT }, shownName('garden')).path, '/garden')
  })

  it('is that of no other file: nothing that is looked for beside the share is found in it', () => {
    const { authority } = writeAddress({ id, path: ROOT }, shownName('garden'))
    for (const path of ['/.git', '/tsconfig.json', '/README.md', '/Garden/README.md', '/']) {
      assert.equal(readAddress({ authority, path }), undefined, path)
    }
    assert.equal(readAbove({ authority, path: '/' }), id)
    assert.equal(readAbove({ authority, path: '/garden' }), undefined)
    assert.equal(readAbove({ authority: id, path: '/' }), undefined)
  })

  it('is understood as earlier versions wrote it', () => {
    assert.deepEqual(readAddress({ authority: id, path: '/garden/README.md' }), {
      id,
      path: '/garden/README.md',
      name: undefined,
    })
  })
})

describe('the name in the addresses of a share', () => {
  it('is the first that was shown, in this window and the next, whatever the share is called later', () => {
    const { memory } = memento()
    assert.equal(names(memory, opened(id, 'garden')).of(id), 'garden')
    assert.equal(names(memory, opened(id, 'My Garden')).of(id), 'garden')
    assert.equal(names(memory).noted(id), 'garden')
  })

  it('is not known before the share is', () => {
    const { memory } = memento()
    assert.equal(names(memory).of(id), undefined)
    assert.equal(names(memory, opened(id, 'garden')).noted(id), undefined)
  })

  it('is not kept before the list of files tells it, which a bare key does not', () => {
    const { memory } = memento()
    const { contents: _, ...unlisted } = opened(id, 'Shared folder')
    assert.equal(names(memory, unlisted).of(id), 'Shared folder')
    assert.equal(names(memory, opened(id, 'garden')).of(id), 'garden')
  })

  it('tells shares of one name apart by the beginning of the fingerprint', () => {
    const { memory } = memento()
    const here = names(memory, opened(id, 'garden'), opened(other, 'Garden'))
    assert.equal(here.of(id), 'garden')
    assert.equal(here.of(other), `Garden (${other.slice(0, 4)})`)
  })

  it('is told apart from every other, whatever strangers call their shares', () => {
    holds(
      'names of shares',
      fc.property(
        fc.uniqueArray(ids, { minLength: 2, maxLength: 5 }),
        fc.array(fc.constantFrom('a', 'A', 'b', '.a', `a (${id.slice(0, 4)})`), {
          minLength: 5,
          maxLength: 5,
        }),
        (shares, called) => {
          const { memory } = memento()
          const here = names(memory, ...shares.map((share, at) => opened(share, called[at] ?? '')))
          const given = shares.map(share => here.of(share)?.toLowerCase())
          assert.equal(new Set(given).size, shares.length)
        },
      ),
      500,
    )
  })

  it('is free again when its share is gone, and never given to two', () => {
    const { memory } = memento()
    assert.equal(names(memory, opened(id, 'garden')).of(id), 'garden')
    assert.equal(names(memory, opened(other, 'garden')).of(other), 'garden')
    assert.equal(
      names(memory, opened(id, 'garden'), opened(other, 'garden')).of(id),
      `garden (${id.slice(0, 4)})`,
    )
  })

  it('is no file’s name: a file that is shared alone lies in a folder that says so', () => {
    const { memory } = memento()
    const here = names(
      memory,
      { ...opened(id, 'a.md'), isFile: true },
      { ...opened(other, 'a.md'), isFile: true },
    )
    assert.equal(here.of(id), 'Shared file')
    assert.equal(here.of(other), `Shared file (${other.slice(0, 4)})`)
  })

  it('is made anew where what was noted is malformed', () => {
    const { memory, kept } = memento()
    for (const damaged of [[id, '../x'], [id, ''], ['short', 'x'], [id], null, 7]) {
      kept.set('peerfold.shownNames', [damaged])
      assert.equal(names(memory, opened(id, 'garden')).of(id), 'garden')
    }
  })
})

function names(memory: ReturnType<typeof memento>['memory'], ...shares: readonly OpenedShareState[]) {
  return new ShownNames(memory, { state: { opened: shares, shares: [] } }, 'Shared file')
}

function opened(share: ShareId, name: string): OpenedShareState {
  return {
    id: share,
    name,
    fingerprint: share.slice(0, 12),
    isFile: false,
    isPublic: false,
    status: { kind: 'connected' },
    contents: { version: 1, files: 1, bytes: 1 },
    bytesHere: 0,
    peers: 1,
    rates: { down: 0, up: 0 },
    stopped: false,
  }
}
