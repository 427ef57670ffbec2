/** Retries work that fails because another program has the file open for a moment, a little later each time. */
import { setTimeout } from 'node:timers/promises'
import { toWriteError, type WriteError } from './writeErrors'

/** Milliseconds before each further try. A virus scanner rarely holds a file longer than their sum. */
export const RETRY_DELAYS_MS: readonly number[] = [10, 30, 100, 300, 1000]

/** @throws WriteError of the last try, or at once if waiting cannot help */
export async function retrying<T>(
  delaysMs: readonly number[],
  path: string,
  work: () => T | Promise<T>,
): Promise<T> {
  for (const delay of delaysMs) {
    try {
      return await work()
    } catch (error) {
      const failure = toWriteError(error, path)
      if (!isMomentary(failure)) throw failure
      await setTimeout(delay)
    }
  }
  try {
    return await work()
  } catch (error) {
    throw toWriteError(error, path)
  }
}

/** On Windows a file that somebody else has open answers a rename with “not permitted”. */
function isMomentary(error: WriteError): boolean {
  return error.code === 'busy' || (process.platform === 'win32' && error.code === 'permission')
}
