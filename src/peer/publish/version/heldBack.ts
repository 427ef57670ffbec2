/**
 * Decides which published files that the scan does not list leave the share. Some stay for now: files on a disk that is
 * gone, many files that vanished at once, and files that only newer rules of Peerfold hide.
 */
import type { DrivePath } from '../../../common/brand'
import type { HeldFiles } from '../../../common/model'
import type { ShareRecord } from '../../store/catalog'
import type { ScanResult } from '../scan/scanned'
import { pathsOf } from '../scan/sortedPaths'
import type { RemovalHold } from './held'
import { mayLeave, newlyHidden, RULES_VERSION, stillHidden } from './newlyHidden'
import type { Published } from './published'
import type { PublishResult } from './publishResult'
import type { Seen } from './sourceView'

/** Names of held files that are told. */
const TOLD = 10

export interface HeldBack extends Pick<PublishResult, 'held' | 'remember' | 'lookAfter'> {
  /** Published paths that leave the share now. */
  readonly removed: readonly DrivePath[]
  /** Those of them whose files are still there. */
  readonly leaving: ReadonlySet<DrivePath>
}

export interface LeavingQuestion {
  /** Absolute path of the folder that drive paths begin in. */
  readonly root: string
  readonly record: ShareRecord
  readonly published: Published
  readonly seen: Seen
  /** Drive paths that rules of Peerfold left out. */
  readonly leftOut: ReadonlySet<string>
  /** Milliseconds that files which newer rules hide stay after the user was told. */
  readonly notice: number
}

export async function heldBack(
  { root, record, published, seen: { scan, look }, leftOut, notice }: LeavingQuestion,
  removals: RemovalHold,
  signal: AbortSignal,
): Promise<HeldBack> {
  const absent = removedPaths(published, scan, look?.gone ?? [...published.paths()])
  const question = { root, published, scan, removed: absent, leftOut, signal }
  const isNewer = published.size > 0 && (record.rules ?? 0) < RULES_VERSION
  const before = record.hidden === undefined ? undefined : stillHidden(record.hidden, question)
  const found = (isNewer ? await newlyHidden(question) : undefined) ?? before
  const mayGo = found !== undefined && mayLeave(found, notice)
  const hidden = mayGo ? undefined : found
  const leaving = new Set(mayGo ? found.contents : [])
  // Paths whose folder is a file or link now have nothing to stay in.
  const replaced = belowOthers(absent, scan)
  const staying = new Set<DrivePath>(hidden?.paths?.filter(path => !replaced.has(path)))

  const removed = [...absent.filter(path => !staying.has(path)), ...leaving]
  const added = () => scan.files.filter(({ path }) => published.get(path) === undefined).length
  const { repositories } = scan
  const removal = await removals.judge({
    root,
    removed: removed.filter(path => !replaced.has(path)),
    added,
    files: published.size,
    isWhole: look === undefined,
    repositories,
  })

  const held: HeldFiles[] = []
  if (scan.vanished.length > 0) {
    const files = [...published.paths()].filter(path => isBelow(path, scan.vanished)).length
    held.push({ kind: 'disk', files, paths: scan.vanished.slice(0, TOLD) })
  }
  if (removal !== undefined) {
    const until = Date.now() + removal.left
    held.push({
      kind: 'removal',
      files: removal.paths.size,
      paths: [...removal.paths].slice(0, TOLD),
      until,
    })
  }
  if (hidden !== undefined) {
    const paths = [...hidden.contents, ...hidden.paths]
    const until = hidden.toldAt === undefined ? {} : { until: hidden.toldAt + notice }
    held.push({ kind: 'update', files: paths.length, paths: paths.slice(0, TOLD), ...until })
  }
  const ends = held.flatMap(({ until }) => (until === undefined ? [] : [until - Date.now()]))
  if (removal !== undefined) ends.push(removal.lookAfter)
  return {
    removed: removal === undefined ? removed : removed.filter(path => !removal.paths.has(path)),
    leaving,
    held,
    remember: {
      boundaries: [...scan.boundaries, ...scan.vanished],
      rules: RULES_VERSION,
      ...(hidden === undefined ? {} : { hidden }),
    },
    ...(ends.length === 0 ? {} : { lookAfter: Math.max(0, Math.min(...ends)) }),
  }
}

/** Published paths that are no longer there. What could not be read stays published. */
function removedPaths(published: Published, scan: ScanResult, paths: readonly DrivePath[]): DrivePath[] {
  const unknown = [...scan.unreadable, ...scan.vanished]
  const isListed = pathsOf(scan.files, paths.length)
  return paths.filter(path => published.get(path) !== undefined && !isListed(path) && !isBelow(path, unknown))
}

/** The paths that lie below a file or link which the scan lists. */
function belowOthers(paths: readonly DrivePath[], scan: ScanResult): ReadonlySet<DrivePath> {
  const isListed = pathsOf(scan.files, paths.length)
  const isBelowOther = (path: string) => {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      if (isListed(path.slice(0, end))) return true
    return false
  }
  return new Set(paths.filter(isBelowOther))
}

/** Whether it is one of these, or lies in one. */
function isBelow(path: DrivePath, folders: readonly DrivePath[]): boolean {
  return folders.some(folder => path === folder || path.startsWith(`${folder}/`))
}
