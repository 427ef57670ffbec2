/** `peerfold ls`: one folder of a share, one path a line. */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { FileEntry } from '../../common/model'
import type { Params } from '../../common/protocol'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { meantPath, relativePath } from '../drivePath'
import { DONE } from '../exitCodes'
import { readLink } from '../linkArgument'
import { MARGIN, noteDoubt, openShare } from '../openedShare'
import { meantVersion, noteFormer } from '../versionArgument'

const FIRST_PART = 500
const NEXT_PARTS = 10_000

export async function ls(context: Context): Promise<number> {
  const { output } = context
  const [linkArgument = '', path] = context.arguments.operands
  const link = await readLink(linkArgument)
  const folder = meantPath(link, path)
  // Where the peer process has to be started again, only the rest is shown.
  let after = ''
  await withPeer(context, async peer => {
    const { id, ...doubt } = await openShare(context, peer, link, true)
    const former = await meantVersion(context, peer, id, link)
    const at = former === undefined ? {} : { version: former.version }
    try {
      for await (const child of childrenOf(context, peer, { id, path: folder, ...at }, after)) {
        show(context, folder, child)
        after = child.name
      }
    } catch (error) {
      if (!(error instanceof PeerfoldError) || error.code !== 'not-a-folder-entry') throw error
      await openShare(context, peer, link)
      show(context, folder, await peer.request('fs.stat', { id, path: folder, ...at }), relativePath(folder))
    }
    noteFormer(context, former)
    if (former !== undefined) return
    if (doubt.stale || doubt.silent.length > 0)
      output.event('doubt', { stale: doubt.stale, silent: doubt.silent })
    noteDoubt(output, doubt)
  })
  return DONE
}

/** A large folder comes in parts, so that its first names stand there soon: while the rest is still on its way. */
async function* childrenOf(
  context: Context,
  peer: CommandPeer,
  what: Pick<Params<'fs.list'>, 'id' | 'path' | 'version'>,
  from: string,
): AsyncGenerator<FileEntry> {
  const { timeout } = context.arguments
  let after = from
  for (let limit = FIRST_PART; ; limit = NEXT_PARTS) {
    const part = await peer.request('fs.list', { ...what, after, limit, timeout }, timeout + MARGIN)
    yield* part
    const last = part.at(-1)
    if (last === undefined || part.length < limit) return
    after = last.name
  }
}

function show(
  { output }: Context,
  folder: DrivePath,
  { name, kind, size, mtime, executable, linkTarget }: FileEntry,
  path = relativePath(folder, name),
): void {
  output.line(kind === 'folder' ? `${path}/` : path)
  const target = linkTarget === undefined ? {} : { target: linkTarget }
  output.event('entry', { path, type: kind, size, mtime: mtime ?? null, executable, ...target })
}
