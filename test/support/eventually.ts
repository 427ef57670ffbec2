/** Waiting for something that announces itself in no other way than by being so. */
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds by which a timer may be late on a busy machine. When it is later, the machine stood still. */
const LATE = 1_000

/** Milliseconds between two questions. */
const FIRST_PAUSE = 25
const LONGEST_PAUSE = 250

/** Milliseconds. Several times what anything takes on a machine that does nothing else: others may keep it busy. */
export const PATIENCE = 45_000

/**
 * Asks until the answer is true, every `every` ms. Without `every` the pauses grow with the time so far, so that whoever
 * is asked has time for its work, and the answer is late by a tenth at most. Rejects with `what` after `timeout`
 * milliseconds, not counting those in which nothing ran, for instance because the machine slept.
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeout = PATIENCE,
  every?: number,
): Promise<void> {
  const started = performance.now()
  let deadline = started + timeout
  while (!(await isSo())) {
    const asleep = performance.now()
    if (asleep > deadline) throw new Error(`not within ${timeout} ms: ${what}`)
    const pause = every ?? Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, (asleep - started) / 10))
    await delay(pause)
    const late = performance.now() - asleep - pause
    if (late > LATE) deadline += late
  }
}

/** True while a process of that id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH: there is none
  }
}
