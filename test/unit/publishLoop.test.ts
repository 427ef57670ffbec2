/** When a followed folder is published: how many times, and with what. */
import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import type { PublishResult } from '../../src/peer/publish/version/publishResult'
import type { SourceChanges } from '../../src/peer/shares/appending'
import { PublishLoop } from '../../src/peer/shares/publishLoop'

const RESULT: PublishResult = {
  files: 1,
  bytes: 1,
  changed: true,
  skipped: [],
  skippedCounts: {},
  foretold: [],
  ignoredFolders: [],
  held: [],
  remember: {},
  inputs: new Map(),
  disks: '',
  repositories: new Map(),
  vanished: [],
  busy: [],
  inDoubt: false,
  hardLinked: [],
}

describe('a folder that is published when it changes', () => {
  const paths = ['/a', '/b'].map(path => path as DrivePath)
  const published: SourceChanges[] = []
  let whenOne: (() => void) | undefined
  let whenOver: (() => void) | undefined
  const loop = new PublishLoop({
    publish: () =>
      loop.withChanges(async changes => {
        published.push(changes)
        whenOne?.()
        return RESULT
      }),
    isServed: () => true,
    isOver: () => false,
    onPublished: () => whenOver?.(),
    onFailed: async error => assert.fail(String(error)),
    signal: new AbortController().signal,
  })

  beforeEach(() => {
    published.length = 0
    whenOne = undefined
    whenOver = undefined
  })

  it('is published once for all that is told in one moment', async () => {
    loop.rescan('rescan') // a burst of which not all is known by name is told so
    loop.rescan(paths)
    await loop.whenPublished()
    assert.deepEqual(published, [{ named: new Set(paths), onlyNamed: false }])
  })

  it('is published again for what is told meanwhile', async () => {
    whenOne = () => {
      whenOne = undefined
      loop.rescan(paths)
    }
    loop.rescan('rescan')
    await loop.whenPublished()
    assert.deepEqual(
      published.map(({ named }) => named.size),
      [0, paths.length],
    )
  })

  it('is published again for what is told in the moment in which the loop ends', async () => {
    whenOver = () => {
      whenOver = undefined
      queueMicrotask(() => loop.rescan(paths))
    }
    loop.rescan('rescan')
    await loop.whenPublished()
    assert.deepEqual(
      published.map(({ named }) => named.size),
      [0, paths.length],
    )
  })
})
