/** Predicts what a copy must hold after each save, from what both sides hold before it and what the copy made so far. */
import { FolderModel, foldersAbove, withNewAttributes } from './folderModel'
import { contentOf, type Side, type Thing } from './sides'

interface Expected {
  readonly side: Side
  /** New conflict copies: the path they belong to, and what they hold. */
  readonly conflicts: string[]
  /** Paths that could not be written. */
  readonly skipped: string[]
}

export class CopyModel extends FolderModel {
  afterCopy(shared: Side, before: Side): Expected {
    const side = { things: new Map(before.things), folders: new Set(before.folders) }
    const expected: Expected = { side, conflicts: [], skipped: [] }
    for (const [path, incoming] of shared.things) this.place(path, incoming, before, expected)
    return expected
  }

  private place(path: string, incoming: Thing, before: Side, { side, conflicts, skipped }: Expected): void {
    const base = this.bases.get(path)
    const hasNothingNew = base !== undefined && contentOf(base) === contentOf(incoming)
    const blocker = foldersAbove(path).find(above => before.things.has(above))
    if (blocker !== undefined) {
      if (!this.isOurs(blocker, before)) {
        skipped.push(path)
        return
      }
      side.things.delete(blocker)
      this.bases.delete(blocker)
      this.write(path, incoming, side)
      return
    }
    const local = before.things.get(path)
    if (before.folders.has(path)) {
      if (hasNothingNew) return
      if (!this.isFolderOurs(path, before)) {
        skipped.push(path)
        return
      }
      this.removeFolder(path, side)
      this.write(path, incoming, side)
    } else if (local === undefined) this.write(path, incoming, side)
    else if (contentOf(local) === contentOf(incoming)) {
      side.things.set(path, withNewAttributes(local, incoming, base))
      this.bases.set(path, incoming)
    } else if (hasNothingNew) return
    else if (this.isStrange(path) && (local.kind === 'link' || incoming.kind === 'link')) skipped.push(path)
    else if (this.isOurs(path, before)) this.write(path, incoming, side)
    else {
      this.bases.set(path, incoming)
      const isBeside = [...before.things].some(
        ([other, thing]) =>
          thing.kind === 'file' &&
          other.startsWith(`${path}.conflict-`) &&
          contentOf(thing) === contentOf(incoming),
      )
      if (!isBeside) conflicts.push(`${path}: ${contentOf(incoming)}`)
    }
    conflicts.sort()
  }
}
