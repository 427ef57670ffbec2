/** Waiting for the newest version of a share that others publish, or for as much of it as is asked for. */
import { PeerfoldError, type UserError } from '../../common/errors'
import { explainSearch } from '../../common/explain'
import { english } from '../../common/localizer'
import type { FileEntry, SearchReason, SilentPeer } from '../../common/model'
import { type FolderPart, listNewest, listSoFar } from '../drive/listFolder'
import { delay, throwIfAborted, unlessAborted } from '../time'
import { HEAR_WITHIN } from './hearing'
import type { ServedShare } from './servedShare'

/** Milliseconds to wait for a peer after the network was asked, while a version is known and nobody is connected. */
const PEERS_TELL = 1_500

/** What is known of the newest version. */
export interface Known {
  readonly version: number
  /** Nobody told what is newest. */
  readonly stale: boolean
  /** Peers that may know a newer one, and did not tell in time. */
  readonly silent: readonly SilentPeer[]
}

export class NewestKnown {
  /** When the path log got longer last, or was opened; milliseconds of `performance.now()`. */
  private grewAt = performance.now()

  /** @param failure what keeps it from being read */
  constructor(
    private readonly share: ServedShare,
    private readonly failure: () => UserError | undefined,
  ) {}

  /** To be called when the path log got longer. */
  grew(): void {
    this.grewAt = performance.now()
  }

  /** See `open.ready` in the protocol. */
  async ready(
    { newest, begun = false, timeout }: { newest: boolean; begun?: boolean; timeout: number },
    signal: AbortSignal,
  ): Promise<Known> {
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(), timeout)
    const either = AbortSignal.any([signal, end.signal, this.share.signal])
    let mayTellUntil: number | undefined
    try {
      for (;;) {
        this.assertReadable()
        const { version, coming } = this.share.drive
        const { length } = this.share.drive.paths
        const current = version !== undefined && version.length === length
        const { peers, replication } = this.share
        if (version !== undefined && !newest) return this.known(version.length)
        if (peers > 0) mayTellUntil ??= performance.now() + HEAR_WITHIN
        const isPending = replication?.hearing.isPending === true && performance.now() < (mayTellUntil ?? 0)
        if (peers > 0 && !isPending && begun && coming?.length === length) return this.known(length)
        if (peers > 0 && !isPending && current) return this.known(length)
        if (current && peers === 0) {
          if (await this.nobodyThere(either)) return this.known(version.length)
        } else if (isPending) await replication.hearing.next(either, this.share.changed)
        else await this.share.changed.next(either)
      }
    } catch (error) {
      if (!end.signal.aborted || signal.aborted) throw signal.aborted ? new PeerfoldError('cancelled') : error
      const { version } = this.share.drive
      if (version !== undefined) return { ...this.known(version.length), stale: true }
      throw new PeerfoldError('nobody-found', notFound(this.share.replication?.reason))
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Brings the index to the newest version that connected peers tell. Hearing of it and fetching it may take
   * `HEAR_WITHIN` each. Answers at once when it is here.
   */
  async freshen(signal: AbortSignal): Promise<Known> {
    const begun = performance.now()
    for (;;) {
      const { replication } = this.share
      const isDone = replication === undefined || this.failure() !== undefined || this.share.signal.aborted
      const isWaiting = !isDone && performance.now() - begun < HEAR_WITHIN && replication.hearing.isStarting
      if (isDone || !(isWaiting || this.isCatchingUp))
        return this.known(this.share.drive.version?.length ?? 0)
      try {
        await replication.hearing.next(AbortSignal.any([signal, this.share.signal]), this.share.changed)
      } catch {
        throwIfAborted(signal)
      }
    }
  }

  /**
   * Waits for a part of a folder that is on its way, or `soFar` for any of it. Throws as `listFolder`, and `not-listed`
   * after `timeout` ms.
   */
  async list(
    part: FolderPart,
    { timeout, soFar = false }: { timeout: number; soFar?: boolean },
    signal: AbortSignal,
  ): Promise<readonly FileEntry[]> {
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(), timeout)
    try {
      for (;;) {
        const children = soFar ? listSoFar(this.share.drive, part) : listNewest(this.share.drive, part)
        if (children !== undefined) return children
        this.assertReadable()
        await this.share.changed.next(AbortSignal.any([signal, end.signal, this.share.signal]))
      }
    } catch (error) {
      if (signal.aborted) throw new PeerfoldError('cancelled')
      throw end.signal.aborted ? new PeerfoldError('not-listed') : error
    } finally {
      clearTimeout(timer)
    }
  }

  /** The log became longer a moment ago, and the index follows. */
  private get isCatchingUp(): boolean {
    const { version, coming, paths } = this.share.drive
    if (version === undefined && coming !== undefined) return false // its first parts can be read already
    return (
      paths.length > 0 && version?.length !== paths.length && performance.now() - this.grewAt < HEAR_WITHIN
    )
  }

  private assertReadable(): void {
    const failure = this.failure()
    if (failure !== undefined) throw PeerfoldError.from(failure)
  }

  private known(version: number): Known {
    const hearing = this.share.replication?.hearing
    return { version, stale: hearing?.isHeard !== true, silent: hearing?.silent ?? [] }
  }

  /** Whether still nobody is connected once the network was asked; answers at once when somebody comes. */
  private async nobodyThere(signal: AbortSignal): Promise<boolean> {
    const end = new AbortController()
    const either = AbortSignal.any([signal, end.signal])
    const asked = (this.share.replication?.membership.asked ?? Promise.resolve()).then(() =>
      delay(PEERS_TELL, either),
    )
    try {
      await unlessAborted(Promise.race([asked, this.share.peerCame(either)]), signal)
    } finally {
      end.abort()
      asked.catch(() => {}) // ended because somebody came
    }
    return this.share.peers === 0
  }
}

/** Why nobody was found, and what to do. */
function notFound(why: SearchReason = 'just-started'): string {
  return why === 'just-started' ? 'The search had only begun: try again.' : explainSearch(why, english)
}
