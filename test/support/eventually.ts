/** Waiting for something that announces itself in no other way than by being so. */
import { setTimeout as delay } from 'node:timers/promises'

/** Asks every 50 (`every`) ms until the answer is true. Rejects with `what` after `timeout` milliseconds. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeout = 20_000,
  every = 50,
): Promise<void> {
  const deadline = Date.now() + timeout
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`)
    await delay(every)
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
