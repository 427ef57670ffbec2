/**
 * One peer process per data folder: an operating-system lock on a file, which ends with the process however it ends.
 */
import { closeSync, openSync } from 'node:fs'
import { tryLock } from 'fs-native-extensions'

/** Takes the lock, or answers undefined when another process holds it. Dispose of it last. */
export function takeLock(file: string): { release(): void } | undefined {
  const fd = openSync(file, 'a+', 0o600)
  if (!tryLock(fd)) {
    closeSync(fd)
    return undefined
  }
  return { release: () => closeSync(fd) }
}
