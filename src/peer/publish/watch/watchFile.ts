/**
 * Follows a single shared file by looking at it once a second. A watch would have to be on its folder, and that may
 * be one with a million other files in it. Many editors save by writing another file and renaming it over this one,
 * so the file counts as gone only when it is absent at two looks in a row.
 */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import type { ChangedPaths } from './burst'

export interface WatchFileOptions {
  /** Called with the file's drive path when it changed or is back. */
  readonly onChange: (changes: ChangedPaths) => void
  readonly onVanished: () => void
  /** Milliseconds between looks; default 1,000. */
  readonly interval?: number
}

/** Starts to follow a file (absolute path); `close` ends it. Changes from the time of the call on are seen. */
export async function watchFile(
  path: string,
  options: WatchFileOptions,
): Promise<{ close(): Promise<void> }> {
  let last = await fingerprint(path)
  let missing = 0
  let closed = false
  let looking = false
  const look = async () => {
    if (looking) return
    looking = true
    const now = await fingerprint(path)
    looking = false
    if (closed) return
    missing = now === undefined ? missing + 1 : 0
    if (missing === 2) {
      last = undefined
      options.onVanished()
    }
    if (now === undefined || now === last) return
    last = now
    options.onChange([`/${basename(path)}` as DrivePath])
  }
  const timer = setInterval(() => void look(), options.interval ?? 1000).unref()
  return {
    close: async () => {
      closed = true
      clearInterval(timer)
    },
  }
}

async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs, ctimeMs, ino, mode } = await stat(path)
    return `${size} ${mtimeMs} ${ctimeMs} ${ino} ${mode}`
  } catch {
    // Whatever the reason, there is nothing to publish now; the scan tells why.
    return undefined
  }
}
