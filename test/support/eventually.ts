/** Waiting for something that announces itself in no other way than by being so. */
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds by which a timer may be late on a busy machine; when later, the machine stood still. */
const LATE = 1_000

/**
 * Asks every 50 (`every`) ms until the answer is true. Rejects with `what` after `timeout` milliseconds, not counting
 * those in which nothing ran, for instance because the machine slept.
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeout = 20_000,
  every = 50,
): Promise<void> {
  let deadline = performance.now() + timeout
  while (!(await isSo())) {
    const asleep = performance.now()
    if (asleep > deadline) throw new Error(`not within ${timeout} ms: ${what}`)
    await delay(every)
    const late = performance.now() - asleep - every
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
