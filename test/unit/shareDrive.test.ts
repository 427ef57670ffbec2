/** One share's two logs: their index of paths follows the path log, and they can be deleted whole. */
import assert from 'node:assert/strict'
import Corestore from 'corestore'
import { ABOUT, FILES } from '../../src/peer/drive/format/about'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { batchOn } from '../../src/peer/hypercore/firstPaths'
import { temporaryFolder } from '../support/folders'

describe('the index of a share', () => {
  let store: Corestore
  let share: ShareDrive

  beforeEach(async () => {
    store = new Corestore(temporaryFolder('store'))
    share = await ShareDrive.create(store, 'seed')
    const batch = await batchOn(share.drive.db, true)
    for (let n = 0; n < 3_000; n++) await batch.put(`/${n}`, {}, { keyEncoding: FILES })
    await batch.flush()
  })
  afterEach(() => store.close())

  it('is brought to the newest version also while it is being brought to an older one', async () => {
    const older = share.refresh()
    await share.drive.db.put('share', {}, { keyEncoding: ABOUT })
    const newer = await share.refresh()
    assert.equal(share.version?.length, share.paths.length)
    assert.equal(newer?.version, share.paths.length)
    assert.equal((await older)?.version, share.paths.length - 1)
  })

  it('is there for one who waits for it when another one has been cancelled', async () => {
    const cancelled = new AbortController()
    const first = share.refresh(cancelled.signal)
    const second = share.refresh()
    cancelled.abort()
    await assert.rejects(first, { code: 'cancelled' })
    assert.equal((await second)?.version, share.paths.length)
  })
})

describe('a share that is deleted', () => {
  let store: Corestore

  beforeEach(async () => {
    store = new Corestore(temporaryFolder('store'))
    await store.ready()
  })
  afterEach(() => store.close())

  /** Records of the store in which one of the logs' blocks lies. */
  const blocksLeft = async () => {
    let left = 0
    for await (const { value } of store.storage.db.iterator({})) if (value.includes('a block')) left++
    return left
  }

  const made = async () => {
    const share = await ShareDrive.create(store, 'seed')
    await share.paths.append([Buffer.from('a block of paths')])
    await (await share.bytesReady()).append([Buffer.from('a block of bytes')])
    assert.equal(await blocksLeft(), 2)
    return share
  }

  it('leaves none of its blocks in the store', async () => {
    const share = await made()
    await share.purge()
    assert.equal(await blocksLeft(), 0)
  })

  it('leaves none either after its logs were closed, as those with two histories are', async () => {
    const share = await made()
    for (const log of [share.paths, await share.bytesReady()]) {
      await log.core.closeAllSessions(new Error('two histories'))
      await log.core.close()
    }
    await share.purge()
    assert.equal(await blocksLeft(), 0)
  })
})
