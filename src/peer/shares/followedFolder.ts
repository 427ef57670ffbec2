/** The folder or file that a share is made from: watched, and published when something in it changed. */
import { toUserError } from '../../common/errors'
import type { PublishResult } from '../publish/version/publishResult'
import type { ChangedPaths } from '../publish/watch/burst'
import { SourceWatch } from '../publish/watch/sourceWatch'
import type { Transfer } from '../transfer'
import type { Appending, SourceChanges } from './appending'
import { afterLook } from './heldChoices'
import type { PublishedRecord } from './publishedRecord'
import { PublishLoop } from './publishLoop'
import type { PublishStatus } from './publishStatus'
import type { ServedShare } from './servedShare'

/** Files that are gone from where they were published are looked for again after this long (milliseconds). */
const LOST_AGAIN = 60_000

export interface FollowedFolderParts {
  readonly share: ServedShare
  readonly kept: PublishedRecord
  readonly status: PublishStatus
  readonly versions: Appending
  /** The log cannot be appended to any more. */
  readonly onLogLost: () => Promise<void>
}

export class FollowedFolder {
  /** What the last publish told. */
  last: PublishResult | undefined
  private readonly watch: SourceWatch
  private readonly loop: PublishLoop

  constructor(private readonly parts: FollowedFolderParts) {
    const { share, kept, status } = parts
    this.watch = new SourceWatch({
      onChange: changes => this.rescan(changes),
      onError: error => status.fail(error),
      log: share.context.log,
    })
    const isServed = () => share.replication !== undefined
    this.loop = new PublishLoop({
      publish: () => this.loop.withChanges(changes => this.publishChanges(share.signal, changes)),
      isServed,
      isOver: () => kept.now.lost === true,
      onPublished: () => {
        if (isServed()) status.set({ kind: 'sharing' })
      },
      onFailed: error => this.failed(error),
      signal: share.signal,
    })
  }

  get isWatched(): boolean {
    return this.watch.isOn
  }

  startWatching(): void {
    const { source, isFile } = this.parts.kept.now
    this.watch.start(source, isFile, this.last?.ignoredFolders ?? [])
  }

  stopWatching(): Promise<void> {
    return this.watch.stop()
  }

  /** See `PublishLoop`. */
  rescan(changes: ChangedPaths = 'rescan'): void {
    this.loop.rescan(changes)
  }

  /** See `PublishLoop`. */
  whenPublished(): Promise<void> {
    return this.loop.whenPublished()
  }

  /** Scans the whole folder and publishes it, shown as a transfer. Throws what stopped it. */
  publishAll(signal: AbortSignal, transfer: Transfer): Promise<PublishResult> {
    return this.loop.withChanges(({ named }) =>
      this.publishChanges(signal, { named, onlyNamed: false }, transfer),
    )
  }

  /** Neither watches nor looks any more until `startWatching`. */
  async rest(): Promise<void> {
    this.loop.lookAfter(undefined)
    await this.watch.stop()
  }

  private async publishChanges(
    signal: AbortSignal,
    changes: SourceChanges,
    transfer?: Transfer,
  ): Promise<PublishResult> {
    const { share, kept, status, versions } = this.parts
    const { boundaries } = kept.now
    const result = await versions.publish(signal, changes, transfer)
    this.last = result
    status.tellSecrets(kept.now.name, result)
    const remembered = afterLook(result, boundaries, kept.now)
    if (remembered !== undefined) await kept.save(remembered)
    this.watch.follow(result)
    this.loop.lookAfter(kept.now.once ? undefined : this.lookAfter(result))
    await this.watch.ignoreFolders(result.ignoredFolders)
    this.watch.followHardLinks(result.hardLinked)
    share.changed.emit()
    return result
  }

  /** Milliseconds after which something held may leave, or something lost may be there again. */
  private lookAfter({ lookAfter }: PublishResult): number | undefined {
    return this.parts.versions.hasLost ? Math.min(lookAfter ?? LOST_AGAIN, LOST_AGAIN) : lookAfter
  }

  /** Whether to try again later. */
  private async failed(error: unknown): Promise<boolean> {
    this.parts.status.fail(error)
    if (toUserError(error).code !== 'log-lost') return true
    await this.parts.onLogLost()
    return false
  }
}
