/** Of a large file that changed a little, only what changed travels: the rest is taken from what the copy has there. */
import assert from 'node:assert/strict'
import { closeSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriveKey, DrivePath, ShareId } from '../../src/common/brand'
import { formatLink } from '../../src/common/link'
import type { TransferResult } from '../../src/common/model'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { StockClient } from '../support/stockClient'
import { withPeople } from '../support/withPeople'

const MEBIBYTE = 1024 * 1024
const SIZE = 13 * MEBIBYTE + 1_234
const FIRST: Buffer = Buffer.from(randomBytes(SIZE, 1))

describe('a large file that changed a little', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let source: string
  let copy: string
  let shared: ShareId | undefined
  let opened: ShareId

  before(async () => {
    ;[ann, bob] = await Promise.all([people.process({ hold: 0 }), people.process()])
  })
  afterEach(async () => {
    await bob.request('open.remove', { id: opened })
    if (shared !== undefined) await ann.request('share.remove', { id: shared })
    shared = undefined
  })

  const begin = async (isPublic = false) => {
    source = await makeTree(temporaryFolder('source'), { 'large.bin': FIRST, 'a.txt': 'a', 'b.txt': 'b' })
    copy = temporaryFolder('copy')
    const { id, link } = await ann.share(source, isPublic)
    shared = id
    opened = await bob.open(link)
  }

  /** At once: a file that is published half written would be what changed next. */
  const write = (bytes: Buffer, name = 'large.bin') => {
    const beside = join(temporaryFolder('beside'), name)
    writeFileSync(beside, bytes)
    renameSync(beside, join(source, name))
  }

  /** Bob knows what the shared folder holds now. */
  const published = async () => {
    assert.ok(shared !== undefined)
    await ann.rescan(shared)
    await bob.request('open.ready', { id: opened, newest: true, timeout: 20_000 }, 30_000)
  }

  const update = async (): Promise<TransferResult> => {
    await published()
    return bob.copy(opened, copy)
  }

  it('costs the blocks in which it changed, wherever that is and whatever it moved', async () => {
    await begin()
    const { fetched } = await bob.copy(opened, copy)
    assert.ok(fetched >= SIZE)
    let bytes: Buffer = FIRST
    const more = (length: number, seed: number) => Buffer.from(randomBytes(length, seed))
    const edits: [what: string, blocks: number, edited: () => Buffer][] = [
      ['one byte', 1, () => changed(bytes, 7 * MEBIBYTE)],
      [
        'its first byte, its last, and what is appended',
        2,
        () => Buffer.concat([changed(changed(bytes, 0), bytes.length - 1), more(5_000, 2)]),
      ],
      ['it is cut off', 1, () => bytes.subarray(0, 12 * MEBIBYTE + 99)],
      ['a byte is put before it', 1, () => Buffer.concat([Buffer.of(7), bytes])],
      [
        'the start goes and something is appended',
        2,
        () => Buffer.concat([bytes.subarray(1_000_000), more(5_000, 3)]),
      ],
      [
        'something is put in at two places',
        3,
        () => {
          const [one, two] = [3_333_333, 9_999_999]
          return Buffer.concat([
            bytes.subarray(0, one),
            more(9, 4),
            bytes.subarray(one, two),
            more(33, 5),
            bytes.subarray(two),
          ])
        },
      ],
    ]
    for (const [what, blocks, edited] of edits) {
      bytes = edited()
      write(bytes)
      const { fetched: came, here = 0, bytes: all } = await update()
      assert.deepEqual(await compareTrees(source, copy), [], what)
      assert.ok(came < (blocks + 0.5) * MEBIBYTE, `${what}: ${came} bytes`)
      assert.equal(all, bytes.length + 2, what)
      assert.ok(here + came >= bytes.length, what)
    }
    assert.ok(bob.storeBytes() < 6 * MEBIBYTE, 'none of it is in the store as well')
  })

  it('is taken over where it is the same, and given to others, without a block of it being fetched', async () => {
    await begin()
    copy = await makeTree(temporaryFolder('copy'), { 'large.bin': FIRST })
    const { fetched, conflicts } = await bob.copy(opened, copy)
    assert.ok(fetched < MEBIBYTE / 2, `${fetched} bytes`)
    assert.deepEqual(conflicts, [])
    await ann.request('share.stop', { id: shared as ShareId })
    assert.ok((await bob.read(opened, '/large.bin')).equals(FIRST))
  })

  it('costs no more when it was renamed as well, or the share is public', async () => {
    await begin(true)
    await bob.copy(opened, copy)
    write(changed(FIRST, 7 * MEBIBYTE))
    renameSync(join(source, 'large.bin'), join(source, 'another.bin'))
    const { fetched } = await update()
    assert.ok(fetched < 1.5 * MEBIBYTE, `${fetched} bytes`)
    assert.deepEqual(await readFile(join(copy, 'another.bin')), changed(FIRST, 7 * MEBIBYTE))
  })

  it('is found in the version before that the copy of another client’s drive has', async () => {
    const stock = await StockClient.start(people.bootstrap)
    try {
      const drive = await stock.create()
      await drive.put('/large.bin', FIRST)
      copy = temporaryFolder('copy')
      opened = await bob.open(formatLink({ key: drive.key.toString('hex') as DriveKey, isFile: false }))
      await bob.copy(opened, copy)
      const bytes = changed(FIRST, 7 * MEBIBYTE)
      await drive.put('/large.bin', bytes)
      await eventually('the new one is known', async () => {
        const { fetched } = await bob.copy(opened, copy)
        const isNew = (await readFile(join(copy, 'large.bin'))).equals(bytes)
        if (isNew) assert.ok(fetched < MEBIBYTE / 4, `${fetched} bytes`)
        return isNew
      })
    } finally {
      await stock.close()
    }
  })

  it('is what the share says, whatever another program does to the copy meanwhile', async () => {
    await begin()
    await bob.copy(opened, copy)
    const bytes = changed(FIRST, 7 * MEBIBYTE)
    write(bytes)
    const file = openSync(join(copy, 'large.bin'), 'r+')
    let at = 0
    const scribble = setInterval(() => {
      for (let n = 0; n < 8; n++) {
        at = (at + 1_234_567) % SIZE
        writeSync(file, Buffer.of(n), 0, 1, at)
      }
    }, 1)
    try {
      await update()
    } finally {
      clearInterval(scribble)
      closeSync(file)
    }
    const names = await readdir(copy)
    const contents = await Promise.all(names.map(name => readFile(join(copy, name))))
    assert.ok(
      contents.some(content => content.equals(bytes)),
      'the incoming one is there, at its place or beside',
    )
    // Bob has it by now, and whatever he gives is the share’s.
    await ann.request('share.stop', { id: shared as ShareId })
    assert.ok((await bob.read(opened, '/large.bin')).equals(bytes))
  })

  it('costs a folder in sync no more, also when it was renamed', async () => {
    await begin()
    copy = await makeTree(temporaryFolder('live'), {})
    const { live } = await bob.request('live.start', {
      id: opened,
      path: '/' as DrivePath,
      folder: copy,
      keep: false,
    })
    const inSync = () =>
      eventually('the folder is in sync', async () => {
        const state = (await bob.state()).live?.find(({ id }) => id === live)
        return state?.status.kind === 'in-step' && (await compareTrees(source, copy)).length === 0
      })
    const came = async () => (await bob.state()).peers.reduce((sum, { downBytes }) => sum + downBytes, 0)
    await inSync()
    const before = await came()
    write(changed(FIRST, 7 * MEBIBYTE))
    await published()
    await inSync()
    rmSync(join(source, 'large.bin'))
    write(changed(FIRST, 5 * MEBIBYTE), 'another.bin')
    await published()
    await inSync()
    assert.ok((await came()) - before < 3.5 * MEBIBYTE, `${(await came()) - before} bytes`)
    await bob.request('live.stop', { live })
  })
})

function changed(bytes: Buffer, position: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[position] = (copy[position] ?? 0) ^ 1
  return copy
}
