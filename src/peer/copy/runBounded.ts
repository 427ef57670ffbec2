/** Runs work in order, several pieces at once, bounded by their bytes and their number. */
import { breathe, slicer, throwIfAborted } from '../time'

export interface Bounds {
  readonly bytes: number
  readonly units: number
  readonly signal: AbortSignal
}

/**
 * Resolves when all work is done. After a first failure no new work starts, running work is awaited, and the
 * failure is thrown.
 */
export async function runBounded<U extends { readonly bytes: number }>(
  units: readonly U[],
  limits: Bounds,
  work: (unit: U) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let bytes = 0
  let failure: { readonly error: unknown } | undefined
  const due = slicer()
  for (const unit of units) {
    while (running.size > 0 && (running.size >= limits.units || bytes + unit.bytes > limits.bytes)) {
      await Promise.race(running)
    }
    if (failure !== undefined || limits.signal.aborted) break
    bytes += unit.bytes
    const task: Promise<void> = work(unit)
      .catch(error => {
        failure ??= { error }
      })
      .finally(() => {
        running.delete(task)
        bytes -= unit.bytes
      })
    running.add(task)
    if (due()) await breathe()
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
  throwIfAborted(limits.signal)
}
