import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import type { ChangedPath } from '../../src/common/protocol'
import { foldersOfChanges } from '../../src/editor/files/foldersOfChanges'
import { cameBack, readLimit } from '../../src/editor/files/reach'

const reach = (peers: number) => ({ connected: peers > 0, peers })

describe('a file that could not be shown', () => {
  it('is looked at again when somebody comes, and not for as long as the same ones stay', () => {
    assert.ok(cameBack(reach(0), reach(1)))
    assert.ok(cameBack(reach(1), reach(2)))
    assert.ok(!cameBack(reach(1), reach(1)))
    assert.ok(!cameBack(reach(2), reach(1)))
    assert.ok(!cameBack(reach(0), reach(0)))
  })

  it('is waited for the longer the larger it is, and never shorter than the peer process waits', () => {
    const silence = 30_000
    assert.ok(readLimit(0, silence) > silence)
    assert.ok(readLimit(50_000_000, silence) > 60 * 60_000)
  })
})

describe('changes of files', () => {
  const change = (type: ChangedPath['type'], path: string): ChangedPath => ({ type, path: path as DrivePath })

  it('tell of the folders that came with them, outermost first', () => {
    const { added, maybeGone } = foldersOfChanges([change('added', '/new/deep/a'), change('added', '/b')])
    assert.deepEqual(added, ['/new', '/new/deep'])
    assert.deepEqual(maybeGone, [])
  })

  it('tell of the folders that may have gone with them, innermost first, and of none that holds something', () => {
    const changes = [
      change('removed', '/old/deep/a'),
      change('removed', '/kept/a'),
      change('added', '/kept/b'),
    ]
    assert.deepEqual(foldersOfChanges(changes).maybeGone, ['/old/deep', '/old'])
    assert.deepEqual(foldersOfChanges([change('changed', '/kept/a')]), { added: [], maybeGone: [] })
  })
})
