/**
 * Writes the first version of a path log in one go. Hyperbee walks down its search tree for every path, which is
 * most of the work for a large folder. Here the paths are sorted, so the tree is known in advance: about every
 * ninth path stands above its neighbours, every ninth of those above them, and so on.
 *
 * Each path has its block, as Hyperbee would write it. A node of the tree lies in the block of its first path. The
 * root lies first in the last block, where every reader starts. Hyperbee can continue the tree, because its nodes
 * have as many paths as it allows.
 *
 * Read in hyperbee 2.27.3: index.js and lib/messages.js.
 */
import b4a from 'b4a'
import type Hyperbee from 'hyperbee'
import { Node, YoloIndex } from 'hyperbee/lib/messages.js'
import type SubEncoder from 'sub-encoder'
import { breathe, slicer } from '../time'

/** The most paths in one node of Hyperbee's tree. Every node except the root has at least half as many. */
const MAX_KEYS = 8

/** The part of a batch that a publisher needs, of Hyperbee's or this one. */
export type PathBatch = Pick<ReturnType<Hyperbee['batch']>, 'length' | 'del' | 'flush' | 'close'> & {
  put(key: string, value: unknown, options: { keyEncoding: SubEncoder }): Promise<void>
}

/**
 * The batch to write a version with. Nothing else may write to the log until it is flushed or closed.
 * @param isFirst the version is made only of paths that are put: no earlier key of the log remains
 */
export async function batchOn(db: Hyperbee, isFirst: boolean): Promise<PathBatch> {
  const batch = db.batch()
  if (!isFirst) return batch
  if (db.core.length === 0) await batch.getRoot(true) // writes the header
  await batch.close()
  return new FirstPaths(db)
}

class FirstPaths implements PathBatch {
  private readonly blocks: { key: Buffer; value: Buffer }[] = []

  constructor(private readonly db: Hyperbee) {}

  get length(): number {
    return this.blocks.length
  }

  async put(key: string, value: unknown, { keyEncoding }: { keyEncoding: SubEncoder }): Promise<void> {
    this.blocks.push({ key: keyEncoding.encode(key), value: Buffer.from(JSON.stringify(value)) })
  }

  /** Does nothing: no path exists yet. */
  async del(): Promise<void> {}

  async close(): Promise<void> {}

  async flush(): Promise<void> {
    const { core } = this.db
    const sorted = this.blocks.sort((a, b) => b4a.compare(a.key, b.key))
    const trees = treeOver(sorted.length, core.length)
    const encoded: Buffer[] = []
    const due = slicer()
    for (const [at, { key, value }] of sorted.entries()) {
      encoded.push(Node.encode({ key, value, index: trees(at) }))
      if (due()) await breathe()
    }
    sorted.length = 0 // frees memory: for a hundred thousand paths as much as the append takes
    await core.append(encoded)
  }
}

interface TreeNode {
  /** Blocks of its paths. */
  readonly keys: readonly number[]
  /** For each child its block and its place in that block, which is always 0. */
  readonly children: readonly number[]
}

/** The tree's part in the block of each path, for `count` sorted paths whose blocks begin at `start`. */
function treeOver(count: number, start: number): (at: number) => Buffer {
  const nodes = new Map<number, TreeNode>()
  let keys = Array.from({ length: count }, (_, at) => start + at)
  let children: number[] = []
  while (keys.length > MAX_KEYS) {
    const level = layOut(keys, children)
    for (const node of level.nodes) nodes.set(node.keys[0] ?? 0, node)
    keys = level.above
    children = level.nodes.flatMap(node => [node.keys[0] ?? 0, 0])
  }
  // The last path is the last of a node of several, so nothing else lies in its block.
  nodes.set(start + count - 1, { keys, children })
  const nothing = YoloIndex.encode({ levels: [] })
  return at => {
    const node = nodes.get(start + at)
    return node === undefined ? nothing : YoloIndex.encode({ levels: [node] })
  }
}

/** Spreads keys evenly over as few nodes as can hold them. One key between each two nodes goes to the level above. */
function layOut(
  keys: readonly number[],
  children: readonly number[],
): { nodes: TreeNode[]; above: number[] } {
  const count = Math.ceil((keys.length + 1) / (MAX_KEYS + 1))
  const held = keys.length - (count - 1)
  const nodes: TreeNode[] = []
  const above: number[] = []
  let at = 0
  for (let node = 0; node < count; node++) {
    const size = Math.floor((held * (node + 1)) / count) - Math.floor((held * node) / count)
    nodes.push({
      keys: keys.slice(at, at + size),
      children: children.slice(2 * at, children.length === 0 ? 0 : 2 * (at + size + 1)),
    })
    at += size
    const between = keys[at++]
    if (between !== undefined) above.push(between)
  }
  return { nodes, above }
}
