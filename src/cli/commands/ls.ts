/** `peerfold ls`: one folder of a share, one path a line. */
import type { DrivePath } from '../../common/brand'
import type { FileEntry } from '../../common/model'
import { withPeer } from '../commandPeer'
import type { Context } from '../context'
import { relativePath, toDrivePath } from '../drivePath'
import { DONE } from '../exitCodes'
import { readLink } from '../linkArgument'
import { openShare, STALE_NOTE } from '../openedShare'

export async function ls(context: Context): Promise<number> {
  const { output } = context
  const [linkArgument = '', path] = context.arguments.operands
  const link = await readLink(linkArgument)
  const folder = toDrivePath(path)
  await withPeer(context, async peer => {
    const { id, stale } = await openShare(context, peer, link)
    const entry = folder === '/' ? undefined : await peer.request('fs.stat', { id, path: folder })
    if (entry === undefined || entry.kind === 'folder') {
      for (const child of await peer.request('fs.list', { id, path: folder })) show(context, folder, child)
    } else {
      show(context, folder, entry, relativePath(folder))
    }
    if (stale) output.note(STALE_NOTE)
  })
  return DONE
}

function show(
  { output }: Context,
  folder: DrivePath,
  { name, kind, size, mtime, executable }: FileEntry,
  path = relativePath(folder, name),
): void {
  output.line(kind === 'folder' ? `${path}/` : path)
  output.event('entry', { path, type: kind, size, mtime, executable })
}
