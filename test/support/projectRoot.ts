import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of package.json above the built file that runs, wherever below dist/ that is. */
export const projectRoot = findRoot(__dirname)

/** A file of the build, absolute. */
export function built(file: string): string {
  return join(projectRoot, 'dist', file)
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'esbuild.js'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error(`${__dirname} is not inside the project`)
  return findRoot(parent)
}
