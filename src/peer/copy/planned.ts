/** What a copy is to do, decided before anything is fetched: see plan.ts. */
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
  /** A local file of the same length of which it is not known whether it is the same: compare before it is replaced or
   *  called changed. */
  readonly compare: boolean
  /** What lies there is not of this copy, or was changed: the incoming file goes beside it. */
  readonly conflict: boolean
  /** What the local file holds if it is ours, which is to be shown before it is replaced. */
  readonly expected?: ExpectedContent
  /** What has to go first. */
  readonly way?: Obstacle
  /** Nothing was there when the copy began, which may have been planned before. */
  readonly fresh: boolean
  /** An earlier run of this copy was about to write it, and may have. */
  readonly begun: boolean
}

/** One link to make. */
export interface PlannedLink extends Omit<PlannedFile, 'compare' | 'begun'> {
  /** The same link lies there already, and becomes part of the copy. */
  readonly same: boolean
}

/** A file that is there with the incoming content. */
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
  /** Files that are there by the record of an earlier version, which has no change time. */
  readonly old: PresentFile[]
  /** What the catalog knows of the target. */
  readonly known: ReadonlyMap<string, CopiedFile>
  readonly skipped: SkippedEntry[]
  /** Conflicts of earlier runs that are still there. */
  readonly conflicts: { readonly path: string; readonly copy: string }[]
  readonly bytes: number
  /** Files that are there already. */
  readonly present: { readonly files: number; readonly bytes: number }
  /** Paths (inside the target) of everything that is or will be there. */
  readonly paths: string[]
  readonly executables: Set<string>
  /** Files that this copy made when it was planned with another version, and that the share does not have any more. */
  readonly gone: { readonly segments: readonly string[] }[]
  /** What an earlier run of this copy has placed, which had no end. */
  readonly placed: Placement[]
  /** Files that this copy made once, that are still there, and that the share does not have any more. */
  readonly noLongerShared: number
  /** Files of ours that have no mark yet. */
  readonly recovered: { readonly path: string; readonly record: CopiedFile }[]
  /** Paths of what this copy made and the user deleted, which stays so. */
  readonly deletedHere: string[]
}

/** Where a file is written, and what has to be there. */
export interface Destination {
  readonly segments: readonly string[]
  readonly precondition: Precondition
}

/** What the writer is told of a file. */
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
