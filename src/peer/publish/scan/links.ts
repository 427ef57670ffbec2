/**
 * Whether a symbolic link may be shared: only as a link, and only when it is relative and leads to a place inside
 * the shared folder, through whatever other links lie on the way. Nothing is ever read through a link.
 *
 * The target is walked component by component, as the system would, but starting from the shared folder and never
 * leaving it. Targets that are there but not in the share are judged by deadLinks.ts, once it is known what the share
 * holds.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import { isAbsolute } from '../../names/links'
import { rulesFor } from '../../names/rules'
import { errorCode } from './smallFile'

/** Links on the way from one link; the usual limit of systems. */
const MAX_HOPS = 40

export type LinkVerdict =
  | { readonly kind: 'inside'; readonly target: string }
  | {
      readonly kind: 'refused'
      readonly reason: 'link-outside' | 'name' | 'unreadable'
      readonly detail: string
    }

class Outside extends Error {}

/**
 * Judges the link `<root>/<...components>`.
 *
 * @param root absolute path of the shared folder, itself no link
 * @param components the link's path below it
 */
export function judgeLink(root: string, components: readonly string[]): LinkVerdict {
  try {
    const target = readTarget(root, components)
    if (target.includes('\uFFFD'))
      return { kind: 'refused', reason: 'name', detail: 'The path it leads to may be no valid UTF-8.' }
    resolveInside(root, components.slice(0, -1), target, { hops: 0 })
    return { kind: 'inside', target }
  } catch (error) {
    if (error instanceof Outside) return { kind: 'refused', reason: 'link-outside', detail: error.message }
    return { kind: 'refused', reason: 'unreadable', detail: `The link cannot be read (${errorCode(error)}).` }
  }
}

/** What a link says, with `/` between components on every system. */
function readTarget(root: string, components: readonly string[]): string {
  const target = readlinkSync(at(root, components))
  return process.platform === 'win32' ? target.replaceAll('\\', '/') : target
}

function at(root: string, components: readonly string[]): string {
  return [root, ...components].join('/')
}

/** Follows `target` from the folder `from` and returns where it ends, as components below `root`. */
function resolveInside(
  root: string,
  from: readonly string[],
  target: string,
  trail: { hops: number },
): readonly string[] {
  if (isAbsolute(target, rulesFor(process.platform)))
    throw new Outside('It leads to an absolute path, which is another place on every other machine.')
  let here = [...from]
  for (const component of target.split('/')) {
    if (component === '' || component === '.') continue
    if (component === '..') {
      if (here.length === 0) throw new Outside('It leads out of the shared folder.')
      here.pop()
      continue
    }
    here.push(component)
    const stats = lstatSync(at(root, here), { throwIfNoEntry: false })
    if (stats?.isSymbolicLink()) {
      if (++trail.hops > MAX_HOPS) throw new Outside('It leads in a circle of links.')
      here = [...resolveInside(root, here.slice(0, -1), readTarget(root, here), trail)]
    }
  }
  return here
}
