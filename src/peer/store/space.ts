/**
 * Watches the free space of the disk the store is on. Hypercore stalls without a word on a full disk, and neither it
 * nor the database below wakes up when there is room again. So downloads pause while there is still some room left. If
 * a write fails all the same, the process ends once there is room, and the next one opens the store afresh. Nothing is
 * published meanwhile either.
 */
import { statfs } from 'node:fs/promises'
import { PeerfoldError, type UserError } from '../../common/errors'
import { Signal } from '../../common/signal'
import { storeTrouble } from './trouble'

/** Bytes that stay free: the database moves written data about and needs room for it. */
const RESERVE = 64 * 1024 * 1024
/** So much more (bytes) must be free before downloads go on. */
const MARGIN = 16 * 1024 * 1024
/** With less than this (bytes) some write has failed, whether or not anybody was told. */
const FLOOR = 8 * 1024 * 1024
const LOOK_EVERY = 1_000

export class StoreSpace {
  private readonly changed = new Signal<void>()
  private full = false
  private failed = false
  private timer: NodeJS.Timeout | undefined

  /** @param onRoomAfterFailure is called when there is room again after a write has failed */
  constructor(
    private readonly folder: string,
    private readonly onRoomAfterFailure: () => void,
    private readonly log: (line: string) => void,
  ) {}

  async start(): Promise<void> {
    await this.look()
    this.timer = setInterval(() => {
      this.look().catch(error => this.log(`the free space is not known: ${String(error)}`))
    }, LOOK_EVERY).unref()
  }

  /** What to tell whoever waits; undefined while there is room. */
  get shortage(): UserError | undefined {
    return this.full ? new PeerfoldError('no-space', this.folder).toUserError() : undefined
  }

  /** Throws `store-full` while there is none: what is published needs it as well. */
  assertRoom(): void {
    if (this.full) throw new PeerfoldError('store-full', this.folder)
  }

  /** To be called with errors of the store. */
  note(error: unknown): void {
    if (storeTrouble(error) === 'store-full') this.fail()
  }

  /** Resolves when there is room; throws `cancelled`. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.full) await this.next(signal)
  }

  /** Resolves when there is none. */
  async none(signal: AbortSignal): Promise<void> {
    while (!this.full) await this.next(signal)
  }

  close(): void {
    clearInterval(this.timer)
  }

  private async next(signal: AbortSignal): Promise<void> {
    try {
      await this.changed.next(signal)
    } catch {
      throw new PeerfoldError('cancelled')
    }
  }

  private fail(): void {
    if (this.failed) return
    this.failed = true
    this.log('the disk of the data folder is used up: the store is opened anew when there is room')
  }

  private async look(): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder)
    const free = bavail * bsize
    if (free < FLOOR) this.fail()
    const full = free < (this.full || this.failed ? RESERVE + MARGIN : RESERVE)
    if (!full && this.failed) this.onRoomAfterFailure()
    if (full === this.full) return
    this.full = full
    this.log(
      full ? 'the disk of the data folder is full: downloads pause' : 'there is room again: downloads go on',
    )
    this.changed.emit()
  }
}
