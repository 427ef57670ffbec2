/** Finds the row of a file or folder in the tree of opened shares, also where a large folder shows it in a part. */
import type { DrivePath, ShareId } from '../../common/brand'
import type { EntryNode, OpenedNode, OpenedTree, PartNode } from './openedTree'

type Tree = Pick<OpenedTree, 'find' | 'getChildren'>

/** Undefined when the share does not have it, or not yet. */
export async function findEntry(
  tree: Tree,
  id: ShareId,
  path: DrivePath,
): Promise<OpenedNode | EntryNode | undefined> {
  let at: OpenedNode | EntryNode | undefined = tree.find(id)
  for (const name of path.split('/').filter(step => step !== '')) {
    if (at === undefined) return undefined
    at = await childNamed(tree, at, name)
  }
  return at
}

async function childNamed(
  tree: Tree,
  folder: OpenedNode | EntryNode | PartNode,
  name: string,
): Promise<EntryNode | undefined> {
  const children = await tree.getChildren(folder)
  for (const child of children) {
    if (child.kind === 'entry' && child.entry.name === name) return child
    if (child.kind === 'part' && child.part.entries.some(entry => entry.name === name))
      return childNamed(tree, child, name)
  }
  return undefined
}
