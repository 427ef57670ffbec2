import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import type { ChangedPath } from '../../src/common/protocol'
import { foldersOfChanges } from '../../src/editor/files/foldersOfChanges'
import { cameBack, readLimit } from '../../src/editor/files/reach'
import { throughLinks } from '../../src/editor/files/throughLinks'

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

  const linksTo = (links: Readonly<Record<string, string>>) =>
    new Map(Object.entries(links).map(([shown, real]) => [shown as DrivePath, real as DrivePath]))

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

  it('are told below every link that shows them, each once', () => {
    const linked = linksTo({ '/latest': '/releases/5', '/latest/docs': '/releases/5/docs', '/all': '/' })
    const told = throughLinks(
      [change('added', '/releases/5/docs/a'), change('removed', '/releases/4/b')],
      linked,
    )
    assert.deepEqual(told?.map(({ type, path }) => `${type} ${path}`).sort(), [
      'added /all/releases/5/docs/a',
      'added /latest/docs/a',
      'removed /all/releases/4/b',
    ])
    assert.deepEqual(throughLinks([change('changed', '/b')], new Map()), [])
  })

  it('are not told one by one where links multiply them', () => {
    const linked = linksTo(
      Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`/link ${at}`, '/docs'])),
    )
    const many = Array.from({ length: 100 }, (_, at) => change('changed', `/docs/${at}`))
    assert.equal(throughLinks(many, linked), undefined)
    assert.equal(throughLinks(many.slice(0, 5), linked)?.length, 500)
  })
})
