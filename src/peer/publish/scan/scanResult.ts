/** A picture of what is shared, as the result of a scan. */
import { sep } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import type { GitFiles } from '../ignore/gitExcludes'
import type { Inputs } from './inputs'
import type { Picture } from './picture'
import type { ScanResult } from './scanned'

/** A folder as it was scanned: what a look at a single place of it (look.ts) goes by. */
export interface ScannedFolder {
  readonly picture: Picture
  /** The folder's own absolute path, no link. */
  readonly real: string
  readonly gitFiles: GitFiles
  /** See `ScanResult`. */
  readonly boundaries: DrivePath[]
  readonly vanished: DrivePath[]
  readonly disks: string
}

/** The result of a scan, and what later looks need of it. */
export type FolderScan = ScanResult & { readonly scanned: ScannedFolder }

export function resultOf({
  picture,
  real,
  gitFiles,
  boundaries,
  vanished,
  disks,
}: ScannedFolder): ScanResult {
  return {
    isFile: false,
    ...contents(picture),
    boundaries,
    vanished,
    disks,
    inputs: gitFiles.inputs.looks,
    repositories: repositoriesBelow(real, gitFiles.gitDirs),
  }
}

/** The same of a single file. */
export function resultOfFile(picture: Picture, inputs: Inputs): ScanResult {
  const nothing = { boundaries: [], vanished: [], disks: '', repositories: new Map() }
  return { isFile: true, ...contents(picture), ...nothing, inputs: inputs.looks }
}

function contents(picture: Picture) {
  return {
    files: picture.files,
    hardLinked: [...picture.hardLinked.values()],
    bytes: picture.bytes,
    folders: picture.folders.size,
    ...picture.summary(),
    unreadable: picture.unreadable,
  }
}

function repositoriesBelow(root: string, gitDirs: ReadonlyMap<string, string>): Map<DrivePath, string> {
  const below = (top: string) =>
    (top.startsWith(root + sep) ? top.slice(root.length).replaceAll(sep, '/') : '') as DrivePath
  return new Map([...gitDirs].map(([top, gitDir]) => [below(top), gitDir]))
}
