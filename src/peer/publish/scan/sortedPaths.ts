/** Lists of things by their drive paths, kept in the order of paths: finding, putting and taking out. */
import { compareDrivePaths } from '../../names/pathOrder'

const AT_ONCE = 5_000
/** For fewer questions no set is made. */
const FEW = 64

interface Placed {
  readonly path: string
}

/** Index of the first item that does not stand before this path. */
export function firstFrom(items: readonly Placed[], path: string): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareDrivePaths(items[middle]?.path ?? '', path) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function findPath<T extends Placed>(items: readonly T[], path: string): T | undefined {
  const item = items[firstFrom(items, path)]
  return item?.path === path ? item : undefined
}

/** Answers whether a path is among those of the items. @param questions how often that will be asked */
export function pathsOf(items: readonly Placed[], questions: number): (path: string) => boolean {
  if (questions < FEW) return path => findPath(items, path) !== undefined
  const paths = new Set(items.map(({ path }) => path))
  return path => paths.has(path)
}

/** The names of what stands in a folder, in order; undefined when there are more than `most`. */
export function namesIn(items: readonly Placed[], folder: string, most: number): string[] | undefined {
  const prefix = `${folder}/`
  const names: string[] = []
  for (let at = firstFrom(items, prefix); items[at]?.path.startsWith(prefix); ) {
    const rest = items[at]?.path.slice(prefix.length) ?? ''
    const end = rest.indexOf('/')
    const name = end === -1 ? rest : rest.slice(0, end)
    names.push(name)
    if (names.length > most) return undefined
    at = end === -1 ? at + 1 : firstFrom(items, `${prefix}${name}0`)
  }
  return names
}

/** What stands at a path and below it, in order. */
export function rangeAt<T extends Placed>(items: readonly T[], path: string): T[] {
  const at = findPath(items, path)
  const [from, end] = rangeBelow(items, path)
  return [...(at === undefined ? [] : [at]), ...items.slice(from, end)]
}

/** Takes out what stands at a path and below it, in order. */
export function takePaths<T extends Placed>(items: T[], path: string): T[] {
  const at = firstFrom(items, path)
  let end = at
  while (items[end]?.path === path) end++
  const taken = items.splice(at, end - at)
  const [from, below] = rangeBelow(items, path)
  return taken.concat(items.splice(from, below - from))
}

/** What is below a path ends before the first path with the character behind `/` in its place. */
function rangeBelow(items: readonly Placed[], path: string): [from: number, end: number] {
  return [firstFrom(items, `${path}/`), firstFrom(items, `${path}0`)]
}

/** Puts in items of other paths. @param more in order themselves */
export function putPaths<T extends Placed>(items: T[], more: readonly T[]): void {
  for (let at = 0; at < more.length; ) {
    const place = firstFrom(items, more[at]?.path ?? '')
    const next = items[place]?.path
    let end = at + 1
    // All that stand before the next one go there together.
    while (end < more.length && (next === undefined || compareDrivePaths(more[end]?.path ?? '', next) < 0))
      end++
    insert(items, place, more.slice(at, end))
    at = end
  }
}

/** Inserts part by part: a call takes some ten thousand arguments at most. */
function insert<T>(items: T[], at: number, more: readonly T[]): void {
  for (let from = 0; from < more.length; from += AT_ONCE)
    items.splice(at + from, 0, ...more.slice(from, from + AT_ONCE))
}
