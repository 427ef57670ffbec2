/**
 * The two logs of a share on this machine and their place in the network: what publishing and following have in common.
 * It joins the network once, whichever of them needs it. Work that appends to its logs or clears them takes turns here.
 * Its parts are told what happens, and asked what they need of the logs.
 */
import type { ShareId } from '../../common/brand'
import type { VersionKeeping } from '../../common/keptVersions'
import type { Rates } from '../../common/model'
import { Signal } from '../../common/signal'
import type { ShareDrive } from '../drive/shareDrive'
import type { VersionChange } from '../drive/version'
import type { BlockRuns } from '../hypercore/blockRuns'
import { Clearing, type Named } from '../retention/clearing'
import { Past } from '../retention/past'
import type { PeerContext } from './context'
import { ShareReplication } from './replication'

/** What is done with a share: publishing it, or following it. */
export interface SharePart {
  /** Peers came or went, or the reason for nobody being there changed. */
  peersChanged(): void
  /** The path log got longer, by this machine or by peers. */
  appended(): void
  /** This many bytes came from peers. */
  came(bytes: number): void
  /** Two histories were signed with the key of one of the logs; Hypercore has closed it. */
  forked(): void
  /** Which former versions are kept. */
  readonly keeping: VersionKeeping
  /** Bytes that former versions may take at most, whatever `keeping` says. */
  readonly roomForPast: number
  /** What is in use besides what the newest version names; undefined while that is not known. */
  inUse(): Iterable<Named> | undefined
  /** All blocks but these are about to be cleared. */
  beforeClear(used: BlockRuns): void
  /** This many bytes were cleared. */
  cleared(bytes: number): Promise<void>
  /** Resolves when nothing of it is under way any more. Nothing is begun once the share is closing. */
  settle(): Promise<void>
  /** Notes that the logs are being deleted, so that the next start continues if this is cut off. */
  purging(): Promise<void>
  /** Forgets what is known of the share, its record last. */
  purged(): Promise<void>
}

export class ServedShare {
  /** Its state changed. */
  readonly changed = new Signal<void>()
  /** There is a newer version. */
  readonly updated = new Signal<VersionChange>()
  /** What kept former versions name. */
  readonly past: Past
  private readonly parts: SharePart[] = []
  private readonly closing = new AbortController()
  private readonly clearing: Clearing
  private joined: ShareReplication | undefined
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    readonly drive: ShareDrive,
    readonly context: PeerContext,
  ) {
    for (const signal of [drive.grew, this.updated]) signal.on(() => this.changed.emit())
    this.past = new Past(
      drive,
      () => this.parts[0]?.keeping ?? context.keeping,
      () => Math.min(...this.parts.map(({ roomForPast }) => roomForPast)),
      this.signal,
    )
    this.clearing = new Clearing({
      share: drive,
      past: this.past,
      grace: context.grace,
      entries: () => this.inUse(),
      inTurn: work => this.inTurn(work),
      beforeClear: used => {
        for (const part of this.parts) part.beforeClear(used)
      },
      onCleared: async bytes => {
        context.compaction.add(bytes)
        for (const part of this.parts) await part.cleared(bytes)
      },
      signal: this.signal,
      onError: error => this.told(error, 'clearing'),
    })
  }

  get id(): ShareId {
    return this.drive.id
  }

  /** Aborted when the share is closed. */
  get signal(): AbortSignal {
    return this.closing.signal
  }

  /** Undefined while it takes no part in the network. */
  get replication(): ShareReplication | undefined {
    return this.joined
  }

  /** Connected peers that know it. */
  get peers(): number {
    return this.joined?.peers ?? 0
  }

  get rates(): Rates {
    return this.joined?.rates ?? { down: 0, up: 0 }
  }

  /** Resolves when somebody who has it is connected, or may be. */
  async peerCame(signal: AbortSignal): Promise<void> {
    while (this.peers === 0) await this.changed.next(signal)
  }

  add(part: SharePart): void {
    this.parts.push(part)
  }

  /** Serves it, and asks for it. */
  join(): ShareReplication {
    if (this.joined !== undefined) return this.joined
    const joined = new ShareReplication(this.drive, this.context.network)
    this.joined = joined
    joined.changed.on(() => {
      this.changed.emit()
      for (const part of this.parts) part.peersChanged()
    })
    joined.moved.on(() => this.changed.emit())
    joined.appended.on(() => {
      for (const part of this.parts) part.appended()
    })
    joined.came.on(bytes => {
      for (const part of this.parts) part.came(bytes)
    })
    joined.forked.on(() => {
      for (const part of this.parts) part.forked()
    })
    return joined
  }

  leave(): void {
    this.joined?.leave()
    this.joined = undefined
    this.changed.emit()
  }

  /** Does the work when nothing else appends to the logs or clears them. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {}) // whoever asked for that one is told
    return done
  }

  /** Nothing is appended or cleared before this has resolved or rejected. */
  after(first: Promise<unknown>): void {
    this.turn = this.turn.then(() => first).catch(() => {}) // whoever made it was told
  }

  /** Resolves when nobody has a turn any more. */
  async turnsOver(): Promise<void> {
    await this.turn
  }

  /** To be called whenever there is a new version: what that superseded is cleared after the grace period. */
  clearSoon(): void {
    this.clearing.look()
  }

  async close(): Promise<void> {
    await this.end()
    await this.drive.close()
  }

  /** Deletes what is here of it. Cut off anywhere, it can be done again. */
  async purge(): Promise<void> {
    await this.end()
    for (const part of this.parts) await part.purging()
    await this.drive.purge()
    await this.context.bases.forgetAllOf(this.id)
    for (const part of this.parts) await part.purged()
  }

  /** Notes an error that stops nothing. */
  told(error: unknown, what: string): void {
    if (this.signal.aborted) return
    this.context.checkForDamage(error)
    this.context.log(`share ${this.id.slice(0, 6)}: ${what}: ${String(error)}`)
  }

  private async end(): Promise<void> {
    this.closing.abort()
    this.leave()
    for (const part of this.parts) await part.settle()
    await this.turn
    await this.clearing.settle()
  }

  private *named(all: readonly Iterable<Named>[]): Generator<Named> {
    for (const some of all) yield* some
  }

  private inUse(): Iterable<Named> | undefined {
    const all: Iterable<Named>[] = [this.context.bases.inUse(this.id, this.drive.bytes?.fork ?? 0)]
    for (const part of this.parts) {
      const some = part.inUse()
      if (some === undefined) return undefined
      all.push(some)
    }
    return this.named(all)
  }
}
