/** Which blocks of a share's log of bytes are pieces of which files, in its newest version. */
import type { DrivePath } from '../../../../common/brand'
import { isLarge } from '../../../drive/format/largeFile'
import type { PathIndex } from '../../../drive/pathIndex'
import { lastUpTo } from '../../../hypercore/blockRuns'

/** A large file, and where its blocks lie. */
export interface SharedLargeFile {
  readonly path: DrivePath
  /** Bytes. */
  readonly size: number
  readonly first: number
  readonly blocks: number
}

export class LargeFiles {
  private index: PathIndex | undefined
  private readonly byPath = new Map<DrivePath, SharedLargeFile>()
  /** Files of the same content have the same blocks. */
  private readonly byFirst = new Map<number, Set<SharedLargeFile>>()
  /** See `firsts`; undefined when they changed. */
  private inOrder: readonly number[] | undefined

  /** Takes over another version. @returns files that are gone since the one before, and files that came */
  update(index: PathIndex): {
    readonly gone: readonly SharedLargeFile[]
    readonly come: readonly SharedLargeFile[]
  } {
    const gone: SharedLargeFile[] = []
    const come: SharedLargeFile[] = []
    const before = this.index
    this.index = index
    if (index === before) return { gone, come }
    for (const path of before === undefined ? pathsOf(index) : index.pathsThatDiffer(before)) {
      const old = this.byPath.get(path)
      const entry = index.entry(path)
      const { blob, size = 0 } = entry ?? {}
      const now = blob !== undefined && isLarge(blob, size) ? blob : undefined
      if (old !== undefined && old.first === now?.blockOffset && old.size === size) continue
      if (old !== undefined) {
        this.remove(old)
        gone.push(old)
      }
      if (now !== undefined)
        come.push(this.add({ path, size, first: now.blockOffset, blocks: now.blockLength }))
    }
    return { gone, come }
  }

  /** All files that have a block, or had it when they were published. */
  *having(index: number): Generator<SharedLargeFile> {
    const all = this.byFirst.get(lastUpTo(this.firsts, index) ?? -1) ?? []
    for (const file of all) if (index < file.first + file.blocks) yield file
  }

  /** Whether a file has blocks from this one on. */
  hasFirst(first: number): boolean {
    return this.byFirst.has(first)
  }

  /** The first blocks of all, in order. */
  get firsts(): readonly number[] {
    this.inOrder ??= [...this.byFirst.keys()].sort((a, b) => a - b)
    return this.inOrder
  }

  private add(file: SharedLargeFile): SharedLargeFile {
    this.byPath.set(file.path, file)
    const same = this.byFirst.get(file.first)
    if (same !== undefined) same.add(file)
    else {
      this.byFirst.set(file.first, new Set([file]))
      this.inOrder = undefined
    }
    return file
  }

  private remove(file: SharedLargeFile): void {
    this.byPath.delete(file.path)
    const same = this.byFirst.get(file.first)
    same?.delete(file)
    if (same?.size !== 0) return
    this.byFirst.delete(file.first)
    this.inOrder = undefined
  }
}

function* pathsOf(index: PathIndex): Generator<DrivePath> {
  for (const { path } of index.entries()) yield path
}
