/**
 * Former versions of large files on a disk that clones files (XFS), mounted where the tests may do that (root on Linux):
 * they are there, cost nothing, and are what they were or are not there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { prepareXfs } from '../support/tools'
import { withPeople } from '../support/withPeople'

const DISK = 320_000_000
const LARGE = 24_000_000

attackGroup('clones of large files', () => {
  const people = withPeople()
  let disk: string
  let storage: string
  let source: string
  let large: string
  let ann: PeerProcess
  let id: ShareId
  let atFirst: number

  before(async function () {
    const xfs = await prepareXfs()
    if (xfs !== true) {
      console.log(`    ${xfs.reason}`)
      this.skip()
    }
    const folder = temporaryFolder('clones')
    const image = join(folder, 'image')
    disk = join(folder, 'disk')
    mkdirSync(disk)
    closeSync(openSync(image, 'w'))
    truncateSync(image, DISK)
    const made = spawnSync('/usr/sbin/mkfs.xfs', ['-q', '-m', 'reflink=1', image]).status === 0
    if (!made || spawnSync('mount', ['-o', 'loop', image, disk]).status !== 0) this.skip()
    storage = join(disk, 'ann')
    source = await makeTree(join(disk, 'source'), {
      'large.bin': randomBytes(LARGE, 1),
      'small.txt': 'small',
    })
    large = join(source, 'large.bin')
    ann = await start()
    atFirst = free()
    id = (await ann.share(source)).id
  })
  after(async () => {
    await ann?.stop()
    if (disk !== undefined) spawnSync('umount', ['-l', disk])
  })

  const start = () => people.process({ storage, grace: 1, hold: 0, keepVersions: true })
  const clones = () => join(dataFolderPaths(storage).format, 'clones')
  const names = () => (existsSync(join(clones(), id)) ? readdirSync(join(clones(), id)) : [])
  const free = () => {
    spawnSync('sync', ['-f', disk])
    return statfsSync(disk).bavail * statfsSync(disk).bsize
  }
  const version = async () => (await ann.state()).shares.find(share => share.id === id)?.version ?? 0
  const read = (at: number) => ann.read(id, '/large.bin', 15_000, at)
  const cloned = (count: number) => eventually('it is cloned', () => names().length === count)

  async function publish(seed: number): Promise<number> {
    writeFileSync(large, randomBytes(LARGE, seed))
    await ann.rescan(id)
    return version()
  }

  it('hold what was there before, after a kill as well, and cost nothing while nothing changes', async () => {
    await cloned(1)
    assert.ok(atFirst - free() < LARGE, `${atFirst - free()} bytes for a clone and a database`)
    const first = await version()
    const second = await publish(2)
    await cloned(2)
    assert.ok((await read(first)).equals(randomBytes(LARGE, 1)))
    await ann.kill()
    ann = await start()
    await eventually('it shares again', async () => (await version()) === second)
    assert.ok((await read(first)).equals(randomBytes(LARGE, 1)))
    assert.ok((await read(second)).equals(randomBytes(LARGE, 2)))
  })

  it('give nothing away when somebody writes into them', async () => {
    const last = await version()
    await publish(3)
    await cloned(3)
    for (const name of names()) {
      const file = openSync(join(clones(), id, name), 'r+')
      writeSync(file, Buffer.from('something else'), 0, 14, LARGE / 2)
      closeSync(file)
    }
    await assert.rejects(read(last), { code: 'not-kept' })
    assert.ok((await read(await version())).equals(randomBytes(LARGE, 3)))
  })

  it('go when their version is let go, and with the share', async () => {
    const last = await version()
    await publish(4)
    await eventually('the newest has a clone', async () => {
      await ann.rescan(id)
      return names().length > 1
    })
    await ann.request('versions.keep', { id, rule: { kind: 'none' } })
    await publish(5)
    await eventually('no former version has a clone', () => names().length <= 1)
    await assert.rejects(read(last), { code: 'not-kept' })
    await ann.request('share.remove', { id })
    await eventually('nothing is left', () => readdirSync(clones()).length === 0)
    rmSync(source, { recursive: true })
  })
})
