/**
 * Local files that may hold parts of an incoming file: the one at its place, whoever made it. Where nothing lies
 * there, files that the share had under other names and has no more. (A file that was renamed and changed is a new
 * one for the share.)
 */
import { posix } from 'node:path'
import type { OpenFile } from '../../disk/fileInPlace'
import type { SafeWriter } from '../../disk/writer'
import { FOLDER } from '../../store/catalog'
import type { CopyPlan, PlannedFile } from '../planned'

/** Files that are searched for one that was renamed. */
const MOST = 3
/** A renamed file is at most this many times longer or shorter. */
const MOST_GROWN = 4
/** Files shorter than `LEAST` (bytes) are not searched. At most `MOST_KNOWN` are considered. */
const LEAST = 512 * 1024
const MOST_KNOWN = 1_000

/** A file that is no more part of the copy. */
export interface Former {
  /** Where it lay inside the target, beginning with `/`. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Opens the file, which the caller closes; undefined when it is not there. */
  readonly open: () => OpenFile | undefined
}

export class Formers {
  private known: readonly Former[] | undefined

  /** @param taken files that were taken out of the target */
  constructor(
    private readonly writer: SafeWriter,
    private readonly plan: CopyPlan,
    private readonly taken: () => readonly Former[] = () => [],
  ) {}

  /** The likeliest first. Each is to be closed before the next. */
  *of({ segments, path, entry, precondition }: PlannedFile): Generator<OpenFile> {
    const places: Iterable<() => OpenFile | undefined> =
      precondition === 'absent'
        ? likeliest(this.gone(), path, entry.size).map(({ open }) => open)
        : [() => this.writer.openFile(segments)]
    for (const open of places) {
      const file = open()
      if (file !== undefined) yield file
    }
  }

  private gone(): readonly Former[] {
    this.known ??= [...this.taken().filter(({ size }) => size >= LEAST), ...this.left()].slice(0, MOST_KNOWN)
    return this.known
  }

  /** Files that this copy made, that the share does not have any more, and that nothing takes away. */
  private left(): Former[] {
    const planned = new Set(this.plan.paths)
    const found: Former[] = []
    for (const [path, { content, size }] of this.plan.known) {
      if (content === FOLDER || size < LEAST || planned.has(path)) continue
      found.push({ path, size, open: () => this.writer.openFile(path.slice(1).split('/')) })
    }
    return found
  }
}

/** Files that may have been this one before: of the same name, of the same kind, of about that length. */
function likeliest(formers: readonly Former[], path: string, size: number): readonly Former[] {
  const name = posix.basename(path)
  const kind = posix.extname(path)
  const grown = (former: Former) => Math.max(former.size / size, size / former.size)
  const nameDistance = (former: Former) => {
    if (posix.basename(former.path) === name) return 0
    return posix.extname(former.path) === kind ? 1 : 2
  }
  return formers
    .filter(former => grown(former) <= MOST_GROWN)
    .sort((a, b) => nameDistance(a) - nameDistance(b) || grown(a) - grown(b))
    .slice(0, MOST)
}
