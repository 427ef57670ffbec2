/**
 * Which part of a share a live copy keeps: everything, or paths that match one of its patterns. A pattern has the
 * form of an ignore file's, from the top of the share. It names a file, or a folder with everything in it. Without
 * a slash it matches at any depth.
 */
import { compileGlob } from '../names/glob'

/** Whether a path of the share, beginning with `/`, is kept. */
export type Selects = (path: string) => boolean

export function selectionOf(only: readonly string[] | undefined): Selects {
  if (only === undefined || only.length === 0) return () => true
  const patterns = only.map(text => {
    const isFolder = text.endsWith('/')
    const body = (isFolder ? text.slice(0, -1) : text).replace(/^\.\//, '')
    return { isFolder, matches: compileGlob(body, false) }
  })
  return path => {
    const names = path.split('/').slice(1)
    return patterns.some(({ isFolder, matches }) =>
      names.some((_, at) => (!isFolder || at + 1 < names.length) && matches(names.slice(0, at + 1), 0)),
    )
  }
}
