import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { formatPatterns, parsePatterns, pathsOf, patternsOf } from '../../src/editor/syncChoice'
import { selectionOf } from '../../src/peer/live/selection'

const name = fc
  .string({
    unit: fc.constantFrom('a', 'b', ' ', ',', '*', '?', '[', ']', '\\', '!', '#', 'ä'),
    minLength: 1,
    maxLength: 4,
  })
  .filter(text => text.trim() === text)
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(names => `/${names.join('/')}`)

describe('what is chosen to be kept in sync', () => {
  it('is exactly the paths that were chosen and what is in them, whatever their names', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 4 }), path, (chosen, other) => {
        const selects = selectionOf(patternsOf(chosen))
        for (const each of [...chosen, other, ...chosen.map(within => within + other)]) {
          const isChosen = chosen.some(one => each === one || each.startsWith(`${one}/`))
          assert.equal(selects(each), isChosen, each)
        }
      }),
    )
  })

  it('is shown again as it was chosen', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 4 }), chosen => {
        const patterns = patternsOf(chosen)
        const outer = chosen.filter(each => !chosen.some(other => each.startsWith(`${other}/`)))
        assert.deepEqual(pathsOf(patterns), new Set(outer.sort()))
        assert.deepEqual(parsePatterns(formatPatterns(patterns)), patterns)
      }),
    )
  })

  it('is patterns when a pattern is no plain path', () => {
    for (const pattern of ['docs', '*.md', '/docs/*.md', '/a?', '/[ab]'])
      assert.equal(pathsOf([pattern]), undefined)
    assert.deepEqual(pathsOf(['/docs/']), new Set(['/docs']))
    assert.deepEqual(parsePatterns(' docs , *.md,, a\\,b '), ['docs', '*.md', 'a\\,b'])
  })
})
