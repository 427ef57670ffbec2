/**
 * Reads from a former version. Content that nobody keeps any more is not waited for. In an own share it is here or
 * nowhere. In an opened share it counts as not kept when connected peers have said that they have none of it. They
 * are asked again for a moment first, since they may only just have connected. While no peer is connected, it
 * counts as out of reach.
 */
import { PeerfoldError } from '../../common/errors'
import { askAgain } from '../hypercore/haveUpdates'
import { delay } from '../time'
import { isOther } from './absentBytes'
import { inOurWords, type ReadOptions } from './blocks'
import type { DriveEntry } from './format/entry'
import { BlockMissing, endOfVersion, WorkBudget } from './pastVersions'
import type { ShareDrive } from './shareDrive'
import type { Version } from './version'

/** How long connected peers have (milliseconds) to say what they have. */
const SAID_WITHIN = 1_500
const LOOK_AGAIN = 300
/** Timeout for an own share (milliseconds): it has its bytes at once, or not at all. */
const OWN_TIMEOUT = 500

/** Throws `not-kept`, and as `read` does. */
export async function readPast<T>(
  share: ShareDrive,
  entry: DriveEntry,
  options: ReadOptions,
  read: (options: ReadOptions) => Promise<T>,
): Promise<T> {
  const patience = share.isOwn ? { timeout: OWN_TIMEOUT, timeoutAlone: OWN_TIMEOUT } : {}
  const begun = performance.now()
  for (;;) {
    const isSuperseded = () => isOther(share, entry)
    try {
      return await read({ ...options, ...patience, isSuperseded })
    } catch (error) {
      const isUnknown = error instanceof PeerfoldError && error.code === 'offline'
      if (!isUnknown || !isSuperseded()) throw error
      if (share.isOwn) throw new PeerfoldError('not-kept', entry.path)
      if ((share.bytes?.peers.length ?? 0) === 0) throw error
      if (performance.now() - begun > SAID_WITHIN) throw new PeerfoldError('not-kept', entry.path)
    }
    if (share.bytes !== undefined) askAgain(share.bytes)
    await delay(LOOK_AGAIN, options.signal)
  }
}

/**
 * The version that a length of the path log lies in. Throws `no-such-version`. Throws `version-not-here` or
 * `offline` where its list of files cannot be had now.
 */
export async function pastVersion(
  share: ShareDrive,
  version: number,
  timeout: number,
  signal: AbortSignal,
): Promise<Version> {
  if (version < 1 || version > share.paths.length) throw new PeerfoldError('no-such-version', `${version}`)
  const end = AbortSignal.timeout(timeout)
  const work = new WorkBudget(performance.now() + timeout)
  try {
    const length = await endOfVersion(share.paths, version, { timeout, signal, work })
    return await share.versionAt(length, AbortSignal.any([signal, end]))
  } catch (error) {
    throw signal.aborted ? error : outOfReach(error)
  }
}

/** Translates the error that kept a list of files from being read into one of the catalogue. */
export function outOfReach(error: unknown): unknown {
  const known = inOurWords(error, '/')
  const isCutOff = known instanceof PeerfoldError && known.code === 'cancelled'
  return isCutOff || error instanceof BlockMissing ? new PeerfoldError('version-not-here') : known
}
