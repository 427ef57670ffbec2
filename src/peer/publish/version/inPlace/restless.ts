/**
 * Large files that change again and again while others fetch them: the image of a virtual machine, a log that grows.
 * Their blocks lie in the file, so each change takes away what was being fetched, and nobody would ever get to the end.
 * So after the second change the store keeps their bytes, until nobody fetches them or they come to rest.
 */
import type { DrivePath } from '../../../../common/brand'

/** Milliseconds without being fetched, or changed. */
const CALM = 10 * 60_000
/** Changes while it was fetched that make a file restless. */
const CHANGES = 2
/** More files are not remembered. */
const MOST = 1_000

export class Restless {
  private readonly fetched = new Map<DrivePath, number>()
  private readonly changes = new Map<DrivePath, { readonly times: number; readonly at: number }>()

  /** @param now milliseconds, of a monotonic clock */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Some of it went out. */
  noteFetched(path: DrivePath): void {
    set(this.fetched, path, this.now())
  }

  /** Its content changed. */
  noteChanged(path: DrivePath): void {
    const now = this.now()
    if (now - (this.fetched.get(path) ?? -Infinity) > CALM) return
    const before = this.changes.get(path)
    const times = before !== undefined && now - before.at < CALM ? before.times + 1 : 1
    set(this.changes, path, { times, at: now })
  }

  has(path: DrivePath): boolean {
    const known = this.changes.get(path)
    return known !== undefined && known.times >= CHANGES && this.now() - known.at < CALM
  }
}

/** The one set last is the last to be forgotten. */
function set<V>(map: Map<DrivePath, V>, path: DrivePath, value: V): void {
  map.delete(path)
  map.set(path, value)
  for (const oldest of map.keys()) {
    if (map.size <= MOST) break
    map.delete(oldest)
  }
}
