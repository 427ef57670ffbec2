/**
 * One live copy: a folder that follows a share. It runs one step (step.ts) at a time, as soon as there is a newer
 * version. An obstacle is shown in its state, and looked at again until it is gone.
 */
import { basename, posix, relative, sep } from 'node:path'
import { PeerfoldError, toUserError } from '../../common/errors'
import type { LiveAnswer, LiveConflict, LiveCopyState, LiveQuestion, LiveStatus } from '../../common/model'
import type { LiveChange, Notifications } from '../../common/protocol'
import { Signal } from '../../common/signal'
import type { CopyOptions } from '../copy/options'
import { targetKey } from '../copy/plan'
import { Superseded } from '../copy/superseded'
import { takeOverCopy } from '../copy/takeOverCopy'
import { WriteError } from '../disk/writeErrors'
import type { CopiedFiles } from '../inPlace/copiedFiles'
import type { PeerContext } from '../shares/context'
import type { Share } from '../shares/share'
import type { Shares } from '../shares/shares'
import { BASE_BYTES } from '../store/bases'
import type { LiveRecord } from '../store/catalog'
import { delay } from '../time'
import { Transfer } from '../transfer'
import type { KeptFiles } from './keptFiles'
import { LiveConflicts } from './liveConflicts'
import { liveStatus, type Obstacle } from './liveStatus'
import { type Answer, Asked, describeQuestion } from './questions'
import { resolveConflict } from './resolving'
import { selectionOf } from './selection'
import { type Applied, type StepResult, step } from './step'
import { TRIED_AGAIN, Unwritten } from './unwritten'
import { describeWriteError } from './writeTrouble'

/** Pauses (milliseconds) before a failed step is tried again. The last one repeats. */
const RETRIES = [500, 1_000, 2_000, 5_000, 15_000]
/** Milliseconds between looks whether incoming files of conflicts still lie there. */
const LOOK_EVERY = 2_000
/** How long the largest number of files is remembered (milliseconds). */
const LATELY = 3_600_000
/** The most changes in one notification. */
const CHANGES_AT_ONCE = 1_000

export class LiveCopy {
  readonly changed = new Signal<void>()
  readonly did = new Signal<Notifications['live']>()
  private readonly poked = new Signal<void>()
  private readonly closing = new AbortController()
  private readonly stops: (() => void)[] = []
  private readonly conflicts: LiveConflicts
  private readonly deletedHere = new Set<string>()
  private readonly unwritten = new Unwritten()
  private readonly touched = new Set<string>()
  private readonly answers = new Map<LiveQuestion['kind'], Answer>()
  private changes: LiveChange[] = []
  private applied: Applied | undefined
  /**
   * The most files that were in step lately, and when (`performance.now()`). Reset when the user answered a
   * question about removals.
   */
  private most = { files: 0, at: 0 }
  private transfer: Transfer | undefined
  private obstacle: Obstacle | undefined
  private failures = 0
  /** How often a look at everything was asked for. */
  private looksAtAll = 0
  private isPoked = false
  /** The step only retries files that could not be written. */
  private isTryingAgain = false
  /** A step has looked at everything since the start. */
  private wasWhole = false
  private waitedFor: Share | undefined
  private turn: Promise<unknown> = Promise.resolve()
  private serving: Promise<void> = Promise.resolve()
  private running: Promise<void> | undefined

  constructor(
    public record: LiveRecord,
    /** It continues after the client that asked for it has gone. */
    public isKept: boolean,
    private readonly shares: Shares,
    private readonly context: PeerContext,
    private readonly kept: KeptFiles,
  ) {
    this.conflicts = new LiveConflicts(record.folder, context)
  }

  /** Begins to follow. */
  start(): void {
    if (this.running !== undefined) return
    this.stops.push(
      this.shares.updated.on(({ id }) => {
        if (id !== this.record.share) return
        // The step may wait for room or for bytes that the new version does not need.
        if (this.transfer?.status.kind === 'paused') this.transfer.abort.abort()
        this.poke()
      }),
      // A link with more rights than the one before opens the share again.
      this.shares.changed.on(() => {
        if (this.shares.find(this.record.share) !== this.waitedFor) this.transfer?.abort.abort()
      }),
    )
    // The user can end a conflict by deleting the incoming file, which causes no event.
    const looking = setInterval(() => {
      const before = this.conflicts.count
      if (before > 0 && this.conflicts.list().length < before) this.changed.emit()
    }, LOOK_EVERY).unref()
    this.stops.push(() => clearInterval(looking))
    this.running = this.follow().catch(error => this.context.log(`live copy: ${String(error)}`))
  }

  /** Resolves when all of its work has ended. */
  async close(): Promise<void> {
    this.closing.abort()
    for (const stop of this.stops.splice(0)) stop()
    this.transfer?.abort.abort()
    this.poke()
    await this.running
    await this.turn
    await this.serving
  }

  async keep(): Promise<void> {
    this.isKept = true
    await this.save({})
  }

  async select(only: readonly string[] | undefined): Promise<void> {
    const { only: _, ...record } = this.record
    this.record = record
    this.most = { files: 0, at: 0 }
    await this.save(only === undefined ? {} : { only })
    this.transfer?.abort.abort()
    this.lookAtAll()
  }

  async pause(): Promise<void> {
    await this.save({ paused: true })
    this.transfer?.abort.abort()
    this.poke()
  }

  async resume(): Promise<void> {
    await this.save({ paused: false })
    this.lookAtAll()
  }

  answer(question: LiveQuestion['kind'], answer: LiveAnswer): void {
    if (this.obstacle?.kind !== 'asking' || this.obstacle.question.kind !== question) return
    this.answers.set(question, { question: this.obstacle.question, answer })
    if (question === 'emptied') this.applied = undefined
    this.poke()
  }

  /** Writes files that were deleted here again. */
  bringBack(): Promise<void> {
    return this.inTurn(async () => {
      const { catalog } = this.context
      const { target } = this
      const deleted = [...this.deletedHere].map(path => target + path)
      await catalog.write(deleted.map(key => ({ table: 'copied', key, value: undefined })))
      this.deletedHere.clear()
      this.lookAtAll()
    })
  }

  /** See `targetKey`. Throws `target-vanished`. */
  private get target(): string {
    const { folder } = this.record
    try {
      return targetKey(this.share.id, folder, this.share.drive.bytes?.fork ?? 0)
    } catch {
      throw new PeerfoldError('target-vanished', folder)
    }
  }

  private get share(): Share {
    return this.shares.get(this.record.share)
  }

  /** See `live.resolve`. */
  resolve(path: string, take: 'mine' | 'theirs'): Promise<void> {
    return this.inTurn(async () => {
      const place = `/${relative(this.record.folder, path).split(sep).join('/')}`
      if (!this.conflicts.has(place)) throw new PeerfoldError('no-conflict', path)
      const { target, kept } = this
      await resolveConflict({ ...this.copyOptions(this.newTransfer()), target, place, take, kept })
      this.conflicts.forget(place)
      this.changed.emit()
    })
  }

  /** A conflict was merged, or its file has no markers any more. */
  conflictChanged(place: string, isOver: boolean): void {
    if (isOver) this.conflicts.delete(place)
    this.changed.emit()
  }

  /** All conflicts whose incoming files still lie there. */
  listConflicts(): LiveConflict[] {
    return this.conflicts.list()
  }

  get state(): LiveCopyState {
    const { id, share, path, folder, only } = this.record
    const { applied, conflicts, deletedHere, unwritten } = this
    return {
      id,
      share,
      path,
      folder,
      name: posix.basename(path) || this.shares.find(share)?.name || basename(folder),
      ...(only === undefined ? {} : { only }),
      status: this.status,
      ...(applied === undefined ? {} : { version: applied.version.length }),
      conflictCount: conflicts.count,
      conflicts: conflicts.told,
      deletedHere: deletedHere.size,
      skippedCount: unwritten.count,
      ...(unwritten.absentCount === 0 ? {} : { absentCount: unwritten.absentCount }),
    }
  }

  private get status(): LiveStatus {
    const { record, transfer, isTryingAgain, obstacle, isInStep } = this
    const share = this.shares.find(record.share)
    return liveStatus({
      isPaused: record.paused === true,
      transfer,
      isTryingAgain,
      obstacle,
      isInStep,
      share,
    })
  }

  private get isInStep(): boolean {
    return (
      this.applied !== undefined &&
      this.applied.version === this.shares.find(this.record.share)?.drive.version
    )
  }

  private poke(): void {
    this.isPoked = true
    this.poked.emit()
  }

  /** Makes the next step look at everything, not only at changes of the share: the user may have changed anything. */
  private lookAtAll(): void {
    this.looksAtAll++
    this.applied = undefined
    this.poke()
  }

  private async follow(): Promise<void> {
    const { signal } = this.closing
    // A step notes its own errors. One of the notes themselves must not end the following.
    const failed = (error: unknown) => {
      this.context.log(`live copy in ${this.record.folder}: ${String(error)}`)
      return RETRIES.at(-1)
    }
    let isTimeUp = false
    while (!signal.aborted) {
      this.isPoked = false
      const hadTime = isTimeUp
      isTimeUp = false
      let wait: number | undefined
      if (this.record.paused !== true) wait = await this.inTurn(() => this.catchUp(hadTime)).catch(failed)
      if (this.isPoked || signal.aborted) continue
      if (wait === undefined && this.record.paused !== true && !this.isInStep) continue
      await this.pokedWithin(wait)
      isTimeUp = !this.isPoked
    }
  }

  /** Resolves at the next poke, or after `wait` milliseconds. */
  private async pokedWithin(wait: number | undefined): Promise<void> {
    const end = new AbortController()
    const either = AbortSignal.any([end.signal, this.closing.signal])
    const waits = [this.poked.next(either), ...(wait === undefined ? [] : [delay(wait, either)])]
    await Promise.race(waits).catch(() => {}) // the live copy is closing
    end.abort()
    for (const each of waits) each.catch(() => {})
  }

  /**
   * Brings the folder to the newest version. → milliseconds until the next try; undefined: something has to happen
   * first
   */
  private async catchUp(isTimeUp: boolean): Promise<number | undefined> {
    if (this.closing.signal.aborted) return undefined
    const isAgain = isTimeUp && this.isInStep && this.unwritten.count > 0
    this.isTryingAgain = isAgain
    const transfer = this.newTransfer()
    this.transfer = transfer
    const looksBefore = this.looksAtAll
    try {
      const { share } = this
      this.waitedFor = share
      await share.listed(transfer.abort.signal, () =>
        transfer.pause(new PeerfoldError('stalled').toUserError()),
      )
      transfer.resume()
      const { version } = share.drive
      if (version === undefined) return undefined
      if (this.isInStep && this.touched.size === 0 && !isAgain) return this.unwritten.untilAgain
      const result = await step({
        copy: this.copyOptions(transfer),
        version,
        selects: selectionOf(this.record.only),
        before: this.applied,
        touched: this.touched,
        again: [...this.unwritten.paths, ...this.deletedHere].slice(0, TRIED_AGAIN),
        answers: this.answers,
        most: this.most.files,
        notHere: this.deletedHere.size + this.unwritten.count,
        kept: this.kept,
        onMoved: ({ from, to }) => {
          this.noteServed(copied => copied.moved(this.record.folder, from, to))
          this.tell({ kind: 'written', path: to, from })
        },
        onTaken: path => {
          this.noteServed(copied => copied.removed(this.record.folder, path))
          this.tell({ kind: 'removed', path })
        },
      })
      this.take(result, isAgain)
      if (this.record.inPlace !== true) this.noteServed(copied => this.takeOver(copied))
      if (this.looksAtAll > looksBefore) this.applied = undefined // asked for during the step
      return this.unwritten.untilAgain
    } catch (error) {
      return this.note(error)
    } finally {
      this.transfer = undefined
      this.isTryingAgain = false
      this.flush()
      this.changed.emit()
    }
  }

  private take(result: StepResult, isAgain: boolean): void {
    const { applied, isWhole, put, gone } = result
    this.applied = applied
    this.wasWhole = true
    this.obstacle = undefined
    this.failures = 0
    const now = performance.now()
    const isMost = applied.selected >= this.most.files || now - this.most.at > LATELY
    if (isMost || this.answers.has('removal')) this.most = { files: applied.selected, at: now }
    this.answers.clear()
    if (isWhole) this.deletedHere.clear()
    for (const path of [...put.keys(), ...gone]) this.deletedHere.delete(path)
    for (const path of result.deletedHere) this.deletedHere.add(path)
    this.conflicts.take(result)
    const isInVain = this.unwritten.take(result, isAgain)
    if (!isInVain) this.tell({ kind: 'in-step' })
  }

  /** Notes a failed step. → milliseconds until the next try; undefined: something has to happen first */
  private note(error: unknown): number | undefined {
    const isCancelled = error instanceof PeerfoldError && error.code === 'cancelled'
    const wait = RETRIES[Math.min(this.failures, RETRIES.length - 1)] ?? 0
    if (this.closing.signal.aborted || this.record.paused === true) return undefined
    if (error instanceof Superseded) return 0
    if (isCancelled) return wait
    this.failures++
    if (error instanceof Asked) {
      const { question } = error
      this.obstacle = { kind: 'asking', question, error: describeQuestion(question, this.record.folder) }
      // The cause may pass without an answer: a disk comes back, a checkout is undone.
      return Math.max(wait, 2_000)
    }
    this.context.checkForDamage(error)
    const known = error instanceof WriteError ? describeWriteError(error, this.record.folder) : error
    this.obstacle = { kind: 'waiting', error: toUserError(this.context.explain(known)) }
    this.context.log(`live copy in ${this.record.folder}: ${String(error)}`)
    return wait
  }

  /** Updates which files of the folder are served to peers. */
  private noteServed(work: (copied: CopiedFiles) => Promise<void>): void {
    const copied = this.shares.find(this.record.share)?.following?.copied
    if (copied === undefined) return
    this.serving = this.serving
      .then(() => work(copied))
      .catch(error => this.context.log(`live copy in ${this.record.folder}: ${String(error)}`))
  }

  /** Runs once, for a folder that an earlier version of Peerfold followed with. */
  private async takeOver(copied: CopiedFiles): Promise<void> {
    if (this.record.inPlace === true) return
    const { share, context } = this
    await takeOverCopy(
      share.drive,
      this.record.folder,
      copied,
      context.catalog,
      BASE_BYTES,
      this.closing.signal,
    )
    await this.save({ inPlace: true })
  }

  private newTransfer(): Transfer {
    const { id, folder } = this.record
    const transfer = new Transfer(id, 'copy', basename(folder), folder, () => this.changed.emit())
    transfer.share = this.record.share
    return transfer
  }

  private copyOptions(transfer: Transfer): CopyOptions {
    const { share, context } = this
    const { path, folder, umask } = this.record
    return {
      share: share.drive,
      id: share.id,
      path,
      folder,
      umask,
      catalog: context.catalog,
      bases: context.bases,
      transfer,
      copied: share.following?.copied,
      space: context.space,
      budget: context.budget,
      fetched: () => share.fetched,
      onFound: (bytes: number) => share.found(bytes),
      peerCame: signal => share.served.peerCame(signal),
      stale: () => false,
      isInDoubt: !this.wasWhole && context.mayHaveLostWrites(),
      isEnding: () => this.closing.signal.aborted || this.record.paused === true,
      closing: context.closing,
      live: {
        goesWithout: (path, entry, isQuiet) =>
          this.unwritten.goesWithout(path, entry, isQuiet && share.replication?.hearing.isFinal === true),
        taken: () => this.kept.takenFrom({ share: share.id, folder }),
        onPlaced: (path, beside) => {
          if (beside !== undefined) this.conflicts.laidBeside(path, beside)
          this.tell(
            beside === undefined ? { kind: 'written', path } : { kind: 'conflict', path, copy: beside },
          )
        },
      },
    }
  }

  private tell(change: LiveChange): void {
    this.changes.push(change)
    if (this.changes.length >= CHANGES_AT_ONCE) this.flush()
  }

  private flush(): void {
    if (this.changes.length === 0) return
    const changes = this.changes
    this.changes = []
    this.did.emit({
      live: this.record.id,
      version: this.shares.find(this.record.share)?.drive.version?.length ?? 0,
      changes,
    })
  }

  private async save(change: Partial<LiveRecord>): Promise<void> {
    this.record = { ...this.record, ...change }
    if (this.isKept) await this.context.catalog.put('live', this.record.id, this.record)
    this.changed.emit()
  }

  /** Does the work when no other work in the folder is running. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {}) // the caller is told
    return done
  }
}
