/** The index of a share's paths: what every listing, stat and search is answered from. */
import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import { statAt } from '../../src/peer/drive/follow'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import type { PathIndex } from '../../src/peer/drive/pathIndex'
import { PathIndexBuilder } from '../../src/peer/drive/pathIndexBuilder'

describe('the index of paths', () => {
  it('lists a folder in path order, whole and part by part, the same either way', () => {
    const index = PathIndexBuilder.empty()
    for (const name of ['B', 'a', 'ä', 'a b', 'z', '10', '9', '\uE000', '😀', 'sub.txt', 'sub-1', 'sub0'])
      index.put(file(`/folder/${name}`))
    for (const name of ['sub', 'm']) index.put(file(`/folder/${name}/below`))
    const whole = namesOf(index, '/folder')
    assert.equal(whole.join(' '), '10 9 B a a b m sub-1 sub.txt sub sub0 z ä \uE000 😀')
    for (let limit = 1; limit <= whole.length + 1; limit++) {
      const parts: string[] = []
      for (;;) {
        const part = namesOf(index, '/folder', parts.at(-1) ?? '', limit)
        parts.push(...part)
        if (part.length < limit || parts.length > whole.length) break
      }
      assert.deepEqual(parts, whole, `by ${limit}`)
    }
  })

  it('finds a name in another spelling where the one that was typed is not there', () => {
    const index = PathIndexBuilder.empty()
    const spelling = (path: string) => index.spelling(path as DrivePath)
    index.put(file('/cafe\u0301/me\u0301nu.txt'))
    index.put(file('/plain.txt'))
    assert.equal(spelling('/'), '/')
    assert.equal(spelling('/plain.txt'), '/plain.txt')
    assert.equal(spelling('/caf\u00e9'), '/cafe\u0301')
    assert.equal(spelling('/caf\u00e9/'), '/cafe\u0301')
    assert.equal(spelling('/caf\u00e9/m\u00e9nu.txt'), '/cafe\u0301/me\u0301nu.txt')
    assert.equal(spelling('/cafe/menu.txt'), undefined)
    assert.equal(spelling('/plain.txt/x'), undefined)
    index.put(file('/caf\u00e9/m\u00e9nu.txt'))
    assert.equal(spelling('/caf\u00e9/m\u00e9nu.txt'), '/caf\u00e9/m\u00e9nu.txt', 'the exact one wins')
    index.put(file('/\u1e9b\u0323'))
    index.put(file('/\u017f\u0323\u0307'))
    assert.throws(() => spelling('/\u017f\u0307\u0323'), {
      code: 'ambiguous-path',
      message: / \\u\{1e9b\}\\u\{323\} and \\u\{17f\}\\u\{323\}\\u\{307\}/,
    })
    index.remove('/\u1e9b\u0323' as DrivePath)
    assert.equal(spelling('/\u017f\u0307\u0323'), '/\u017f\u0323\u0307', 'names that went are not remembered')
  })

  it('goes on behind a name that is gone, and shows what came meanwhile', () => {
    const index = PathIndexBuilder.empty()
    for (const name of ['a', 'b', 'c']) index.put(file(`/${name}`))
    assert.deepEqual(namesOf(index, '/', '', 2), ['a', 'b'])
    index.remove('/b' as DrivePath)
    index.put(file('/bb'))
    assert.deepEqual(namesOf(index, '/', 'b', 2), ['bb', 'c'])
  })

  it('lists what is put after a part was asked for, in order or not', () => {
    const index = PathIndexBuilder.empty()
    for (const name of ['b', 'd']) {
      index.put(file(`/${name}`))
      assert.equal(namesOf(index, '/').at(-1), name)
    }
    for (const path of ['/c/x', '/a', '/e/x', '/e/y', '/d']) index.put(file(path))
    assert.deepEqual(namesOf(index, '/'), ['a', 'b', 'c', 'd', 'e'])
  })

  it('forgets a folder with its last file, and has it again with the next', () => {
    const index = PathIndexBuilder.empty()
    index.put(file('/a/b/one'))
    index.remove('/a/b/one' as DrivePath)
    assert.equal(statOf(index, '/a'), undefined)
    index.put(file('/a/b/two', 7))
    assert.deepEqual(namesOf(index, '/a/b'), ['two'])
    assert.equal(statOf(index, '/')?.mtime, 7)
    assert.equal(statOf(index, '/a')?.mtime, 7)
  })

  it('gives every folder the newest time below it, in whatever order entries come', () => {
    const index = PathIndexBuilder.empty()
    for (const [path, mtime] of [
      ['/a/x', 5],
      ['/a/b/y', 9],
      ['/a/z', 1],
      ['/c/x', 3],
    ] as const)
      index.put(file(path, mtime))
    const times = ['/', '/a', '/a/b', '/c'].map(path => statOf(index, path)?.mtime)
    assert.deepEqual(times, [9, 9, 9, 3])
  })

  it('gives a folder a time before 1970 when nothing below it is newer, and none when none is known', () => {
    const index = PathIndexBuilder.empty()
    index.put(file('/old/x', -5))
    index.put({ ...file('/old/y'), mtime: undefined })
    index.put({ ...file('/unknown/x'), mtime: undefined })
    assert.equal(statOf(index, '/old')?.mtime, -5)
    assert.equal(statOf(index, '/unknown')?.mtime, undefined)
    assert.equal(statOf(index, '/unknown/x')?.mtime, undefined)
  })

  it('shows of a file beside a folder of its name what came first, and keeps both for a copy', () => {
    const index = PathIndexBuilder.empty()
    index.put(file('/a'))
    index.put(file('/a/b'))
    index.put(file('/c/d'))
    index.put(file('/c'))
    assert.equal(statOf(index, '/a')?.kind, 'file')
    assert.equal(statOf(index, '/c')?.kind, 'folder')
    assert.deepEqual([...index.select('/' as DrivePath)].map(({ path }) => path).sort(), [
      '/a',
      '/a/b',
      '/c',
      '/c/d',
    ])
  })
})

function file(path: string, mtime = 0): DriveEntry {
  return { path: path as DrivePath, kind: 'file', size: 0, mtime, executable: false }
}

function namesOf(index: PathIndex, path: string, after?: string, limit?: number): string[] {
  return (index.list(path as DrivePath, after, limit) ?? []).map(({ name }) => name)
}

function statOf(index: PathIndex, path: string) {
  const found = statAt(index, path as DrivePath)
  return found.kind === 'nowhere' ? undefined : found
}
