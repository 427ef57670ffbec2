/** Parts of drive paths: absolute, separated by `/`, `/` alone for the share itself. */
import type { DrivePath } from '../../common/brand'

export function childOf(folder: DrivePath, name: string): DrivePath {
  return (folder === '/' ? `/${name}` : `${folder}/${name}`) as DrivePath
}

/** The folder a path lies in; undefined for `/`. */
export function folderOf(path: DrivePath): DrivePath | undefined {
  if (path === '/') return undefined
  const end = path.lastIndexOf('/')
  return (end <= 0 ? '/' : path.slice(0, end)) as DrivePath
}

export function nameOf(path: DrivePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `/`, `/a`, `/a/b` for `/a/b`: outermost first. */
export function selfAndFoldersOf(path: DrivePath): readonly DrivePath[] {
  const found = [path]
  for (let folder = folderOf(path); folder !== undefined; folder = folderOf(folder)) found.unshift(folder)
  return found
}
