/**
 * Tells a crash from an end in order, after a connection was lost: the peer process removes its endpoint file when it
 * ends by its own will, and cannot when it crashes.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readEndpoint } from '../wire/endpoint'
import { holdingOf } from './lockHolder'

/** Milliseconds for an ending process to be gone altogether. */
const END_LIMIT = 5_000
const POLL_EVERY = 50

/** True when the peer process `pid` of a data folder ended in order, false when it crashed or still runs. */
export async function endedInOrder(storage: string, pid: number, signal?: AbortSignal): Promise<boolean> {
  // A process without the lock has ended: another program may have its id.
  const isThere = isSameProcess(pid)
  await waitWhile(() => isThere() && holdingOf(storage, { pid }) !== 'not-held', END_LIMIT, signal)
  return (await readEndpoint(storage)) === undefined
}

/** True when the process is gone within `limit` milliseconds. Rejects when the signal is aborted. */
export function waitForEnd(pid: number, limit: number, signal?: AbortSignal): Promise<boolean> {
  return waitWhile(isSameProcess(pid), limit, signal)
}

async function waitWhile(isSo: () => boolean, limit: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + limit
  while (isSo()) {
    if (performance.now() > deadline) return false
    await delay(POLL_EVERY, undefined, { ...(signal ? { signal } : {}) })
  }
  return true
}

/** Tells whether the process that has this id is still there. On Linux a later process with the same id is told apart. */
function isSameProcess(pid: number): () => boolean {
  const started = startOf(pid)
  return () => isAlive(pid) && startOf(pid) === started
}

/** When it started, in ticks since the machine did; undefined where that cannot be asked, or there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] // the name in brackets may hold anything
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH; another user's process (EPERM) is not ours
  }
}
