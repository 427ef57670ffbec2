/**
 * What would hold up all extensions of a window by its length is cut to a length: rows of a tree, slices of a sort, what
 * the peer process tells. How long that takes is measured by `npm run bench -- --only editor`.
 */
import assert from 'node:assert/strict'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { FileEntry } from '../../src/common/model'
import type { ChangedPath } from '../../src/common/protocol'
import { childOf } from '../../src/editor/files/drivePath'
import { ChildrenUnderWay } from '../../src/editor/views/childrenUnderWay'
import { findEntry } from '../../src/editor/views/findEntry'
import type { EntryNode, OpenedNode, OpenedTreeNode } from '../../src/editor/views/openedTree'
import { ROWS, rowsOfFolder } from '../../src/editor/views/rowsOfFolder'
import { PATHS_AT_ONCE, partsOf } from '../../src/peer/service/changeParts'
import { resultOf, TOLD, Transfer } from '../../src/peer/transfer'
import { RUN, sorted, sortInSlices } from '../../src/wire/slices'
import { eventually } from '../support/eventually'

describe('rows of a large folder', () => {
  for (const count of [0, 1, ROWS, ROWS + 1, 100_000, 1_000_000]) {
    it(`hold each of ${count} entries once and in order, and never more than a thousand or so at a time`, () => {
      const entries = Array.from({ length: count }, (_, at) => at)
      const { first, parts } = rowsOfFolder(entries)
      assert.deepEqual([first, ...parts.map(part => part.entries)].flat(), entries)
      for (const { from, entries: some } of parts) assert.equal(from, some[0])
      const longest = Math.max(first.length + parts.length, ...parts.map(part => part.entries.length))
      assert.ok(longest <= (count <= 100_000 ? 2 * ROWS : 4 * ROWS), `${longest} rows`)
    })
  }

  it('are the plain entries of a folder that is not large', () => {
    assert.deepEqual(rowsOfFolder(['a', 'b']), { first: ['a', 'b'], parts: [] })
  })
})

describe('the row of an entry', () => {
  const id = 'y'.repeat(52) as ShareId
  const share: OpenedNode = { kind: 'opened', id }
  const root = '/' as DrivePath
  const fileOf = (name: string): FileEntry => ({ name, kind: 'file', size: 0, executable: false })
  const folders = new Map<DrivePath, readonly FileEntry[]>([
    [root, [{ ...fileOf('large'), kind: 'folder' }, fileOf('one')]],
    ['/large' as DrivePath, Array.from({ length: 3 * ROWS }, (_, at) => fileOf(`file ${at}`))],
  ])
  const rowsOf = (parent: EntryNode['parent'], path: DrivePath, entries: readonly FileEntry[]): EntryNode[] =>
    entries.map(entry => ({ kind: 'entry', id, path: childOf(path, entry.name), entry, parent }))
  const tree = {
    find: () => share,
    getChildren: async (node?: OpenedTreeNode): Promise<OpenedTreeNode[]> => {
      if (node === undefined || node.kind === 'message') return []
      if (node.kind === 'part') return rowsOf(node, node.path, node.part.entries)
      const path = node.kind === 'opened' ? root : node.path
      const { first, parts } = rowsOfFolder(folders.get(path) ?? [])
      return [
        ...rowsOf(node, path, first),
        ...parts.map(part => ({ kind: 'part', id, path, part, parent: node }) as const),
      ]
    },
  }
  const find = (path: string) => findEntry(tree, id, path as DrivePath)

  it('is found in folders of any size, with all rows that lead to it', async () => {
    assert.equal(await find('/'), share)
    for (const at of [0, ROWS, 3 * ROWS - 1]) {
      const found = await find(`/large/file ${at}`)
      assert.ok(found?.kind === 'entry')
      assert.equal(found.path, `/large/file ${at}`)
      const { parent } = found
      assert.equal(parent.kind, at < ROWS ? 'entry' : 'part')
      const folder = parent.kind === 'part' ? parent.parent : parent
      assert.ok(folder.kind === 'entry' && folder.parent === share)
    }
    const folder = await find('/large/')
    assert.ok(folder?.kind === 'entry' && folder.path === '/large')
  })

  it('is none where the share has no such entry', async () => {
    for (const path of ['/none', '/large/none', '/one/none']) assert.equal(await find(path), undefined, path)
  })
})

describe('sorting in slices', () => {
  it('lets waiting events in, and gives what sorting at once gives', async () => {
    const items = Array.from({ length: 100_000 }, (_, at) => ({ key: (at * 7919) % 100_003 }))
    const given = [...items]
    let turns = 0
    const turn = () => {
      turns++
      timer = setImmediate(turn)
    }
    let timer = setImmediate(turn)
    const result = await sorted(items, slowly)
    clearImmediate(timer)
    assert.deepEqual(
      result,
      [...items].sort((a, b) => a.key - b.key),
    )
    assert.deepEqual(items, given, 'what was given is as it was')
    assert.ok(turns >= 5, `other events had ${turns} turns`)
  })

  for (const order of ['sorted', 'reversed'] as const) {
    it(`may pause after a bounded number of comparisons, also where all is ${order} already`, () => {
      const items = Array.from({ length: 50_000 }, (_, at) => ({ key: order === 'sorted' ? at : -at }))
      let compared = 0
      let most = 0
      const sorting = sortInSlices(items, (a, b) => {
        compared++
        return a.key - b.key
      })
      for (let step = sorting.next(); !step.done; step = sorting.next()) {
        most = Math.max(most, compared)
        compared = 0
      }
      assert.ok(Math.max(most, compared) <= RUN * Math.log2(RUN), `${most} comparisons without a pause`)
    })
  }
})

describe('what the peer process tells windows', () => {
  const id = 'y'.repeat(52) as ShareId

  it('comes in parts when many paths changed, each path once and in order', () => {
    const paths = Array.from(
      { length: 2 * PATHS_AT_ONCE + 1 },
      (_, at): ChangedPath => ({ path: `/${at}` as DrivePath, type: 'added' }),
    )
    const parts = partsOf({ id, version: 7, paths })
    assert.deepEqual(
      parts.map(part => part.paths?.length),
      [PATHS_AT_ONCE, PATHS_AT_ONCE, 1],
    )
    assert.deepEqual(
      parts.flatMap(part => part.paths ?? []),
      paths,
    )
    for (const part of parts) assert.deepEqual([part.id, part.version], [id, 7])
  })

  it('stays one when there are few paths, or none that can be told', () => {
    const few = { id, version: 1, paths: [{ path: '/a' as DrivePath, type: 'removed' as const }] }
    assert.deepEqual(partsOf(few), [few])
    assert.deepEqual(partsOf({ id, version: 1 }), [{ id, version: 1 }])
  })

  it('lists a few entries of what a copy left out and kept, and counts them all', () => {
    const transfer = new Transfer('job', 'copy', 'garden', '/tmp/garden', () => {})
    const many = Array.from({ length: 1_000 }, (_, at) => `/${at}`)
    const result = {
      ...resultOf({ files: 1, bytes: 1 }),
      skipped: many.map(path => ({ path, reason: 'bad-entry', detail: 'It is broken.' })),
      skippedCount: 1_000,
      conflicts: many.map(path => ({ path, copy: `${path} (incoming)` })),
      warnings: many,
    }
    transfer.finish(result)
    assert.deepEqual(transfer.status, { kind: 'done', result }, 'whoever waits for the copy gets all')
    const { status } = transfer.state
    assert.ok(status.kind === 'done')
    const { skipped, skippedCount, conflicts, conflictCount, warnings } = status.result
    assert.deepEqual([skipped.length, conflicts.length, warnings.length], [TOLD, TOLD, TOLD])
    assert.deepEqual([skippedCount, conflictCount], [1_000, 1_000])
  })

  it('never tells a rate below nought, though what was written in vain counts no more', () => {
    let now = 10_000
    const transfer = new Transfer(
      'job',
      'copy',
      'garden',
      '/tmp/garden',
      () => {},
      () => now,
    )
    transfer.bytes.total = 8_000
    transfer.progress(0, 4_000)
    now += 800
    transfer.progress(0, 4_000)
    now += 1_200
    transfer.progress(0, -8_000)
    const { bytes, rate, timeLeft } = transfer.state
    assert.deepEqual([bytes.done, rate], [0, 4_000])
    assert.equal(timeLeft, 2)
  })
})

const collator = new Intl.Collator(undefined, { numeric: true })

function slowly(a: { key: number }, b: { key: number }): number {
  return collator.compare(String(a.key), String(b.key))
}

describe('a tree of which children are on their way', () => {
  it('is refreshed as soon as VS Code has them, and no later than two seconds on', async () => {
    const underWay = new ChildrenUnderWay()
    const events: string[] = []
    underWay.refresh(() => events.push('at once'))
    assert.deepEqual(events, ['at once'])
    let give = (_: string) => {}
    const children = underWay.until(new Promise<string>(resolve => (give = resolve)))
    underWay.refresh(() => events.push('refreshed'))
    give('children')
    assert.equal(await children, 'children')
    assert.deepEqual(events, ['at once'], 'VS Code has not taken them yet')
    await eventually('it is refreshed', () => events.length === 2)
    void underWay.until(new Promise(() => {})) // nobody answers
    underWay.refresh(() => events.push('all the same'))
    await eventually('it is refreshed all the same', () => events.length === 3)
  })
})
