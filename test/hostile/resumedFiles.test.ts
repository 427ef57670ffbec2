/**
 * A large file whose copy is killed in the middle: the next process goes on inside the temporary that was left, if that
 * is provably the one it made and what was written is whole, and otherwise makes a new one. Whatever was done to the
 * temporary meanwhile, the file ends with every byte of the share, and nothing beside it is touched.
 */
import assert from 'node:assert/strict'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { Catalog, type PartialFile } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, randomBytes, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const MB = 1_000_000
/** Nobody listens there. */
const NOBODY = '127.0.0.1:9'
/** Files of 64 MiB and more are resumed. */
const SIZE = 72 * MB
/** The process is killed when so much is written: a mark is made by then, and the end is far. */
const KILLED_AT = 36 * MB
/** So much may be in the store that is not written yet. */
const FETCHED_AHEAD = 10 * MB

attackGroup('large files whose copy is killed', () => {
  const storage = temporaryFolder('ann')
  const source = temporaryFolder('source')
  let content: Uint8Array
  const people = withPeople()
  let ann: PeerProcess
  let id: ShareId
  let link: string
  let root: string
  let target: string
  let job: string
  let jobs = 0

  before(async function () {
    this.timeout(60_000)
    content = randomBytes(SIZE, 1)
    writeFileSync(join(source, 'large.bin'), content)
    await start()
    ;({ id, link } = await ann.share(source))
    // What the database still writes of this is not counted below.
    await ann.kill()
    await start()
  })
  beforeEach(newTarget)

  function newTarget(): void {
    root = temporaryFolder('root')
    target = join(root, 'target')
    mkdirSync(target)
    job = `job-${jobs++}`
  }

  async function start(): Promise<void> {
    ann = await people.process({ storage })
  }

  /** The path of the one temporary in the target; undefined when there is none. */
  function temporary(): string | undefined {
    const [name] = readdirSync(target).filter(isTemporaryName)
    return name === undefined ? undefined : join(target, name)
  }

  /** Starts a copy and kills the process in the middle of the file. → its temporary */
  async function killed(peer = ann): Promise<string> {
    for (let tries = 0; tries < 5; tries++) {
      await underWay(peer)
      await peer.kill()
      const left = temporary()
      if (left !== undefined && sizeOf(left) < SIZE - FETCHED_AHEAD) return left
      // This process was held up meanwhile, and the copy was not: once more.
      if (peer !== ann) break
      await start()
      peer = ann
      newTarget()
    }
    throw new Error('it was nearly done before it was killed')
  }

  async function underWay(peer = ann): Promise<void> {
    await peer.request('copy.start', { id, path: '/' as DrivePath, folder: target, job })
    await eventually('half of it is written', () => sizeOf(temporary()) > KILLED_AT, 20_000, 2)
  }

  async function finished(): Promise<void> {
    await ann.request('copy.wait', { job, timeout: 20_000 }, 60_000)
    assert.deepEqual(await compareTrees(source, target), [])
  }

  /** What the catalog has of unfinished files; the process must not run, or is stopped and started again. */
  async function partials(change?: (partial: PartialFile) => PartialFile): Promise<PartialFile[]> {
    const isRunning = ann.process.child.exitCode === null && ann.process.child.signalCode === null
    if (isRunning) await ann.kill()
    const catalog = await Catalog.open(dataFolderPaths(storage).catalog)
    const found: PartialFile[] = []
    for await (const [key, partial] of catalog.list('partial')) {
      found.push(partial)
      if (change !== undefined) await catalog.put('partial', key, change(partial))
    }
    await catalog.close()
    if (isRunning) await start()
    return found
  }

  it('go on inside the temporary, and what was written is not written again', async function () {
    if (process.platform !== 'linux') this.skip()
    const left = await killed()
    const before = birthOf(left)
    const [partial] = await partials()
    assert.ok(partial !== undefined && partial.written.bytes > 20 * MB)
    await start()
    const { pid } = ann.process
    await ann.request('copy.wait', { job, timeout: 20_000 }, 60_000)
    const written = Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
    assert.ok(written < SIZE - partial.written.bytes + 20 * MB, `${written} bytes were written`)
    assert.deepEqual(birthOf(join(target, 'large.bin')), before)
    await finished()
  })

  it('go on there also when the process ended in order', async () => {
    await underWay()
    await ann.stop()
    const before = birthOf(temporary() ?? '')
    await start()
    await finished()
    assert.deepEqual(await partials(), [])
    assert.deepEqual(birthOf(join(target, 'large.bin')), before)
  })

  it('are written anew after a loss of power', async () => {
    const left = await killed()
    const before = birthOf(left)
    await partials(partial => ({ ...partial, boot: 'another start of the machine' }))
    // Of what was written last nothing is certain: here it is zeros.
    const file = openSync(left, 'r+')
    writeSync(file, Buffer.alloc(MB), 0, MB, 20 * MB)
    closeSync(file)
    await start()
    await finished()
    assert.notDeepEqual(birthOf(join(target, 'large.bin')), before)
  })

  const REPLACED: Record<string, (left: string, victim: string) => void> = {
    'a link to a file outside': (left, victim) => {
      rmSync(left)
      symlinkSync(victim, left)
    },
    'a copy of itself with other bytes': left => {
      copyFileSync(left, `${left}.copy`)
      const file = openSync(`${left}.copy`, 'r+')
      writeSync(file, Buffer.alloc(MB), 0, MB, 20 * MB)
      closeSync(file)
      renameSync(`${left}.copy`, left)
    },
  }
  for (const [what, replace] of Object.entries(REPLACED)) {
    it(`whose temporary was replaced by ${what} are written anew, and nothing else is touched`, async () => {
      const victim = join(root, 'victim')
      writeFileSync(victim, 'mine')
      replace(await killed(), victim)
      await start()
      await finished()
      assert.equal(readFileSync(victim, 'utf8'), 'mine')
    })
  }

  it('that the share has in another version now are written anew', async () => {
    const before = birthOf(await killed())
    content = randomBytes(SIZE, 2)
    writeFileSync(join(source, 'large.bin'), content)
    // Nobody goes on with the old version.
    const catalog = await Catalog.open(dataFolderPaths(storage).catalog)
    await catalog.delete('copy', job)
    await catalog.close()
    await start()
    await ann.rescan(id)
    job = `job-${jobs++}`
    await ann.request('copy.start', { id, path: '/' as DrivePath, folder: target, job })
    await finished()
    assert.notDeepEqual(birthOf(join(target, 'large.bin')), before)
  })

  // Nobody has the rest, so that the copy is not done before it is cancelled.
  for (const [when, isListed] of Object.entries({ 'goes on': true, 'has the list of its files': false })) {
    it(`leave nothing behind when they are cancelled ${isListed ? 'after' : 'before'} the next process ${when}`, async () => {
      const storage = temporaryFolder('bob')
      const bob = await people.process({ storage })
      await bob.open(link, true)
      await killed(bob)
      if (!isListed) rmSync(dataFolderPaths(storage).store, { recursive: true })
      const again = await PeerProcess.start({ storage, bootstrap: NOBODY })
      try {
        const transfer = async () => (await again.state()).transfers[0]
        await eventually('it waits', async () => {
          const { status, bytes } = (await transfer()) ?? {}
          return status?.kind === 'paused' && bytes?.total === (isListed ? SIZE : undefined)
        })
        await again.request('transfer.cancel', { job })
        await eventually('the folder is empty', () => readdirSync(target).length === 0)
      } finally {
        await again.kill() // an end in order would wait for the network
      }
    })
  }
})

/** What tells a file from any other: an inode number alone is given again. */
function birthOf(path: string): { ino: number; birthtimeMs: number } {
  const { ino, birthtimeMs } = statSync(path)
  return { ino, birthtimeMs }
}

function sizeOf(path: string | undefined): number {
  return path === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
}
