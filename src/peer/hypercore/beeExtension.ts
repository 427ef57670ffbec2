/**
 * Bounds Hyperbee's extension on own path logs. With it a peer asks which blocks a search will need, which saves
 * other clients one round trip for each level of the tree. Unbounded, it would also make us fetch whatever a peer
 * names, and run any number of searches at once.
 *
 * Read in hyperbee 2.27.3: lib/extension.js.
 */
import type { BeeExtension } from 'hyperbee'

const MAX_SEARCHES = 8
const WINDOW = 1_000
/** Searches that are answered in one window (milliseconds), for all peers together. */
const MAX_PER_WINDOW = 256

export function boundExtension(extension: BeeExtension | null): void {
  if (extension === null) return
  const { onget, oniterator } = extension
  let running = 0
  let since = 0
  let count = 0
  const isWelcome = () => {
    const now = performance.now()
    if (now - since > WINDOW) {
      since = now
      count = 0
    }
    return ++count <= MAX_PER_WINDOW
  }
  extension.oncache = () => {} // an own log has all its blocks
  extension.onget = (message, from) => {
    if (isWelcome()) onget.call(extension, message, from)
  }
  extension.oniterator = async (message, from) => {
    if (running >= MAX_SEARCHES || !isWelcome()) return
    running++
    try {
      await oniterator.call(extension, message, from)
    } finally {
      running--
    }
  }
}
