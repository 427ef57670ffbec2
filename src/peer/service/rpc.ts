/** What the peer answers: one handler for every request of the contract, each little more than a call. */

import { posix } from 'node:path'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { withoutRoot } from '../../common/format'
import type { FileEntry } from '../../common/model'
import type { Method, Params, Result } from '../../common/protocol'
import { beyondLimit, type Handlers } from '../../wire/connection'
import { LONGEST_MESSAGE } from '../../wire/frames'
import { withTrueSize } from '../drive/blockMap'
import type { ReadOptions } from '../drive/blocks'
import { findPaths } from '../drive/find'
import { absence, follow, type Nowhere, statAt } from '../drive/follow'
import type { DriveEntry } from '../drive/format/entry'
import { listFolder } from '../drive/listFolder'
import type { PathIndex } from '../drive/pathIndex'
import { readRange, readWhole } from '../drive/read'
import { readNewest } from '../drive/readNewest'
import { readPast } from '../drive/readPast'
import type { ShareDrive } from '../drive/shareDrive'
import type { Version } from '../drive/version'
import { unportable } from '../names/foretell'
import { previewFolder } from '../publish/scan/preview'
import { parseParams } from './params'
import type { PeerService } from './service'
import { VersionRequests, versionOf } from './versions'

type Answers = {
  readonly [M in Method]: (params: Params<M>, signal: AbortSignal) => Promise<Result<M>> | Result<M>
}

/** Bytes of an answer besides those of a file, rounded up. */
const AROUND_BYTES = 256

export interface RpcOptions {
  readonly service: PeerService
  readonly dataFolder: string
  readonly challenge: (params: Params<'challenge'>) => Result<'challenge'>
  readonly hello: (params: Params<'hello'>) => Result<'hello'>
  /** Throws when the client has not said hello yet. */
  readonly assertWelcome: () => void
  /**
   * Does work that gives the client a share to use. The client holds the share from the call of `hold` until it is
   * gone, not only when the work is done: another client may go meanwhile.
   */
  readonly holding: <T>(work: (hold: (id: ShareId) => void) => Promise<T>) => Promise<T>
  /** @param successor the version that takes over, if one does */
  readonly stop: (successor: string | undefined) => void
}

/** Handlers for one connection: parameters are checked, and nothing is answered before hello. */
export function handlersFor(options: RpcOptions): Handlers {
  const answers = answersOf(options)
  const checked = (method: Method) => async (params: unknown, signal: AbortSignal) => {
    if (method !== 'challenge' && method !== 'hello') options.assertWelcome()
    try {
      return await answer(answers, method, params, signal)
    } catch (error) {
      options.service.checkForDamage(error)
      throw options.service.explain(error)
    }
  }
  return Object.fromEntries(
    Object.keys(answers).map(method => [method, checked(method as Method)]),
  ) as Handlers
}

function answer<M extends Method>(
  answers: Answers,
  method: M,
  params: unknown,
  signal: AbortSignal,
): Promise<Result<M>> | Result<M> {
  return answers[method](parseParams(method, params), signal)
}

function answersOf({ service, dataFolder, challenge, hello, holding, stop }: RpcOptions): Answers {
  const { shares, folders, copies, live, transfers, settings } = service.parts
  const versions = new VersionRequests(shares)
  return {
    challenge,
    hello,
    'state.get': () => service.state,

    'share.preview': async ({ source, allow }, signal) => {
      const existing = await folders.ofSource(source)
      const preview = await previewFolder(source, { ignore: settings.ignore, allow, dataFolder, signal })
      return {
        files: preview.files,
        bytes: preview.bytes,
        skipped: preview.skipped,
        skippedCounts: counts(preview.skippedCounts),
        allLookedAt: preview.allLookedAt,
        ...unportable(preview.foretold),
        ...(existing === undefined ? {} : { existing: existing.id }),
      }
    },
    'share.add': ({ job, ...source }, signal) => holding(hold => folders.add(source, job, signal, hold)),
    'share.link': ({ id }) => {
      shares.publishing(id) // throws `unknown-share` for somebody else's
      return { link: shares.get(id).link }
    },
    'share.stop': async ({ id }) => done(await shares.publishing(id).stop()),
    'share.start': async ({ id }) => {
      const publishing = shares.publishing(id)
      publishing.assertNotLost()
      await publishing.choices.keep()
      return done(await publishing.startAgain())
    },
    'share.remove': async ({ id }) => done(await folders.remove(id)),
    'share.skipped': ({ id }) => {
      const { skipped, last } = shares.publishing(id)
      return { skipped, ...unportable(last?.foretold ?? []) }
    },
    'share.settle': async ({ id, kind, keep }) =>
      done(await shares.publishing(id).choices.decideHeld(kind, keep)),
    'share.told': async ({ id }) => done(await shares.publishing(id).choices.noteTold()),

    'open.add': ({ link, keep }) => holding(hold => service.openLink(link, keep, hold)),
    'open.link': ({ id }) => {
      shares.following(id) // throws `unknown-share` for one's own
      return { link: shares.get(id).link }
    },
    'open.stop': async ({ id }) => {
      const { served } = shares.get(id)
      await shares.following(id).save({ stopped: true })
      return done(served.leave())
    },
    'open.start': async ({ id }) => {
      const following = shares.following(id)
      await following.save({ stopped: false })
      return done(following.start())
    },
    'open.remove': async ({ id }) => done(await service.removeOpened(id)),
    'open.retry': ({ id }) => done(shares.following(id).retry()),
    'open.ready': ({ id, ...what }, signal) => shares.following(id).newest.ready(what, signal),

    'versions.list': (what, signal) => versions.list(what, signal),
    'versions.at': (what, signal) => versions.at(what, signal),
    'versions.diff': (what, signal) => versions.diff(what, signal),
    'versions.keeping': what => versions.keeping(what),
    'versions.keep': async what => done(await versions.keep(what)),
    'versions.pin': async (what, signal) => done(await versions.pin(what, signal)),

    'fs.stat': async ({ id, path, version }, signal) => {
      const share = shares.get(id)
      const { drive } = share
      if (version !== undefined) return statIn(await versionOf(share, version, signal), path)
      const found = statAt(soFar(drive), path)
      if (found.kind === 'nowhere') throw unknownOrAbsent(drive, path, found)
      return found
    },
    'fs.list': async ({ id, timeout, soFar, version, ...part }, signal) => {
      const share = shares.get(id)
      if (version !== undefined) return listFolder((await versionOf(share, version, signal)).index, part)
      return share.list(part, timeout === undefined ? undefined : { timeout, soFar: soFar === true }, signal)
    },
    'fs.read': ({ limit, ...what }, signal) =>
      readFile(service, what, signal, (drive, entry, options, came) => {
        if (entry.size > limit) throw new PeerfoldError('too-large', `“${withoutRoot(what.path)}”`)
        assertFits(entry.size)
        return readWhole(drive, entry, { ...options, onBlock: came })
      }),
    'fs.readRange': ({ start, length, ...what }, signal) =>
      readFile(service, what, signal, async (drive, entry, options, came) => {
        assertFits(Math.min(length, entry.size - start))
        const parts: Buffer[] = []
        for await (const part of readRange(drive, entry, start, length, options)) {
          parts.push(part)
          came(part.length)
        }
        return Buffer.concat(parts)
      }),
    'fs.find': ({ id, query, limit }) => findPaths(indexOf(shares.get(id).drive), query, limit),

    'copy.start': async what => ({ job: await service.copy(what) }),
    'copy.wait': ({ job, timeout }, signal) => copies.wait(job, timeout, signal),
    'seed.wait': ({ id, job }, signal) => copies.seed(id, job, signal),
    'live.start': async what => ({ live: await live.start(what) }),
    'live.stop': async ({ live: id }) => done(await live.stop(id)),
    'live.pause': async ({ live: id }) => done(await live.get(id).pause()),
    'live.resume': async ({ live: id }) => done(await live.get(id).resume()),
    'live.select': async ({ live: id, only }) => done(await live.get(id).select(only)),
    'live.answer': ({ live: id, question, answer }) => done(live.get(id).answer(question, answer)),
    'live.conflicts': ({ live: id }) => live.get(id).listConflicts(),
    'live.resolve': async ({ live: id, path, take }) => done(await live.get(id).resolve(path, take)),
    'conflict.about': conflict => live.merges.about(conflict),
    'conflict.merge': async conflict => ({ markers: await live.merges.merge(conflict) }),
    'live.bringBack': async ({ live: id }) => done(await live.get(id).bringBack()),
    'kept.list': () => live.keptFiles,
    'kept.restore': async ({ kept }) => ({ path: await live.kept.restore(kept) }),
    'transfer.cancel': ({ job }) => done(transfers.cancel(job)),
    'transfer.retry': async ({ job }) => done(await copies.retry(job)),
    'transfer.clear': async () => done(await copies.clear()),

    'peer.block': async ({ peer: id }) => done(await service.block(id)),
    'peer.unblock': async ({ peer: id }) => done(await service.unblock(id)),
    'settings.set': async change => done(await service.set(change)),
    'process.stop': ({ successor }) => done(stop(successor)),
  }
}

/** Reads a file of the newest version that is known. If a newer one comes meanwhile, its file is read instead. */
async function readFile<T>(
  service: PeerService,
  { id, path, timeout, job, version }: Pick<Params<'fs.read'>, 'id' | 'path' | 'timeout' | 'job' | 'version'>,
  asked: AbortSignal,
  read: (
    drive: ShareDrive,
    entry: DriveEntry,
    options: ReadOptions,
    came: (bytes: number) => void,
  ) => Promise<T>,
): Promise<T> {
  const share = service.parts.shares.get(id)
  const { drive } = share
  const assertRoom = () => service.assertRoom()
  if (version !== undefined) {
    const { index } = await versionOf(share, version, asked)
    const entry = fileIn(index, path)
    const file = { share: id, name: posix.basename(path), size: entry.size }
    return service.parts.reads.during(job, file, asked, (signal, came) =>
      readPast(drive, entry, { timeout, signal, assertRoom }, async now =>
        read(drive, await withTrueSize(drive, entry, now), now, came),
      ),
    )
  }
  await share.freshen(asked)
  const { size } = fileOf(drive, path)
  return service.parts.reads.during(
    job,
    { share: id, name: posix.basename(path), size },
    asked,
    (signal, came) =>
      readNewest(
        drive,
        () => fileOf(drive, path),
        { timeout, signal, assertRoom },
        async (found, now) => read(drive, await withTrueSize(drive, found, now), now, came),
      ),
  )
}

/** To be called before bytes are fetched. Throws `message-too-large` when this many do not fit into an answer. */
function assertFits(bytes: number): void {
  if (bytes > LONGEST_MESSAGE - AROUND_BYTES) throw beyondLimit(bytes, LONGEST_MESSAGE)
}

/** Nothing to say but that it is done. */
function done(_: unknown): null {
  return null
}

/** The index of what is known here. Unknown is not absent: without one, the answer is `not-listed`. */
function indexOf(drive: ShareDrive): PathIndex {
  if (drive.version === undefined) throw new PeerfoldError('not-listed')
  return drive.version.index
}

/** The index, or the part of it that is here so far: what it has is there, and what it lacks may come. */
function soFar(drive: ShareDrive): PathIndex {
  return drive.version?.index ?? drive.coming?.index ?? indexOf(drive)
}

function unknownOrAbsent(drive: ShareDrive, path: DrivePath, found: Nowhere): PeerfoldError {
  const mayCome = drive.version === undefined && found.why === 'missing'
  return mayCome ? new PeerfoldError('not-listed') : absence(path, found)
}

function statIn({ index }: Version, path: DrivePath): FileEntry {
  const found = statAt(index, path)
  if (found.kind === 'nowhere') throw absence(path, found)
  return found
}

/** A file to read; a link leads to the file it names, inside the share. */
function fileOf(drive: ShareDrive, path: DrivePath): DriveEntry {
  return fileIn(soFar(drive), path, place => unknownOrAbsent(drive, path, place))
}

function fileIn(
  index: PathIndex,
  path: DrivePath,
  absent: (place: Nowhere) => PeerfoldError = place => absence(path, place),
): DriveEntry {
  const place = follow(index, path)
  if (place.kind === 'file') return place.entry
  // A file that a folder has the name of is not in the tree.
  const hidden = index.entry(path)
  if (hidden?.kind === 'file') return hidden
  if (place.kind === 'nowhere') throw absent(place)
  throw notAFile(index, path, place.path)
}

function notAFile(index: PathIndex, path: DrivePath, folder: DrivePath): PeerfoldError {
  const found = statAt(index, path)
  return found.kind === 'link' && found.pointsAt === undefined
    ? new PeerfoldError(
        'links-to-folder',
        `“${withoutRoot(path)}” is a link to the folder “${withoutRoot(folder)}”`,
      )
    : new PeerfoldError('is-a-folder', path)
}

function counts(partial: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(partial).map(([reason, count]) => [reason, count ?? 0]))
}
