import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  noticeable,
  percent,
  plural,
  safeText,
} from '../../src/common/format'

describe('format', () => {
  it('shows sizes with as many digits as help', () => {
    const shown = [
      [0, '0 B'],
      [-1, '0 B'],
      [Number.NaN, '0 B'],
      [1, '1 B'],
      [999, '999 B'],
      [1_000, '1.0 kB'],
      [2_149_000, '2.1 MB'],
      [9_960_000, '10 MB'],
      [34_400_000_000, '34 GB'],
      [999_600, '1.0 MB'],
      [5e18, '5000 PB'],
    ] as const
    for (const [bytes, text] of shown) assert.equal(formatBytes(bytes), text)
    assert.equal(formatRate(2_100_000), '2.1 MB/s')
  })

  it('tells of no traffic where only a few bytes pass, and writes percent in one way', () => {
    assert.deepEqual([0, 68, 999, 1_000, 2_100_000].map(noticeable), [0, 0, 0, 1_000, 2_100_000])
    assert.deepEqual([undefined, 0, 45].map(formatPercent), ['', '0%', '45%'])
  })

  it('shows durations in at most two units', () => {
    const shown = [
      [0, 'now'],
      [0.7, '1 s'],
      [59.6, '1 min'],
      [200, '3 min 20 s'],
      [7_500, '2 h 5 min'],
      [349_300, '4 d 1 h'],
      [Number.POSITIVE_INFINITY, 'a long time'],
      [Number.NaN, 'now'],
    ] as const
    for (const [seconds, text] of shown) assert.equal(formatDuration(seconds), text)
  })

  it('counts in words', () => {
    assert.equal(plural(1, 'file'), '1 file')
    assert.equal(plural(0, 'file'), '0 files')
    assert.equal(plural(1_234_567, 'file'), '1,234,567 files')
    assert.equal(plural(2, 'copy', 'copies'), '2 copies')
    assert.equal(formatCount(100), '100')
  })

  it('says 100 percent only when all is done', () => {
    assert.equal(percent(1, undefined), undefined)
    assert.equal(percent(999_999, 1_000_000), 99)
    assert.equal(percent(7, 7), 100)
    assert.equal(percent(0, 0), 100)
    assert.equal(percent(-1, 7), 0)
  })

  describe('text of strangers', () => {
    it('stays as it is when it is harmless', () => {
      for (const text of [
        'plan.txt',
        'Übergrößen äöü',
        '文件',
        '👩‍💻 notes',
        'می‌خواهم',
        'a b',
        '/x/y z.md',
      ]) {
        assert.equal(safeText(text), text)
      }
    })

    it('cannot move the cursor, colour the terminal or start a new line', () => {
      assert.equal(safeText('\u001b[2Jx\r\n\u0007\u009b31m'), '\\u{1b}[2Jx\\u{d}\\u{a}\\u{7}\\u{9b}31m')
      assert.equal(safeText('a\u2028b'), 'a\\u{2028}b')
    })

    it('cannot turn the reading direction or hide characters', () => {
      assert.equal(safeText('invoice\u202efdp.exe'), 'invoice\\u{202e}fdp.exe')
      assert.equal(safeText('a\u200bb\ufeff\u2066'), 'a\\u{200b}b\\u{feff}\\u{2066}')
      assert.equal(safeText('\ud800'), '\\u{d800}')
    })

    it('is shortened in the middle, never inside a character', () => {
      assert.equal(safeText('abcdefghijklmnop.txt', 10), 'abcdef…txt')
      assert.equal(safeText('🙂'.repeat(10), 4), '🙂🙂…🙂')
      assert.equal(safeText('🙂🙂', 2), '🙂🙂')
    })

    it('never holds a control character, whatever came', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
          assert.doesNotMatch(safeText(text), /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u)
        }),
      )
    })
  })
})
