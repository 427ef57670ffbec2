/**
 * Files of own shares on this disk: where an entry of a share lies, and of which shares a file is an entry. Shares can
 * lie in each other, and one folder can be shared twice, with a key and in public.
 */
import { realpath } from 'node:fs/promises'
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath } from '../../common/brand'
import type { ShareState } from '../../common/model'
import { ROOT, type ShareAddress } from './shareUri'

type OwnShare = Pick<ShareState, 'id' | 'source' | 'isFile'>

/** Where an entry lies on the disk, and can be edited. */
export function onDisk({ source, isFile }: OwnShare, entry: DrivePath): vscode.Uri {
  const uri = vscode.Uri.file(source)
  return isFile ? uri : vscode.Uri.joinPath(uri, entry)
}

/** The entries of shares that lie at this place of the disk, the innermost share first, whatever links lead to it. */
export async function sharedAs(shares: readonly OwnShare[], file: string): Promise<readonly ShareAddress[]> {
  for (const name of [async () => file, () => besideLinks(file), () => realpath(file)]) {
    const found = entriesAt(shares, await name().catch(() => file))
    if (found.length > 0) return found
  }
  return []
}

/** Whether two places on the disk are the same, or one lies in the other. */
export function overlaps(one: string, other: string): boolean {
  return below(one, other) !== undefined || below(other, one) !== undefined
}

/** The file by its own name, which may be that of a link, in the real folder around it. */
async function besideLinks(file: string): Promise<string> {
  return path.join(await realpath(path.dirname(file)), path.basename(file))
}

function entriesAt(shares: readonly OwnShare[], file: string): readonly ShareAddress[] {
  return [...shares]
    .sort((a, b) => b.source.length - a.source.length)
    .flatMap(({ id, source, isFile }) => {
      const steps = below(source, file)
      if (steps === undefined || (isFile && steps.length > 0)) return []
      return [{ id, path: steps.length === 0 ? ROOT : (`/${steps.join('/')}` as DrivePath) }]
    })
}

/** The way from a folder down to a file, empty for itself; undefined when it does not lie there. */
function below(folder: string, file: string): readonly string[] | undefined {
  const way = path.relative(folder, file)
  if (way === '') return []
  const steps = way.split(path.sep)
  return steps[0] === '..' || path.isAbsolute(way) ? undefined : steps
}
