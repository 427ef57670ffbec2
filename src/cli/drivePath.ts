/** Paths in a share as people write them: with or without a leading slash, a trailing one for folders. */
import type { DrivePath } from '../common/brand'
import type { ShareLink } from '../common/link'

/** `docs/a.txt`, `/docs/a.txt`, `docs/`, nothing → an absolute drive path. Dots mean nothing in a share. */
export function toDrivePath(text = ''): DrivePath {
  const parts = text.split('/').filter(part => part !== '' && part !== '.')
  return `/${parts.join('/')}` as DrivePath
}

/** What a command is about: the path it was given, else what the link points at, else the whole share. */
export function meantPath(link: Pick<ShareLink, 'path'>, given: string | undefined): DrivePath {
  return toDrivePath(given ?? link.path)
}

/** Without the leading slash, with `name` below it when given. */
export function relativePath(folder: DrivePath, name?: string): string {
  const base = folder.slice(1)
  if (name === undefined) return base
  return base === '' ? name : `${base}/${name}`
}
