/**
 * Files and links that a scan lists and the import did not take: secrets by their content, files that cannot be read,
 * links to those. A scan tries each again. A look at single places tries only those that something happened to.
 */
import { compareDrivePaths } from '../../names/pathOrder'
import type { Look } from '../scan/look'
import type { ScannedFile } from '../scan/scanned'
import type { SkippedFromShare } from '../scan/skipped'
import { findPath } from '../scan/sortedPaths'

export class NotTaken {
  private entries: SkippedFromShare[] = []

  /** Files that a look found, and links that were not taken: their targets may be taken now. In the order of paths. */
  again({ looked, scan }: Look): ScannedFile[] {
    const files = new Map(looked.map(file => [file.path, file]))
    for (const { path } of this.entries) {
      const file = findPath(scan.files, path)
      if (file?.kind === 'link') files.set(path, file)
    }
    return [...files.values()].sort((a, b) => compareDrivePaths(a.path, b.path))
  }

  /** Forgets those that are tried now. @param look undefined: everything is tried */
  begin(look: Look | undefined): void {
    if (look === undefined) {
      this.entries = []
      return
    }
    const tried = new Set([...this.again(look).map(({ path }) => path), ...look.gone])
    this.entries = this.entries.filter(({ path }) => !tried.has(path))
  }

  add(skipped: readonly SkippedFromShare[]): void {
    this.entries = [...this.entries, ...skipped].sort((a, b) => compareDrivePaths(a.path, b.path))
  }

  list(): readonly SkippedFromShare[] {
    return this.entries
  }
}
