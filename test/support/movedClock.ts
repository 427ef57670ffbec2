/**
 * A clock that a test can move while processes run. libfaketime (Debian's `faketime`) stands between a process and the
 * clocks of its system. Each time it is asked, it reads in a file how far to move the answer.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders'
import { prepareFaketime } from './tools'

/** `wall`: moves the time of day alone, as when somebody sets it. `all`: also moves the clock of timers, which must go
 *  forward, as after a sleep on systems that count it. */
export type MovedClocks = 'wall' | 'all'

export class MovedClock {
  private readonly file = join(temporaryFolder('clock'), 'offset')

  /** How far it is from the true time. */
  seconds = 0

  private constructor(
    private readonly library: string,
    private readonly clocks: MovedClocks,
  ) {
    this.moveTo(0)
  }

  /** → the clock, or a sentence that says why there can be none here. Installs what it needs where it is missing. */
  static async start(clocks: MovedClocks): Promise<MovedClock | string> {
    const library = await prepareFaketime()
    return typeof library === 'string' ? new MovedClock(library, clocks) : library.reason
  }

  /** Environment of the processes that go by this clock. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: this.clocks === 'wall' ? '1' : '0',
      NO_FAKE_STAT: '1', // files keep the times that they have
    }
  }

  /** Lets time pass twenty times as fast, until the returned function is called. */
  hurry(): () => void {
    const timer = setInterval(() => this.moveTo(this.seconds + 1), 50)
    return () => clearInterval(timer)
  }

  /** @param seconds from the true time */
  moveTo(seconds: number): void {
    this.seconds = seconds
    // A process that looks meanwhile must see the old or the new value.
    writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds}`)
    renameSync(`${this.file}.new`, this.file)
  }
}
