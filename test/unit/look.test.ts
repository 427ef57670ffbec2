/**
 * A look at the places that changed tells what a scan of everything would: checked against one after random steps in a
 * real folder, of which only the names are told that a watcher tells.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { type Look, lookAt } from '../../src/peer/publish/scan/look'
import { scanFolder } from '../../src/peer/publish/scan/scan'
import type { ScanResult } from '../../src/peer/publish/scan/scanned'
import type { FolderScan } from '../../src/peer/publish/scan/scanResult'
import { batchesOfSteps, FolderOfSteps, STEP_OPTIONS } from '../support/folderSteps'

const RUNS = Number(process.env.PEERFOLD_ROUNDS ?? 60)

describe('a look at places that changed', function () {
  this.timeout(60_000)

  it('tells what a scan of everything would, whatever was done', async function () {
    if (process.platform === 'win32') this.skip()
    const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
    const counted = { looks: 0, scans: 0 }
    const property = fc.asyncProperty(batchesOfSteps(25), async batches => {
      const folder = new FolderOfSteps({ asNobody: true })
      try {
        let now: FolderScan = await scanFolder(folder.root, STEP_OPTIONS)
        for (const batch of batches) {
          const names = batch.flatMap(step => folder.make(step))
          const before = new Map(now.files.map(file => [file.path, file]))
          const look = await lookAt(folder.root, now.scanned, names, STEP_OPTIONS)
          const scan = await scanFolder(folder.root, STEP_OPTIONS).catch(error => {
            assert.equal(look, undefined, `what a scan finds: ${error}`)
          })
          if (scan === undefined) return // it became Peerfold's own folder
          if (look === undefined) counted.scans++
          else {
            counted.looks++
            assert.deepEqual(described(look.scan), described(scan), `after ${names.join(', ')}`)
            assertNamesChanges(look, before, scan)
          }
          now = look === undefined ? scan : { ...look.scan, scanned: now.scanned }
        }
      } finally {
        folder.end()
      }
    })
    await fc.assert(property, { numRuns: RUNS, seed })
    console.log(
      `      ${RUNS} folders, seed ${seed}: ${counted.looks} looks sufficed, ${counted.scans} did not`,
    )
    assert.ok(counted.looks > counted.scans, 'mostly a look suffices')
  })
})

/** What differs between two scans is among what a look tells. */
function assertNamesChanges(look: Look, before: ReadonlyMap<DrivePath, unknown>, scan: ScanResult): void {
  const now = new Set(scan.files.map(({ path }) => path))
  assert.deepEqual([...look.gone].sort(), [...before.keys()].filter(path => !now.has(path)).sort())
  const looked = new Set(look.looked.map(({ path }) => path))
  for (const file of scan.files) {
    if (looked.has(file.path)) continue
    assert.deepEqual(file, before.get(file.path), `${file.path} was looked at`)
  }
}

function described({ hardLinked, unreadable, inputs, repositories, ...scan }: ScanResult) {
  const { scanned, ...rest } = scan as Partial<FolderScan>
  return {
    ...rest,
    hardLinked: hardLinked.map(({ path }) => path).sort(),
    unreadable: [...unreadable].sort(),
    repositories: [...repositories].sort(),
  }
}
