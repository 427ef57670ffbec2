/** Waiting with an end: every wait in the peer process has a time limit, a cancellation, or both. */
import { PeerfoldError } from '../common/errors'

/** Lets waiting events run: long synchronous work calls this between slices. */
export function breathe(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Answers true when a slice of synchronous work has lasted long enough to `breathe()`. */
export function slicer(milliseconds = 12): () => boolean {
  let start: number | undefined
  return () => {
    const now = performance.now()
    start ??= now
    if (now - start < milliseconds) return false
    start = undefined // the next slice begins at the next call
    return true
  }
}

/** One slicer for several pieces of work that take turns. Each awaits the answer, and one pause serves all of them. */
export function sharedSlicer(): () => Promise<void> | undefined {
  const due = slicer()
  let pause: Promise<void> | undefined
  return () => {
    if (pause === undefined && due())
      pause = breathe().then(() => {
        pause = undefined
      })
    return pause
  }
}

/** Resolves after some milliseconds; rejects at once when cancelled. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(cancelled())
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

/** The promise's result, or undefined after `milliseconds`. The promise continues; its late rejection is dropped. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<undefined>(resolve => {
        timer = setTimeout(() => resolve(undefined), milliseconds)
      }),
    ])
  } finally {
    clearTimeout(timer)
    promise.catch(ignoreLateFailure)
  }
}

/** The promise's result, or a `cancelled` error as soon as the signal aborts. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let stop = () => {}
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        const abort = () => reject(cancelled())
        stop = () => signal.removeEventListener('abort', abort)
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort, { once: true })
      }),
    ])
  } finally {
    stop()
    promise.catch(ignoreLateFailure)
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled()
}

function cancelled(): PeerfoldError {
  return new PeerfoldError('cancelled')
}

/** Whoever waited has been told already that it took too long or was cancelled. */
function ignoreLateFailure(): void {}
