/** What the peer process does when the catalog cannot be written for a moment. */
import assert from 'node:assert/strict'
import type { ShareId } from '../../src/common/brand'
import { PeerSettings } from '../../src/peer/service/settings'
import { StoreBudget } from '../../src/peer/store/budget'
import { Catalog } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

describe('a catalog that cannot be written once', () => {
  let catalog: Catalog
  const FULL = new Error('the disk is full')

  beforeEach(async () => {
    catalog = await Catalog.open(temporaryFolder('catalog'))
  })
  afterEach(() => catalog.close())

  it('takes a setting when it is sent again', async () => {
    const settings = new PeerSettings(catalog)
    const { put } = catalog
    catalog.put = () => Promise.reject(FULL)
    await assert.rejects(settings.set({ name: 'Ann' }), FULL)
    catalog.put = put
    assert.equal((await settings.set({ name: 'Ann' }))?.name, true)
    assert.deepEqual(await catalog.get('settings', ''), { name: 'Ann' })
    assert.equal(await settings.set({ name: 'Ann' }), undefined)
  })

  it('keeps settings that are sent at once', async () => {
    const settings = new PeerSettings(catalog)
    await Promise.all([settings.set({ name: 'Ann' }), settings.set({ directTcp: false })])
    assert.deepEqual([settings.name, settings.directTcp], ['Ann', false])
    assert.deepEqual(await catalog.get('settings', ''), { name: 'Ann', directTcp: false })
  })

  it('has the bytes that are kept of a share with the next note', async () => {
    const budget = new StoreBudget(
      catalog,
      () => 1_000,
      () => {},
    )
    budget.add('share' as ShareId, 7)
    const { write } = catalog
    catalog.write = () => Promise.reject(FULL)
    await assert.rejects(budget.close(), FULL)
    catalog.write = write
    await budget.close()
    assert.deepEqual(await catalog.get('kept', 'share'), { bytes: 7 })
  })
})
