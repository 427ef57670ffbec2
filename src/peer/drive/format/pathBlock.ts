/**
 * One block of a path log: Hyperbee's Protocol Buffers of (tree, key, value); one without a value takes its key away. A
 * block that is no such thing changes nothing.
 */
import { Node } from 'hyperbee/lib/messages.js'

export interface PathChange {
  /** With the prefix of its sub-space. */
  readonly key: Buffer
  /** Undefined: the key was taken away. */
  readonly value: Buffer | undefined
}

export function parseBlock(block: Buffer | null): PathChange | undefined {
  if (block === null) return undefined
  try {
    const { key, value } = Node.decode(block)
    return { key, value: value ?? undefined }
  } catch {
    return undefined // anything may stand in a stranger's log
  }
}
