/**
 * What of a share is kept in sync, as the user chooses it: everything, some folders and files, or patterns. The peer
 * process knows patterns only. Pure.
 */

/** Characters that mean something in a pattern. */
const SPECIAL = /[\\*?[\],]/g

/** Patterns that name exactly these paths of the share, each with all that is in it. A path inside another needs none. */
export function patternsOf(paths: Iterable<string>): readonly string[] {
  const all = [...paths].sort()
  const outer = all.filter(path => !all.some(other => path.startsWith(`${other}/`)))
  return outer.map(path => path.replace(SPECIAL, '\\$&'))
}

/** The paths that patterns name; undefined when one of them is no plain path. */
export function pathsOf(patterns: readonly string[]): ReadonlySet<string> | undefined {
  const paths = patterns.map(pattern => {
    const plain = pattern.replace(/\\[\\*?[\],]/g, '')
    const isPath = pattern.startsWith('/') && !/[\\*?[]/.test(plain)
    return isPath ? pattern.replace(/\\(.)/g, '$1').replace(/\/$/, '') : undefined
  })
  const known = paths.filter(path => path !== undefined)
  return known.length === paths.length ? new Set(known) : undefined
}

/** Patterns as one line; a comma in one has a backslash before it. */
export function formatPatterns(patterns: readonly string[]): string {
  return patterns.map(pattern => pattern.replace(/\\.|,/gs, part => (part === ',' ? '\\,' : part))).join(', ')
}

export function parsePatterns(line: string): readonly string[] {
  const parts = line.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []
  return parts.map(pattern => pattern.trim()).filter(pattern => pattern !== '')
}

/** Whether the path lies in a chosen folder, so that it is chosen with that. */
export function isWithin(path: string, chosen: ReadonlySet<string>): boolean {
  return [...chosen].some(other => path.startsWith(`${other}/`))
}
