/** Files that vanish at once are held, unless git took them, whenever its head is seen to move. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { RemovalHold } from '../../src/peer/publish/version/held'
import { temporaryFolder } from '../support/folders'

describe('files that vanish together from a repository', () => {
  const published = ['/a', '/b', '/c', '/d'] as DrivePath[]
  let root: string
  let hold: RemovalHold

  const moveHead = (to: string) => writeFileSync(join(root, '.git', 'HEAD'), `ref: refs/heads/${to}\n`)
  /** → how many files are held. @param whileScanned happens after the scan has listed what is there */
  const publish = async (
    removed: readonly DrivePath[],
    whileScanned = () => {},
    isWhole = true,
  ): Promise<number> => {
    hold.beforeScan()
    whileScanned()
    const repositories = new Map([['' as DrivePath, join(root, '.git')]])
    const removal = { root, removed, added: () => 0, files: published.length, isWhole, repositories }
    return (await hold.judge(removal))?.paths.size ?? 0
  }

  beforeEach(async () => {
    root = temporaryFolder('repository')
    mkdirSync(join(root, '.git'))
    moveHead('main')
    hold = new RemovalHold(600_000)
    assert.equal(await publish([]), 0)
  })

  it('are held when the head stays', async () => {
    assert.equal(await publish(published), 4)
  })

  it('leave when the head has moved', async () => {
    moveHead('bare')
    assert.equal(await publish(published), 0)
    assert.equal(await publish(published), 4, 'once: what vanishes later was not taken by that checkout')
  })

  it('leave when the head moved during the scan before, which still saw them', async () => {
    assert.equal(await publish([], () => moveHead('bare')), 0)
    assert.equal(await publish(published), 0)
  })

  it('leave when the head moved during the scan before, which missed only the first of them', async () => {
    assert.equal(await publish(published.slice(0, 1), () => moveHead('bare')), 0)
    assert.equal(await publish(published.slice(1)), 0)
  })

  it('leave when only a file that was saved was looked at since the head moved', async () => {
    moveHead('bare')
    assert.equal(await publish([], () => {}, false), 0)
    assert.equal(await publish(published), 0)
  })

  it('are held when a later scan saw them under the new head', async () => {
    assert.equal(await publish([], () => moveHead('bare')), 0)
    assert.equal(await publish([]), 0)
    assert.equal(await publish(published), 4)
  })
})
