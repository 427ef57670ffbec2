import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { BETWEEN, MINE, mergeLines, type Sides, THEIRS } from '../../src/peer/live/mergeLines'
import { hasMarkers, type MergeOutcome, type MergeVersions, mergeTexts } from '../../src/peer/live/mergeTexts'

/** The result of a generator that only pauses. */
function resultOf<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const mergeAll = (sides: Sides, cutAbove?: number) => {
  const merged = resultOf(mergeLines(sides, cutAbove))
  assert.ok(merged, 'they were merged')
  return merged
}

const merge = (mine: string | Buffer, base: string | Buffer, theirs: string | Buffer): MergeOutcome => {
  const bytes: MergeVersions = {
    mine: Buffer.from(mine),
    base: Buffer.from(base),
    theirs: Buffer.from(theirs),
  }
  return resultOf(mergeTexts(bytes))
}

const merged = (mine: string, base: string, theirs: string) => {
  const outcome = merge(mine, base, theirs)
  assert.ok(outcome.kind === 'merged')
  return { text: outcome.bytes.toString(), conflicts: outcome.conflicts }
}

/** What is left when one side is taken at every marker. */
function take(lines: readonly string[], side: 'mine' | 'theirs'): string[] {
  let part: 'both' | 'mine' | 'theirs' = 'both'
  return lines.filter(line => {
    if (line === MINE) part = 'mine'
    else if (line === BETWEEN) part = 'theirs'
    else if (line === THEIRS) part = 'both'
    else return part === 'both' || part === side
    return false
  })
}

/** Few different lines, so that many are the same; in one of two runs some that are there once. */
const line = fc.oneof(
  fc.constantFrom('', '}', 'a', 'b', 'c'),
  fc.nat(50).map(n => `line ${n}`),
)
const lines = fc.array(line, { maxLength: 30 })
/** 0: cut wherever it can be. */
const cutAbove = fc.constantFrom(0, 20, 250_000)

describe('a three-way merge of lines', () => {
  it('takes what one side changed, and what both made the same', () => {
    fc.assert(
      fc.property(lines, lines, cutAbove, (base, other, cut) => {
        assert.deepEqual(mergeAll({ mine: other, base, theirs: base }, cut), { lines: other, conflicts: 0 })
        assert.deepEqual(mergeAll({ mine: base, base, theirs: other }, cut), { lines: other, conflicts: 0 })
        assert.deepEqual(mergeAll({ mine: other, base, theirs: other }, cut), { lines: other, conflicts: 0 })
      }),
    )
  })

  it('loses no line that a side has written', () => {
    fc.assert(
      fc.property(lines, lines, lines, cutAbove, (mine, base, theirs, cut) => {
        const { lines: all, conflicts } = mergeAll({ mine, base, theirs }, cut)
        const markers = all.filter(each => each === MINE).length
        assert.equal(conflicts, markers)
        for (const each of [...mine, ...theirs].filter(each => !base.includes(each)))
          assert.ok(all.includes(each), each)
      }),
    )
  })

  it('gives the same sides turned round when the sides are', () => {
    fc.assert(
      fc.property(lines, lines, lines, cutAbove, (mine, base, theirs, cut) => {
        const one = mergeAll({ mine, base, theirs }, cut)
        const other = mergeAll({ mine: theirs, base, theirs: mine }, cut)
        assert.deepEqual(take(one.lines, 'mine'), take(other.lines, 'theirs'))
      }),
    )
  })

  it('brings changes of different places together, however long the file is', () => {
    const base = Array.from({ length: 20_000 }, (_, n) => (n % 3 === 0 ? '' : `line ${n}`))
    const mine = base.with(100, 'mine').toSpliced(15_000, 3)
    const theirs = base.with(19_000, 'theirs').toSpliced(7_000, 0, 'new', 'new')
    const expected = base
      .with(19_000, 'theirs')
      .toSpliced(15_000, 3)
      .toSpliced(7_000, 0, 'new', 'new')
      .with(100, 'mine')
    const started = performance.now()
    assert.deepEqual(mergeAll({ mine, base, theirs }), { lines: expected, conflicts: 0 })
    assert.ok(performance.now() - started < 2_000, 'comparing all with all takes many times that')
  })

  it('refuses what would take too long', () => {
    const sides = { mine: 'x', base: 'y', theirs: 'z' }
    const long = Object.fromEntries(
      Object.entries(sides).map(([side, each]) => [
        side,
        `${each}\n${'\n'.repeat(50_000)}${each}\n${'\n'.repeat(side.length)}${each}`,
      ]),
    )
    const outcome = merge(long.mine ?? '', long.base ?? '', long.theirs ?? '')
    assert.deepEqual(outcome, { kind: 'refused', why: 'too-different' })
  })
})

describe('a three-way merge of files', () => {
  const base = 'one\ntwo\nthree\nfour\nfive\n'

  it('puts markers around what both changed, and only around that', () => {
    const mine = 'ONE\ntwo\nmy three\nfour\nfive\n'
    const theirs = 'one\ntwo\ntheir three\nfour\nFIVE\n'
    const { text, conflicts } = merged(mine, base, theirs)
    assert.equal(conflicts, 1)
    assert.equal(
      text,
      'ONE\ntwo\n<<<<<<< yours\nmy three\n=======\ntheir three\n>>>>>>> theirs\nfour\nFIVE\n',
    )
    assert.equal(hasMarkers(Buffer.from(text)), true)
    assert.equal(hasMarkers(Buffer.from(text.replaceAll('\n', '\r\n'))), true)
    assert.equal(hasMarkers(Buffer.from(`# ${MINE}\n${mine}`)), false)
  })

  it('keeps how lines end, a byte order mark, and a last line without an end', () => {
    const crlf = (text: string) => text.replaceAll('\n', '\r\n')
    const table: readonly (readonly [string, string, string, string, string])[] = [
      ['CRLF', crlf('ONE\ntwo\nthree\n'), crlf('one\ntwo\nthree\n'), crlf('one\ntwo\nTHREE\n'), crlf('ONE\ntwo\nTHREE\n')],
      ['CRLF of mine', crlf('ONE\ntwo\nthree\n'), 'one\ntwo\nthree\n', 'one\ntwo\nTHREE\n', crlf('ONE\ntwo\nTHREE\n')],
      ['CRLF of theirs', 'ONE\ntwo\nthree\n', 'one\ntwo\nthree\n', crlf('one\ntwo\nTHREE\n'), crlf('ONE\ntwo\nTHREE\n')],
      ['mixed ends', 'ONE\r\ntwo\nthree\r\n', 'one\r\ntwo\nthree\r\n', 'one\r\ntwo\nthree\r\nfour\r\n', 'ONE\r\ntwo\nthree\r\nfour\r\n'],
      ['no end', 'ONE\ntwo\nthree', 'one\ntwo\nthree', 'one\ntwo\nTHREE', 'ONE\ntwo\nTHREE'],
      ['an end of theirs', 'ONE\ntwo\nthree', 'one\ntwo\nthree', 'one\ntwo\nTHREE\n', 'ONE\ntwo\nTHREE\n'],
      ['a mark', '\uFEFFONE\ntwo\nthree\n', '\uFEFFone\ntwo\nthree\n', '\uFEFFone\ntwo\nTHREE\n', '\uFEFFONE\ntwo\nTHREE\n'],
      ['a mark taken away', 'ONE\ntwo\nthree\n', '\uFEFFone\ntwo\nthree\n', '\uFEFFone\ntwo\nTHREE\n', 'ONE\ntwo\nTHREE\n'],
      ['a mark of theirs', 'ONE\ntwo\nthree\n', 'one\ntwo\nthree\n', '\uFEFFone\ntwo\nTHREE\n', '\uFEFFONE\ntwo\nTHREE\n'],
      ['an empty base', 'mine', '', 'mine', 'mine'],
      ['all taken away', '', 'one\n', 'one\n', ''],
    ] // biome-ignore format: a table
    for (const [what, mine, common, theirs, expected] of table)
      assert.deepEqual(merged(mine, common, theirs), { text: expected, conflicts: 0 }, what)
  })

  it('passes bytes of any encoding through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, maxLength: 200 }), bytes => {
        const file = Buffer.from(bytes)
        const outcome = merge(file, 'x\n', 'x\n')
        assert.ok(outcome.kind === 'merged')
        assert.ok(outcome.bytes.equals(file))
      }),
    )
  })

  it('refuses what is no text, and what is too long', () => {
    assert.deepEqual(merge('a', 'b', 'c\0'), { kind: 'refused', why: 'binary' })
    assert.deepEqual(merge(Buffer.alloc(5_000_000, 'x'), '', ''), { kind: 'refused', why: 'too-large' })
    assert.deepEqual(merge('\n'.repeat(300_000), '', ''), { kind: 'refused', why: 'too-large' })
  })
})
