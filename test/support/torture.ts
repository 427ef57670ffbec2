/**
 * Kills processes at random moments, and checks what is left each time: the peer process while it imports, follows a
 * folder, starts and ends; the peer process of a receiver while it copies; commands, and the peer process below them. A
 * test runs some kills. By hand, as many as you like:
 *
 *   npm run torture [kills] [seed]
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Corestore from 'corestore'
import type Hyperdrive from 'hyperdrive'
import { waitForEnd } from '../../src/client/ended'
import { parseLink } from '../../src/common/link'
import { parseAbout } from '../../src/peer/drive/format/about'
import { parseBlock } from '../../src/peer/drive/format/pathBlock'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { keepPieces } from '../../src/peer/hypercore/pieces'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { SharedFiles } from '../../src/peer/publish/version/inPlace/sharedFiles'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { readEndpoint } from '../../src/wire/endpoint'
import { compareTrees, randomBytes, temporaryFolder } from './folders'
import { startLocalDht } from './localDht'
import { PeerProcess, startPeerProgram } from './peerProcess'
import { peerfold, startPeerfold } from './processes'

/** A bootstrap node that does not exist, for peers that need nobody. */
const NOBODY = '127.0.0.1:9'
const FILES = 48
const SMALL = 3_000
/** Bytes of a file whose content stays in the shared folder alone. */
const LARGE = 1_500_000

export interface Torture {
  readonly kills: number
  readonly seed: number
  readonly log: (line: string) => void
}

/** Kills the publisher: in the first import, while it follows the folder, while it starts and while it ends. */
export async function killPublishers({ kills, seed, log }: Torture): Promise<void> {
  const random = randomFrom(seed)
  const tree = new ChangingTree(temporaryFolder('published'), random)
  const storage = temporaryFolder('publisher')
  const whole = new WholeVersions(storage, tree)
  let link: string | undefined
  // In the second half superseded bytes are not kept, so that kills meet clearing. Only the newest version is whole then.
  const clears = (kill: number) => kill >= kills / 2
  const optionsOf = (kill: number) => ({
    storage,
    bootstrap: NOBODY,
    tcp: false,
    ...(clears(kill) ? { grace: 0.05 } : {}),
  })
  for (let kill = 0; kill < kills; kill++) {
    const options = optionsOf(kill)
    if (link === undefined) {
      const peer = await PeerProcess.start(options)
      const sharing = peer.share(tree.folder, kill % 2 === 0).then(
        added => added.link,
        () => undefined, // killed before it was done
      )
      await Promise.race([sharing, delay(kill < kills / 5 ? random() * 150 : 60_000)])
      await peer.kill()
      link = await sharing
    } else {
      tree.change()
      const peer = startPeerProgram(options)
      const isEnding = kill % 3 === 0
      const until = performance.now() + 100 + random() * 700
      while (performance.now() < until) {
        await delay(random() * 60)
        tree.change()
      }
      if (isEnding) {
        peer.kill('SIGTERM')
        await delay(random() * 40)
      }
      peer.kill('SIGKILL')
      await peer.ended
    }
    if (link !== undefined) await whole.check(link, !clears(kill))
  }
  const peer = await PeerProcess.start(optionsOf(kills))
  const again = await peer.share(tree.folder, link === undefined || isPublic(link))
  if (link !== undefined) assert.equal(again.link, link, 'the share is another one now')
  await peer.stop()
  await whole.check(again.link, false)
  assert.deepEqual(whole.newest, tree.paths())
  log(`${kills} kills of a publisher: each of ${whole.count} versions, read by a stock client, was whole`)
}

/** Kills whoever copies a folder that keeps changing. */
export async function killReceivers({ kills, seed, log }: Torture): Promise<void> {
  const random = randomFrom(seed)
  const dht = await startLocalDht()
  const tree = new ChangingTree(temporaryFolder('published'), random)
  const publisher = await PeerProcess.start({
    storage: temporaryFolder('publisher'),
    bootstrap: dht.bootstrap,
  })
  try {
    const { link } = await publisher.share(tree.folder)
    const byPeer = Math.ceil(kills / 2)
    await killPeersThatCopy(byPeer, dht.bootstrap, link, tree, random)
    await killCommands(kills - byPeer, dht.bootstrap, link, tree, random)
    log(`${kills} kills of receivers: every file was its old or its new content`)
  } finally {
    await publisher.stop()
    await dht.stop()
  }
}

async function killPeersThatCopy(
  kills: number,
  bootstrap: string,
  link: string,
  tree: ChangingTree,
  random: () => number,
): Promise<void> {
  const options = { storage: temporaryFolder('receiver'), bootstrap }
  const target = temporaryFolder('target')
  for (let kill = 0; kill < kills; kill++) {
    tree.change()
    const peer = await PeerProcess.start(options)
    const copying = copyInto(peer, link, target).catch(() => {}) // killed before it was done
    await delay(random() * 400)
    if (kill % 3 === 2) {
      peer.process.kill('SIGTERM')
      await delay(random() * 40)
    }
    await peer.kill()
    await copying
    tree.assertVersions(target)
  }
  const peer = await PeerProcess.start(options)
  await settled(tree, peer, link, target)
  await peer.stop()
}

async function killCommands(
  kills: number,
  bootstrap: string,
  link: string,
  tree: ChangingTree,
  random: () => number,
): Promise<void> {
  const options = { storage: temporaryFolder('command'), bootstrap }
  const target = temporaryFolder('target')
  for (let kill = 0; kill < kills; kill++) {
    tree.change()
    const command = startPeerfold(['get', link, target], options)
    await delay(150 + random() * 900)
    const below = await readEndpoint(options.storage)
    if (kill % 2 === 0 || below === undefined) command.kill('SIGKILL')
    else killProcess(below.pid)
    await command.stop()
    if (below !== undefined) await waitForEnd(below.pid, 20_000)
    tree.assertVersions(target)
  }
  const got = await peerfold(['get', link, target], options)
  assert.equal(got.code, 0, got.stderr.join('\n'))
  tree.assertVersions(target)
}

async function copyInto(peer: PeerProcess, link: string, target: string): Promise<void> {
  await peer.copy(await peer.open(link, true), target, 20_000)
}

/** Copies until the copy equals the folder, since the last change takes a moment to be published. */
async function settled(tree: ChangingTree, peer: PeerProcess, link: string, target: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; ) {
    await copyInto(peer, link, target)
    tree.assertVersions(target)
    const left = (await compareTrees(tree.folder, target)).filter(
      difference => !difference.includes('is only in'),
    )
    if (left.length === 0) break
    assert.ok(Date.now() < deadline, left.join('\n'))
    await delay(200)
  }
  const names = readdirSync(target, { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    names.filter(name => isTemporaryName(name.slice(name.lastIndexOf('/') + 1))),
    [],
  )
}

/**
 * Opens the store of a killed publisher with a stock client and reads all of each version that was published since the
 * last look, and of the newest. Within its grace period a publisher keeps the bytes of older versions too, so none may be
 * missing. After that, only the newest version is read. Large files are read as the publisher serves them, out of the
 * folder: their content is there while the file is as it was.
 */
class WholeVersions {
  /** How many versions were read. */
  count = 0
  /** Paths of the newest version. */
  newest: string[] = []
  /** Length of the path log at the last look. */
  private looked = 0

  constructor(
    private readonly storage: string,
    private readonly tree: ChangingTree,
  ) {}

  async check(link: string, isWithinGrace: boolean): Promise<void> {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const { key, encryptionKey } = parsed.link
    const store = new Corestore(dataFolderPaths(this.storage).store)
    await store.ready()
    try {
      const share = await ShareDrive.open(store, key, encryptionKey)
      const { signal } = new AbortController()
      if (share.paths.length > 0) keepPieces(await share.bytesReady())
      const files = new SharedFiles({ share, root: () => this.tree.folder, onLost: () => {}, signal })
      await this.readVersions(share.drive, isWithinGrace)
      files.close()
      await share.close()
    } finally {
      await store.close()
    }
  }

  private async readVersions(drive: Hyperdrive, isWithinGrace: boolean): Promise<void> {
    const versions: number[] = []
    for (let seq = this.looked; seq < drive.version; seq++) {
      const block = await drive.core.get(seq, { timeout: 2_000 })
      if (parseAbout(parseBlock(block)) !== undefined) versions.push(seq + 1) // the last block of a version
    }
    if (drive.version > 1)
      assert.ok(this.looked === drive.version || versions.at(-1) === drive.version, 'a part of a version')
    if (versions.length === 0) versions.push(drive.version)
    this.count += drive.version > this.looked ? versions.length : 0
    this.looked = drive.version
    const seen = new Set<string>()
    for (const version of isWithinGrace ? versions : versions.slice(-1)) {
      const checkout = drive.checkout(version)
      this.newest = []
      for await (const { key, value } of checkout.list('/')) {
        this.newest.push(key.slice(1))
        const content = `${key} ${value.blob?.byteOffset}`
        const isChanged = isLarge(key) && mtimeOf(value.metadata) !== mtimeIn(this.tree.folder, key)
        if (!seen.has(content) && !isChanged) await this.read(checkout, key, version)
        seen.add(content)
      }
      this.newest.sort()
      await checkout.close()
    }
  }

  private async read(drive: Hyperdrive, key: string, version: number): Promise<void> {
    const content = await drive.get(key, { timeout: 2_000 })
    assert.ok(content !== null, `${key} of version ${version} is not there`)
    this.tree.assertVersion(key.slice(1), content)
  }
}

function mtimeOf(metadata: unknown): unknown {
  return typeof metadata === 'object' && metadata !== null && 'mtime' in metadata ? metadata.mtime : undefined
}

function mtimeIn(folder: string, path: string): number {
  return Math.floor(statSync(join(folder, path)).mtimeMs)
}

function isPublic(link: string): boolean {
  const parsed = parseLink(link)
  return parsed.ok && parsed.link.encryptionKey === undefined
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it ended by itself
  }
}

/** A folder whose files say of themselves which file and version they are, so that half a file shows. */
export class ChangingTree {
  private versions = new Map<string, number>()

  constructor(
    readonly folder: string,
    private readonly random: () => number,
  ) {
    for (let file = 0; file < FILES; file++) this.write(`folder ${file % 7}/file ${file}.bin`)
  }

  /** Gives some files their next version, each at once. */
  change(): void {
    const paths = this.paths()
    for (let count = 1 + this.random() * 3; count > 0; count--) {
      const path = paths[Math.floor(this.random() * paths.length)]
      if (path !== undefined) this.write(path)
    }
  }

  paths(): string[] {
    return [...this.versions.keys()].sort()
  }

  assertVersions(folder: string): void {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const inside = relative(folder, path)
      // Leaves out what lies in a temporary folder, too: a probe of the file system that was cut off, and is swept later.
      if (!entry.isFile() || inside.split(sep).some(isTemporaryName)) continue
      this.assertVersion(inside, readFileSync(path))
    }
  }

  assertVersion(path: string, content: Uint8Array): void {
    assert.ok(this.versions.has(path), `${path} is not of the share`)
    const version = Buffer.from(content.buffer, content.byteOffset).readUInt32BE(0)
    assert.ok(version <= (this.versions.get(path) ?? -1), `${path} has version ${version}`)
    assert.ok(Buffer.compare(content, contentOf(path, version)) === 0, `${path} is no whole version`)
  }

  private write(path: string): void {
    const version = (this.versions.get(path) ?? 0) + 1
    const place = join(this.folder, path)
    mkdirSync(join(place, '..'), { recursive: true })
    const aside = join(this.folder, '..', `${process.pid}-${Math.random()}`)
    writeFileSync(aside, contentOf(path, version))
    this.versions.set(path, version)
    renameSync(aside, place)
    rmSync(aside, { force: true })
  }
}

function isLarge(path: string): boolean {
  return path.endsWith('7.bin')
}

function contentOf(path: string, version: number): Buffer {
  const seed = version * 1_000 + path.length * 7 + (path.charCodeAt(path.length - 5) ?? 0)
  const content = Buffer.from(randomBytes(isLarge(path) ? LARGE : SMALL + (seed % 500), seed))
  content.writeUInt32BE(version, 0)
  return content
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function main(kills: number, seed: number): Promise<void> {
  const log = (line: string) => console.log(line)
  log(`${kills} kills, seed ${seed}`)
  for (let done = 0; done < kills; done += 100) {
    const round = { kills: Math.min(50, (kills - done) / 2), log }
    await killPublishers({ ...round, kills: Math.ceil(round.kills), seed: seed + done })
    await killReceivers({ ...round, kills: Math.floor(round.kills), seed: seed + done })
  }
}

if (require.main === module) {
  const [kills = '1000', seed = String(Date.now() & 0x7fffffff)] = process.argv.slice(2)
  main(Number(kills), Number(seed)).catch(error => {
    console.error(error)
    process.exitCode = 1
  })
}
