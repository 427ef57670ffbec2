/** The index of paths follows the path log, whoever else has just asked for it. */
import assert from 'node:assert/strict'
import Corestore from 'corestore'
import { ABOUT, FILES } from '../../src/peer/drive/about'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { batchOn } from '../../src/peer/publish/firstPaths'
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
    assert.equal(share.index?.version, share.paths.length)
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
