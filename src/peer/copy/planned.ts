/** The work of a copy, decided before anything is fetched: see plan.ts. */
import type { SkippedEntry } from '../../common/model'
import type { FileAttributes } from '../disk/fileInPlace'
import type { FileMark, Precondition } from '../disk/writer'
import type { DriveEntry } from '../drive/format/entry'
import type { CopiedFile } from '../store/catalog'
import { attributesOf } from './attributes'
import type { Placement } from './counts'
import type { Obstacle } from './obstacles'
import type { ExpectedContent } from './ownership'

/** One file to write. */
export interface PlannedFile {
  readonly entry: DriveEntry
  /** Path inside the target folder, starting with '/'. */
  readonly path: string
  readonly segments: readonly string[]
  readonly precondition: Precondition
  /**
   * A local file has the same length, and maybe the same content: compare before replacing it or calling it
   * changed.
   */
  readonly compare: boolean
  /** The local file is not of this copy, or was changed. The incoming file goes beside it. */
  readonly conflict: boolean
  /** What must be proved of the local file before it is replaced. */
  readonly expected?: ExpectedContent
  /** The obstacle to remove first. */
  readonly way?: Obstacle
  /** Nothing was there when the copy first began, maybe in an earlier run. */
  readonly fresh: boolean
  /** An earlier run of this copy intended to write it, and may have. */
  readonly begun: boolean
}

/** One link to make. */
export interface PlannedLink extends Omit<PlannedFile, 'compare' | 'begun'> {
  /** The same link lies there already, and becomes part of the copy. */
  readonly same: boolean
}

/** A local file with the incoming content. */
export interface PresentFile {
  readonly entry: DriveEntry
  readonly path: string
  readonly segments: readonly string[]
  readonly mark: FileMark
}

export interface CopyPlan {
  readonly files: PlannedFile[]
  readonly links: PlannedLink[]
  /** Files whose time or executable bit changed in the share, and nothing else. */
  readonly adjusted: (PresentFile & { readonly expected: ExpectedContent })[]
  /** Present files whose record is of an earlier version, without a change time. */
  readonly old: PresentFile[]
  /** Records of the target, by path inside it. */
  readonly known: ReadonlyMap<string, CopiedFile>
  readonly skipped: SkippedEntry[]
  /** Conflicts of earlier runs that are still there. */
  readonly conflicts: { readonly path: string; readonly copy: string }[]
  readonly bytes: number
  /** Files that are present already. */
  readonly present: { readonly files: number; readonly bytes: number }
  /** Paths (inside the target) of everything that is or will be there. */
  readonly paths: string[]
  readonly executables: Set<string>
  /** Files that an earlier run of this copy made for another version, and that are not in the share any more. */
  readonly gone: { readonly segments: readonly string[] }[]
  /** Placements of an earlier run of this copy that did not finish. */
  readonly placed: Placement[]
  /** Files of this copy that are still in the folder and no longer in the share. */
  readonly noLongerShared: number
  /** Files of ours that have no mark yet. */
  readonly recovered: { readonly path: string; readonly record: CopiedFile }[]
  /** Paths of what this copy made and the user deleted. They stay deleted. */
  readonly deletedHere: string[]
}

/** Where a file is written, and what the writer must find there. */
export interface Destination {
  readonly segments: readonly string[]
  readonly precondition: Precondition
}

/** The writer's options for a file. */
export function placing(
  file: PlannedFile,
  { precondition }: Destination,
): FileAttributes & { precondition: Precondition; isBlocked?: boolean } {
  return { ...attributesOf(file.entry), precondition, ...(file.way === undefined ? {} : { isBlocked: true }) }
}

/** Inside the target folder. */
export function pathOf(segments: readonly string[]): string {
  return `/${segments.join('/')}`
}
