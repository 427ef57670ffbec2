/**
 * One block of a path log: Hyperbee's Protocol Buffers of (tree, key, value). A block without a value removes its
 * key. A malformed block changes nothing.
 */
import { Node } from 'hyperbee/lib/messages.js'

export interface PathChange {
  /** With the prefix of its sub-space. */
  readonly key: Buffer
  /** Undefined: the key was removed. */
  readonly value: Buffer | undefined
}

export function parseBlock(block: Buffer | null): PathChange | undefined {
  if (block === null) return undefined
  try {
    const { key, value } = Node.decode(block)
    return { key, value: value ?? undefined }
  } catch {
    return undefined // a stranger's log may hold anything
  }
}
