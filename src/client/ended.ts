/**
 * Tells a crash from an end in order, after a connection was lost: the peer process removes its endpoint file when it
 * ends by its own will, and cannot when it crashes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readEndpoint } from '../wire/endpoint'

/** Milliseconds for an ending process to be gone altogether. */
const END_LIMIT = 5_000
const POLL_EVERY = 50

/** True when the peer process `pid` of a data folder ended in order, false when it crashed or still runs. */
export async function endedInOrder(storage: string, pid: number, signal?: AbortSignal): Promise<boolean> {
  await waitForEnd(pid, END_LIMIT, signal)
  return (await readEndpoint(storage)) === undefined
}

/** True when the process is gone within `limit` milliseconds. Rejects when the signal is aborted. */
export async function waitForEnd(pid: number, limit: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + limit
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false
    await delay(POLL_EVERY, undefined, { ...(signal ? { signal } : {}) })
  }
  return true
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH; another user's process (EPERM) is not ours
  }
}
