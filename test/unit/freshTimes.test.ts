/** Which times of a file show its next change for certain. */
import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import { areFresh } from '../../src/peer/publish/version/freshTimes'
import { likeness } from '../../src/peer/publish/version/published'

const NOW = 1_800_000_000_000

describe('the times of a file', () => {
  const cases: [what: string, mtimeMs: number, ctimeMs: number, fresh: boolean][] = [
    ['long past', NOW - 60_000.5, NOW - 60_000.5, false],
    ['with fractions, of this moment', NOW - 2.25, NOW - 2.25, true],
    ['with fractions, of a second ago', NOW - 1_000.25, NOW - 1_000.25, false],
    ['in whole seconds, of a second ago', NOW - 1_000, NOW - 1_000, true],
    ['in whole seconds, of four seconds ago', NOW - 4_000, NOW - 4_000, false],
    ['whose content is old and whose change is new', NOW - 1e9, NOW - 2.25, true],
    ['whose disk has a clock a minute ahead', NOW + 60_000.5, NOW + 60_000.5, true],
    ['that were noted before the clock was set back by a day', NOW + 86_400_000.5, NOW + 86_400_000.5, false],
    ['of a disk without a time of change', NOW - 2_000, 0, true],
  ]
  for (const [what, mtimeMs, ctimeMs, fresh] of cases) {
    it(`${what} ${fresh ? 'may hide the next change' : 'show the next change'}`, () => {
      assert.equal(areFresh({ mtimeMs, ctimeMs }, NOW), fresh)
    })
  }
})

describe('a file beside what was published of it', () => {
  const path = '/a' as DrivePath
  const stats = { kind: 'file', size: 1, mtimeMs: 5.5, ctimeMs: 7.5, ino: 9, executable: false } as const
  const onDisk = { ...stats, path, allowed: false }
  const { ctimeMs, ...early } = stats
  const cases: [what: string, published: Parameters<typeof likeness>[1], expected: string][] = [
    ['that looks as it did', stats, 'same'],
    ['that is new', undefined, 'changed'],
    ['with another time', { ...stats, mtimeMs: 5 }, 'changed'],
    ['with another size', { ...stats, size: 2 }, 'changed'],
    ['that can be executed by now', { ...stats, executable: true }, 'changed'],
    ['with another time of change alone', { ...stats, ctimeMs: 6 }, 'in-doubt'],
    ['with another inode alone', { ...stats, ino: 10 }, 'in-doubt'],
    ['whose times were fresh', { ...stats, fresh: true }, 'in-doubt'],
    ['noted by an earlier version', early, 'in-doubt'],
    ['taken over from the path log', { ...early, mtimeMs: 5, ino: -1 }, 'in-doubt'],
    ['whose bytes were lost', { ...stats, ino: -2 }, 'changed'],
  ]
  for (const [what, published, expected] of cases) {
    it(`${what} is ${expected}`, () => assert.equal(likeness(onDisk, published), expected))
  }

  it('from before 1970, which an earlier version published as 1970, is published again', () => {
    assert.equal(likeness({ ...onDisk, mtimeMs: -5 }, { ...early, mtimeMs: -5 }), 'changed')
    assert.equal(likeness({ ...onDisk, mtimeMs: -5 }, { ...stats, mtimeMs: -5 }), 'same')
  })
})
