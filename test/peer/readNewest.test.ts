/** What is read while its share goes on. */
import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import NoiseSecretStream, { type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import { absenceOf } from '../../src/peer/drive/absentBytes'
import { FILES } from '../../src/peer/drive/format/about'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import { readWhole } from '../../src/peer/drive/read'
import { readNewest } from '../../src/peer/drive/readNewest'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { clearBlocks } from '../../src/peer/hypercore/clearBlocks'
import { askWhatIsThere } from '../../src/peer/hypercore/haveUpdates'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { hears } from '../support/hears'

const PATH = '/file' as DrivePath
const READ = { timeout: 60_000 }

describe('a file that is superseded and cleared while it is read', () => {
  let own: ShareDrive
  let reader: ShareDrive
  let stop: () => Promise<void>

  beforeEach(async () => {
    const [stores, streams] = [[] as Corestore[], [] as { destroy(): unknown }[]]
    for (const name of ['own', 'reader']) stores.push(new Corestore(temporaryFolder(name)))
    const [here, there] = stores
    assert.ok(here && there)
    own = await ShareDrive.create(here, 'seed')
    await own.drive.put(PATH, Buffer.from('old'))
    reader = await ShareDrive.open(there, own.key)
    // All logs over one stream, as between peers.
    const [left, right] = duplexPair()
    const [a, b] = [noise(true, left), noise(false, right)]
    there.replicate(a)
    here.replicate(b)
    streams.push(a, b)
    await reader.paths.update({ wait: true })
    await reader.refresh()
    const bytes = [await reader.bytesReady(), await own.bytesReady()]
    await bytes[0]?.update({ wait: true })
    await clearBlocks(
      await own.bytesReady(),
      [{ start: 0, end: 1 }],
      new AbortController().signal,
      () => true,
    )
    stop = async () => {
      for (const stream of streams) stream.destroy()
      for (const store of stores) await store.close()
    }
  })
  afterEach(() => stop())

  it('is what the newest version has there, soon after that is known', async () => {
    const reading = readNewest(reader, newest, READ, (entry, options) => readWhole(reader, entry, options))
    await own.drive.put(PATH, Buffer.from('the newest'))
    await hears(reader.paths, own.paths)
    await reader.refresh()
    assert.equal(String(await reading), 'the newest')
  })

  it('is an error when the newest version has nothing there', async () => {
    const reading = readNewest(reader, newest, READ, (entry, options) => readWhole(reader, entry, options))
    reading.catch(() => {}) // looked at below
    await own.drive.db.del(PATH, { keyEncoding: FILES })
    await hears(reader.paths, own.paths)
    await reader.refresh()
    await assert.rejects(reading, /nothing there/)
  })

  it('is waited for as long as the share still has it, and not once something else is in its place', async () => {
    const bytes = await reader.bytesReady()
    const entry = newest()
    await eventually('the publisher says what it has', () => absenceOf(reader, bytes, entry) !== undefined)
    assert.equal(absenceOf(reader, bytes, entry), 'nobody-has-them')
    await own.drive.put(PATH, Buffer.from('the newest'))
    await eventually('it is superseded', async () => {
      await hears(reader.paths, own.paths)
      await reader.refresh()
      return absenceOf(reader, bytes, entry) === 'superseded'
    })
    await eventually('the newest is there', () => absenceOf(reader, bytes, newest()) === undefined)
  })

  it('is told from what does not exist', async () => {
    const bytes = await reader.bytesReady()
    await own.drive.put('/other', Buffer.from('other'))
    const { length } = await own.bytesReady()
    const beyond = { blockOffset: length + 5, blockLength: 1, byteOffset: 9_999, byteLength: 7 }
    await own.drive.db.put(
      PATH,
      { executable: false, linkname: null, blob: beyond, metadata: null },
      { keyEncoding: FILES },
    )
    await hears(reader.paths, own.paths)
    await reader.refresh()
    for (const peer of bytes.peers) askWhatIsThere(bytes, peer)
    await eventually(
      'the publisher says how long its log is',
      () => absenceOf(reader, bytes, newest()) === 'do-not-exist',
    )
  })

  function newest(): DriveEntry {
    const entry = reader.version?.index.entry(PATH)
    if (entry === undefined) throw new Error('nothing there')
    return entry
  }
})

function noise(isInitiator: boolean, end: Duplex): NoiseStream {
  const stream: unknown = new NoiseSecretStream(isInitiator, end)
  return stream as NoiseStream
}
