/**
 * Who publishes only what the watcher names publishes what a scan of everything would, with the same reasons for what
 * is left out: two publishers of the same folder, one of which scans it each time, after random steps.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Corestore from 'corestore'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { Publisher } from '../../src/peer/publish/version/publisher'
import type { PublishResult } from '../../src/peer/publish/version/publishResult'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { batchesOfSteps, FolderOfSteps, STEP_OPTIONS } from '../support/folderSteps'
import { temporaryFolder } from '../support/folders'

const RUNS = Number(process.env.PEERFOLD_ROUNDS ?? 10)
const never = new AbortController().signal

class Side {
  private constructor(
    private readonly store: Corestore,
    private readonly catalog: Catalog,
    private readonly share: ShareDrive,
    private readonly publisher: Publisher,
    private readonly note: (result: PublishResult) => void,
  ) {}

  static async of(source: string): Promise<Side> {
    const folder = temporaryFolder('side')
    const store = new Corestore(join(folder, 'store'))
    const catalog = await Catalog.open(join(folder, 'catalog'))
    const share = await ShareDrive.create(store, 'seed')
    const { allow } = STEP_OPTIONS
    let record: ShareRecord = {
      ...{ seed: 'seed', source, name: 'steps', allow, version: 0 },
      ...{ isFile: false, once: false, keep: true, stopped: false },
    }
    const lost = (error: unknown) => assert.fail(String(error))
    const publisher = new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      lost,
    )
    return new Side(store, catalog, share, publisher, ({ remember }) => {
      record = { ...record, ...remember, version: share.paths.length }
    })
  }

  /** What it publishes and tells, as text that can be compared. */
  async publish(named: ReadonlySet<DrivePath>, onlyNamed: boolean): Promise<unknown> {
    const { ignore } = STEP_OPTIONS
    try {
      const options = { ignore, dataFolder: temporaryFolder('data'), named, onlyNamed }
      const result = await this.publisher.publish(options, never, () => {})
      this.note(result)
      await this.publisher.settle()
      await this.share.refresh()
      return { ...told(result), entries: await this.entries() }
    } catch (error) {
      return String(error)
    }
  }

  async close(): Promise<void> {
    await this.publisher.settle()
    await this.catalog.close()
    await this.store.close()
  }

  private async entries(): Promise<string[]> {
    const found: string[] = []
    for (const { path, kind, size, mtime, executable, linkTarget } of this.share.version?.index.entries() ??
      []) {
      const content = kind === 'link' ? linkTarget : String(await this.share.drive.get(path))
      found.push([path, kind, size, mtime, executable, content].join(' '))
    }
    return found.sort()
  }
}

function told({ files, bytes, skipped, skippedCounts, foretold, ignoredFolders, held }: PublishResult) {
  return {
    ...{ files, bytes, skippedCounts, ignoredFolders },
    foretold: foretold.map(({ path, reason, systems }) => `${path} ${reason} ${systems.join()}`).sort(),
    skipped: skipped.map(({ path, reason, detail }) => `${path} ${reason} ${detail}`).sort(),
    held: held.map(({ kind, files: count }) => `${kind} ${count}`),
  }
}

describe('a publisher that is told what changed', function () {
  this.timeout(120_000)

  it('publishes what one does that scans everything, and says the same', async function () {
    if (process.platform === 'win32') this.skip()
    const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
    console.log(`      ${RUNS} folders, seed ${seed}`)
    const property = fc.asyncProperty(batchesOfSteps(15), async batches => {
      const folder = new FolderOfSteps({ asNobody: false }) // stores are written meanwhile
      const sides: Side[] = []
      try {
        writeFileSync(join(folder.root, 'always'), 'something is shared')
        for (let n = 0; n < 2; n++) sides.push(await Side.of(folder.root))
        for (const batch of [[], ...batches]) {
          const names = new Set(batch.flatMap(step => folder.make(step)))
          const [one, other] = await Promise.all(sides.map((side, at) => side.publish(names, at === 0)))
          assert.deepEqual(one, other, `after ${[...names].join(', ')}`)
        }
      } finally {
        for (const side of sides) await side.close()
        folder.end()
      }
    })
    await fc.assert(property, { numRuns: RUNS, seed })
  })
})
