/** What can be told of a share's folders while its listing is still being read. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { applyChanges, type Changes } from '../../src/peer/drive/changes'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import { PartialIndex } from '../../src/peer/drive/partialIndex'
import type { PathIndex } from '../../src/peer/drive/pathIndex'
import { PathIndexBuilder } from '../../src/peer/drive/pathIndexBuilder'
import { NO_LIMITS } from '../../src/peer/limits'
import { compareDrivePaths } from '../../src/peer/names/pathOrder'
import { holds } from '../support/fuzz'

/** Characters before and behind the slash, and such as JavaScript sorts otherwise than the log. */
const NAMES = ['a', 'a-', 'a b', 'a.txt', 'aa', 'a0', 'b', '\uE000', '\uFF5E', '😀', '😀!', '-', '.x', '~']
const NOTHING: Changes = { paths: new Map(), info: undefined, listing: undefined }

describe('an index that is on its way', () => {
  it('tells parts of folders that stay as they are when all is there', () => {
    const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
    const change = fc.tuple(fc.nat(99), fc.constantFrom('gone', 'malformed', 'changed', 'added'))
    let told = 0
    holds(
      'parts of folders',
      fc.property(
        fc.array(path, { minLength: 1, maxLength: 30 }),
        fc.array(change, { maxLength: 5 }),
        (made, changes) => {
          const paths = [...new Set(made.map(names => `/${names.join('/')}`))]
          // None is a folder as well: so it is with what was published.
          const listed = paths
            .filter(one => !paths.some(other => other.startsWith(`${one}/`)))
            .sort(compareDrivePaths)
          const newer = new Map(changes.map(([at, what]) => changeOf(listed[at % listed.length] ?? '', what)))
          const asked = questionsAbout(['/', '/nowhere', ...listed.flatMap(foldersOf)])
          const whole = PathIndexBuilder.empty(() => NO_LIMITS)
          for (const each of listed) whole.put(file(each))
          applyChanges(whole, { ...NOTHING, paths: newer })
          const coming = new PartialIndex(1, { ...NOTHING, paths: newer }, () => NO_LIMITS)
          const list = (index: PathIndex, { folder, after, limit }: Question) =>
            index.list(folder, after, limit)
          const answers = new Map<Question, ReturnType<PathIndex['list']>>()
          for (const each of listed) {
            coming.put(file(each))
            for (const question of asked) {
              const { folder, after, limit } = question
              if (!answers.has(question) && coming.knows(folder, after, limit))
                answers.set(question, list(coming.index, question))
            }
          }
          for (const [question, answer] of answers) assert.deepEqual(answer, list(whole, question))
          for (const question of asked) assert.deepEqual(list(coming.index, question), list(whole, question))
          told += answers.size
        },
      ),
      300,
    )
    assert.ok(told > 3_000, `only ${told} parts were told early`)
  })

  it('tells the first part of a large folder with the first entries', () => {
    const coming = new PartialIndex(1, NOTHING, () => NO_LIMITS)
    for (let at = 0; at < 100; at++) {
      assert.equal(coming.knows('/' as DrivePath, '', 100), false)
      coming.put(file(`/entry-${1_000 + at}.txt`))
    }
    assert.equal(coming.knows('/' as DrivePath, '', 99), true)
    assert.equal(coming.knows('/' as DrivePath, 'entry-1050.txt', 48), true)
    assert.equal(coming.knows('/' as DrivePath, 'entry-1050.txt', 49), false)
    assert.equal(coming.knows('/' as DrivePath), false)
  })

  it('tells all of a folder that the listing has passed', () => {
    const coming = new PartialIndex(1, NOTHING, () => NO_LIMITS)
    for (const path of ['/a/one', '/a/two', '/b/one']) coming.put(file(path))
    assert.equal(coming.knows('/a' as DrivePath), true)
    assert.equal(coming.knows('/a0' as DrivePath), true)
    assert.equal(coming.knows('/b' as DrivePath), false)
  })

  it('tells nothing more of a listing that is not in order', () => {
    const coming = new PartialIndex(1, NOTHING, () => NO_LIMITS)
    for (const path of ['/a', '/b']) coming.put(file(path))
    assert.equal(coming.knows('/' as DrivePath, '', 1), true)
    coming.put(file('/aa'))
    coming.put(file('/c'))
    assert.equal(coming.knows('/' as DrivePath, '', 1), false)
    assert.equal(coming.index.files, 4)
  })
})

function file(path: string, mtime = 0): DriveEntry {
  return { path: path as DrivePath, kind: 'file', size: 0, mtime, executable: false }
}

interface Question {
  readonly folder: DrivePath
  readonly after: string
  readonly limit: number
}

function questionsAbout(folders: readonly string[]): Question[] {
  return [...new Set(folders)].flatMap(folder =>
    ['', 'a', 'a b', 'b', '😀'].flatMap(after =>
      [1, 3, 100].map(limit => ({ folder: folder as DrivePath, after, limit })),
    ),
  )
}

function changeOf(path: string, what: string): [string, DriveEntry | 'gone' | 'malformed'] {
  if (what === 'gone' || what === 'malformed') return [path, what]
  return what === 'changed' ? [path, file(path, 7)] : [`${path}+`, file(`${path}+`, 8)]
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
}
