/**
 * A sharer whose store is older than what readers have: the machine lost power before the last writes were on the
 * disk, or somebody put an older store back. Whatever happens then, each of its two logs keeps one history, the end of
 * it comes back from a reader, and new versions go on top of that. Where nobody has it, the user is told, and can share
 * the folder under a new link.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import NoiseSecretStream, { type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { ErrorCode } from '../../src/common/errors'
import { parseLink } from '../../src/common/link'
import type { ShareState } from '../../src/common/model'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { PeerProcess } from '../support/peerProcess'
import { peerfold, startPeerfold } from '../support/processes'

/** Nobody listens there. */
const NOBODY = '127.0.0.1:9'
/** Files of the first version that are others, or gone, in the second. */
const OLD = ['a.txt', 'gone.txt']

/** A folder shared by Ann in two versions; Bob has both, Ann's store was kept as it was at the first. */
class Accident {
  readonly source = temporaryFolder('source')
  readonly ann = temporaryFolder('ann')
  readonly bob = temporaryFolder('bob')
  readonly copy = temporaryFolder('copy')
  link = ''
  id = '' as ShareId
  /** What the logs were when Bob had all of them. */
  known: History = { paths: 0, bytes: 0, hashes: [] }
  private readonly kept = temporaryFolder('kept')
  private readonly aside = temporaryFolder('aside')
  private readonly running: PeerProcess[] = []

  constructor(readonly bootstrap: string) {}

  async start(storage: string, bootstrap = this.bootstrap): Promise<PeerProcess> {
    const peer = await PeerProcess.start({ storage, bootstrap })
    this.running.push(peer)
    return peer
  }

  async end(): Promise<void> {
    for (const peer of this.running.splice(0)) await peer.stop()
  }

  /** → Bob's peer process. @param bobHas what he fetches of the second version */
  async prepare(bobHas: 'all' | 'a.txt' | 'nothing' = 'all'): Promise<PeerProcess> {
    await makeTree(this.source, { 'a.txt': 'one', 'gone.txt': 'gone', 'b.bin': randomBytes(300_000, 1) })
    const first = await this.start(this.ann)
    const shared = await first.share(this.source)
    this.link = shared.link
    this.id = shared.id
    // What a kill would leave at this moment.
    first.process.kill('SIGSTOP')
    await eventually('it stands still', () => isStopped(first.process.pid), 5_000, 5)
    for (const part of ['store/db', 'catalog'])
      cpSync(join(dataFolderPaths(this.ann).format, part), join(this.kept, part), { recursive: true })
    first.process.kill('SIGCONT')

    for (const name of OLD) renameSync(join(this.source, name), join(this.aside, name))
    await makeTree(this.source, { 'a.txt': 'two', 'new.bin': randomBytes(700_000, 2) })
    const bob = await this.start(this.bob)
    await bob.open(this.link, true)
    await published(first, this.source, this.id)
    if (bobHas === 'all') await this.copied(bob)
    const newest = await versionAt(first, this.id)
    await eventually('Bob knows the newest version', async () => (await versionAt(bob, this.id)) === newest)
    if (bobHas === 'a.txt')
      await bob.request('fs.read', { id: this.id, path: '/a.txt' as DrivePath, limit: 100, timeout: 9_000 })
    await first.kill()
    this.known = await historyOf(this.ann, this.link)
    return bob
  }

  /** Ann's data folder is what it was, in part or whole. */
  async putBack(parts: readonly ('store/db' | 'catalog')[], isAnotherStart: boolean): Promise<void> {
    for (const part of parts) {
      rmSync(join(dataFolderPaths(this.ann).format, part), { recursive: true })
      cpSync(join(this.kept, part), join(dataFolderPaths(this.ann).format, part), { recursive: true })
    }
    if (!isAnotherStart) return
    const catalog = await Catalog.open(dataFolderPaths(this.ann).catalog)
    await catalog.put('run', '', { boot: 'a start before this one', endedInOrder: false })
    await catalog.close()
  }

  /** The folder is what it was, down to the times of its files. */
  putFolderBack(): void {
    for (const name of ['new.bin', 'mark.txt']) rmSync(join(this.source, name))
    for (const name of OLD) renameSync(join(this.aside, name), join(this.source, name))
  }

  async changeFolder(): Promise<void> {
    await makeTree(this.source, { 'a.txt': 'three', 'c.txt': 'new', 'd.bin': randomBytes(500_000, 3) })
  }

  /** Bob's copy has all that is in the folder; what is shared no more stays in a copy. */
  async copied(bob: PeerProcess): Promise<void> {
    let failure: unknown
    const isCopied = async () => {
      await bob.copy(this.id, this.copy, 2_000).catch(error => {
        failure = error // asked again
      })
      const differences = await compareTrees(this.source, this.copy)
      return differences.every(difference => difference.includes(`is only in ${this.copy}`))
    }
    await eventually('Bob has the folder', isCopied).catch(async error => {
      const said = this.running.map(({ process }) => process.stdout.join('\n'))
      throw new Error([`${error}`, `${failure}`, ...said, JSON.stringify(await bob.state())].join('\n\n'))
    })
  }

  /** Nothing that Bob knew was ever replaced, and both have the same logs now. */
  async assertOneHistory(): Promise<void> {
    await this.end()
    const anns = await historyOf(this.ann, this.link, this.known)
    assert.ok(anns.paths > this.known.paths, 'nothing was published')
    assert.deepEqual(anns.hashes, this.known.hashes, 'what Bob knew was replaced')
    assert.deepEqual(await historyOf(this.bob, this.link), await historyOf(this.ann, this.link))
  }
}

attackGroup('lost writes', () => {
  let dht: LocalDht
  const begin: (() => void)[] = []

  before(async () => {
    dht = await startLocalDht()
    for (const start of begin) start()
  })
  after(() => dht.stop())

  /** All of them happen at once: most of their time is waiting. */
  function accident(title: string, happen: (accident: Accident) => Promise<void>): void {
    let happened: Promise<void>
    begin.push(() => {
      const it = new Accident(dht.bootstrap)
      happened = happen(it).finally(() => it.end())
      happened.catch(() => {}) // rejects again below
    })
    it(title, async function () {
      this.timeout(120_000)
      await happened
    })
  }

  accident(
    'power was lost: the end of both logs comes back from a reader, and the next version goes on top',
    async accident => {
      const bob = await accident.prepare()
      await accident.putBack(['store/db', 'catalog'], true)
      await accident.changeFolder()
      const ann = await accident.start(accident.ann)
      await published(ann, accident.source, accident.id)
      await accident.copied(bob)
      assert.equal((await ann.request('share.link', { id: accident.id })).link, accident.link)
      await accident.assertOneHistory()
    },
  )

  accident(
    'a store put back while the machine ran: a reader that has more stops the next publish, and gives it back',
    async accident => {
      const bob = await accident.prepare()
      await accident.putBack(['store/db', 'catalog'], false)
      // The folder is the old one too, so that nothing is published before Bob is there.
      accident.putFolderBack()
      const ann = await accident.start(accident.ann)
      await eventually('Bob is connected', async () => ((await shareOf(ann, accident.id))?.peers ?? 0) > 0)
      await accident.changeFolder()
      await published(ann, accident.source, accident.id)
      await accident.copied(bob)
      await accident.assertOneHistory()
    },
  )

  accident(
    'a catalog that knows more than the store: nothing is published before a reader comes, however late',
    async accident => {
      const bob = await accident.prepare()
      await bob.stop()
      await accident.putBack(['store/db'], false)
      await accident.changeFolder()
      const ann = await accident.start(accident.ann)
      await failed(ann, accident.id, 'log-behind')
      const version = await versionAt(ann, accident.id)
      await assert.rejects(ann.rescan(accident.id), { code: 'log-behind' })
      assert.equal(await versionAt(ann, accident.id), version, 'a second history was begun')
      const again = await accident.start(accident.bob)
      await published(ann, accident.source, accident.id)
      await accident.copied(again)
      await accident.assertOneHistory()
    },
  )

  accident(
    'a reader that has some of the bytes: the others are read from the folder again',
    async accident => {
      const bob = await accident.prepare('a.txt')
      await accident.putBack(['store/db', 'catalog'], true)
      const ann = await accident.start(accident.ann)
      await published(ann, accident.source, accident.id)
      await accident.copied(bob)
    },
  )

  accident(
    'a reader that has none of the bytes cannot prove how many there were: nothing is published',
    async accident => {
      await accident.prepare('nothing')
      await accident.putBack(['store/db', 'catalog'], true)
      const ann = await accident.start(accident.ann)
      await failed(ann, accident.id, 'log-behind')
      await assert.rejects(ann.rescan(accident.id), { code: 'log-behind' })
      await ann.stop()
      assert.ok((await historyOf(accident.ann, accident.link)).bytes < accident.known.bytes)
    },
  )

  accident(
    'bytes that reached a reader before any path named them are not replaced by others',
    async accident => {
      const bob = await accident.prepare()
      await bob.stop()
      // Ann appends the bytes of a file, Bob gets them, and all of it is lost before the path is appended.
      const before = temporaryFolder('before')
      cpSync(join(dataFolderPaths(accident.ann).store, 'db'), before, { recursive: true })
      await appendUnnamed(accident.ann, accident.bob, accident.link)
      rmSync(join(dataFolderPaths(accident.ann).store, 'db'), { recursive: true })
      cpSync(before, join(dataFolderPaths(accident.ann).store, 'db'), { recursive: true })
      await accident.changeFolder()
      accident.known = await historyOf(accident.bob, accident.link)
      const again = await accident.start(accident.bob)
      await accident.putBack([], true)
      const ann = await accident.start(accident.ann)
      await published(ann, accident.source, accident.id)
      await accident.copied(again)
      await accident.assertOneHistory()
    },
  )

  accident(
    'without a network nothing is published after a loss of power, and the user is told why',
    async accident => {
      await accident.prepare()
      await accident.putBack(['store/db', 'catalog'], true)
      await accident.changeFolder()
      const ann = await accident.start(accident.ann, NOBODY)
      const version = await versionAt(ann, accident.id)
      await failed(ann, accident.id, 'log-unchecked')
      assert.equal(await versionAt(ann, accident.id), version)
      assert.match(ann.notices[0]?.message ?? '', /machine went down .* published when Peerfold is online/)

      // A command that waits for the same ends with its client, and lets the process end.
      const sharing = ann.share(accident.source)
      await eventually('the command waits', async () => (await ann.state()).transfers.length > 0)
      await ann.request('transfer.cancel', { job: (await ann.state()).transfers[0]?.id ?? '' })
      await assert.rejects(sharing, { code: 'cancelled' })
    },
  )

  accident(
    'a share that is not followed says that it could not ask anybody only until it has asked',
    async accident => {
      await makeTree(accident.source, { 'a.txt': 'one' })
      const { bootstrap, stop } = await startLocalDht()
      const first = await accident.start(accident.ann, bootstrap)
      const { source } = accident
      const params = { source, isPublic: false, once: true, keep: true, allow: [], job: 'once' }
      const { id } = await first.request('share.add', params)
      await first.kill()
      await stop()
      await accident.putBack([], true)
      const ann = await accident.start(accident.ann, bootstrap)
      await failed(ann, id, 'log-unchecked')
      const later = await startLocalDht({ port: Number(bootstrap.split(':')[1]) })
      const isShared = async () => (await shareOf(ann, id))?.status.kind === 'sharing'
      await eventually('it is shared', isShared, 30_000).finally(() => later.stop())
    },
  )

  accident('where nobody has what is missing, the folder can be shared under a new link', async accident => {
    const bob = await accident.prepare()
    await bob.stop()
    await accident.putBack(['store/db'], false)
    await accident.changeFolder()
    const options = { storage: accident.ann, bootstrap: dht.bootstrap }
    const refused = await peerfold(['share', accident.source], options)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr.join('\n'), /remove the share and share the folder again.*--new-link/)

    const command = startPeerfold(['share', accident.source, '--new-link'], options)
    const link = await command.line(line => line.startsWith('vscode:'), { timeout: 20_000 })
    assert.notEqual(link, accident.link)
    const target = temporaryFolder('target')
    const got = await peerfold(['get', link, target], {
      storage: temporaryFolder('eve'),
      bootstrap: dht.bootstrap,
    })
    assert.equal(got.code, 0, got.stderr.join('\n'))
    assert.deepEqual(await compareTrees(accident.source, target), [])
    command.kill('SIGINT')
    await command.ended
  })
})
/** Whether a process got SIGSTOP and rests. */
function isStopped(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim().startsWith('T')
}

/** Resolves when the folder as it is now is published. */
async function published(peer: PeerProcess, source: string, id: ShareId): Promise<void> {
  const wanted = String(Math.random())
  writeFileSync(join(source, 'mark.txt'), wanted)
  const path = '/mark.txt' as never
  const text = async () =>
    Buffer.from(await peer.request('fs.read', { id, path, limit: 100, timeout: 1_000 })).toString()
  await eventually(
    'the folder is published',
    async () =>
      (await text().catch(() => '')) === wanted && (await shareOf(peer, id))?.status.kind === 'sharing',
    30_000,
  )
}

async function failed(peer: PeerProcess, id: ShareId, code: ErrorCode): Promise<void> {
  await eventually(`the share says ${code}`, async () => {
    const status = (await shareOf(peer, id))?.status
    return status?.kind === 'failed' && status.error.code === code
  })
}

async function shareOf(peer: PeerProcess, id: ShareId): Promise<ShareState | undefined> {
  return (await peer.state()).shares.find(share => share.id === id)
}

async function versionAt(peer: PeerProcess, id: ShareId): Promise<number | undefined> {
  const { shares, opened } = await peer.state()
  const own = shares.find(share => share.id === id)
  return own?.version ?? opened.find(share => share.id === id)?.contents?.version
}

interface History {
  readonly paths: number
  readonly bytes: number
  /** Of both logs. */
  readonly hashes: readonly string[]
}

/** What both logs are in a store that nobody uses, or were at the lengths of `at`. */
async function historyOf(storage: string, link: string, at?: History): Promise<History> {
  return withDrive(storage, link, async (paths, bytes) => ({
    paths: paths.length,
    bytes: bytes.length,
    hashes: [
      (await paths.treeHash(at?.paths ?? paths.length)).toString('hex'),
      (await bytes.treeHash(at?.bytes ?? bytes.length)).toString('hex'),
    ],
  }))
}

async function withDrive<T>(
  storage: string,
  link: string,
  use: (paths: Hypercore, bytes: Hypercore, store: Corestore) => Promise<T>,
): Promise<T> {
  const parsed = parseLink(link)
  assert.ok(parsed.ok)
  const { key, encryptionKey } = parsed.link
  const store = new Corestore(dataFolderPaths(storage).store)
  try {
    await store.ready()
    const options = { encryptionKey: encryptionKey === undefined ? null : Buffer.from(encryptionKey, 'hex') }
    const drive = new Hyperdrive(store.session(), Buffer.from(key, 'hex'), options)
    await drive.ready()
    return await use(drive.core, (await drive.getBlobs()).core, store)
  } finally {
    await store.close()
  }
}

/** Appends blocks to the log of bytes in one store, and has another one take them over. */
async function appendUnnamed(from: string, to: string, link: string): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepting = once(server, 'connection')
  const socket = connect(Number(Object(server.address()).port), '127.0.0.1')
  const [accepted] = await accepting
  try {
    await withDrive(from, link, (_paths, written, writer) =>
      withDrive(to, link, async (_, taken, taker) => {
        await written.append([Buffer.from('bytes that'), Buffer.from('no path names')])
        replicate(writer, true, socket)
        replicate(taker, false, accepted)
        await taken.get(written.length - 1, { timeout: 10_000 })
      }),
    )
  } finally {
    socket.destroy()
    server.close()
  }
}

function replicate(store: Corestore, isInitiator: boolean, socket: Socket): void {
  const stream: unknown = new NoiseSecretStream(isInitiator, socket)
  const noise = stream as NoiseStream
  noise.on('error', () => {}) // the other one ends first
  store.replicate(noise)
}
