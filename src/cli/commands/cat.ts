/** `peerfold cat`: the bytes of one file, fetched part by part; the next part is under way while one is written. */
import { once } from 'node:events'
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { behind } from '../../common/followed'
import { withoutRoot } from '../../common/format'
import type { ShareLink } from '../../common/link'
import type { FileEntry } from '../../common/model'
import type { Params } from '../../common/protocol'
import { UsageError } from '../arguments'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { meantPath, toDrivePath } from '../drivePath'
import { DONE } from '../exitCodes'
import { readLink } from '../linkArgument'
import { MARGIN, noteDoubt, openShare } from '../openedShare'
import { meantVersion, noteFormer } from '../versionArgument'

/** Bytes asked for at a time. */
const PART = 4 * 1024 * 1024

export async function cat(context: Context): Promise<number> {
  const [linkArgument = '', pathArgument] = context.arguments.operands
  const link = await readLink(linkArgument)
  if (pathArgument === undefined && link.path === undefined && !link.isFile)
    throw new UsageError('“cat” needs a path: this link is of a whole folder.', 'cat')
  // Bytes that were written stay written when the peer process has to be started again. The rest must be of the same file.
  let written = 0
  let begun: FileEntry | undefined
  await withPeer(context, async peer => {
    const { id, ...doubt } = await openShare(context, peer, link)
    const former = await meantVersion(context, peer, id, link)
    const at = former === undefined ? {} : { version: former.version }
    const path = await meantFile(peer, { id, path: meantPath(link, pathArgument), ...at }, link)
    // A deduplicated file's size is not known before it is read: the end is a short part.
    const found = behind(await peer.request('fs.stat', { id, path, ...at }))
    if (found.kind === 'folder') throw new PeerfoldError('is-a-folder', path)
    if (begun === undefined || written === 0) begun = found
    else assertUnchanged(path, begun, found)
    for await (const bytes of parts(context, peer, { id, path, ...at }, written)) {
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain', { signal: context.signal })
      written += bytes.length
    }
    assertUnchanged(path, begun, behind(await peer.request('fs.stat', { id, path, ...at })))
    if (former === undefined) noteDoubt(context.output, doubt)
    noteFormer(context, former)
  })
  return DONE
}

function assertUnchanged(path: DrivePath, before: FileEntry, now: FileEntry): void {
  if (now.mtime !== before.mtime || now.size !== before.size)
    throw new PeerfoldError('changed-meanwhile', withoutRoot(path))
}

type FileOfVersion = Pick<Params<'fs.readRange'>, 'id' | 'path' | 'version'>

/** The file that is read. A share that is one file may have it under any name. */
async function meantFile(peer: CommandPeer, what: FileOfVersion, link: ShareLink): Promise<DrivePath> {
  if (what.path !== '/' || !link.isFile) return what.path
  const [file] = await peer.request('fs.list', { ...what, limit: 1 })
  return file === undefined ? what.path : toDrivePath(file.name)
}

async function* parts(
  { arguments: { timeout } }: Context,
  peer: CommandPeer,
  what: FileOfVersion,
  from: number,
): AsyncGenerator<Uint8Array> {
  const read = (start: number) => {
    const bytes = peer.request('fs.readRange', { ...what, start, length: PART, timeout }, timeout + MARGIN)
    bytes.catch(isAwaitedLater)
    return bytes
  }
  let next = read(from)
  for (let start = from; ; ) {
    const bytes = await next
    const isLast = bytes.length < PART
    start += bytes.length
    if (!isLast) next = read(start)
    if (bytes.length > 0) yield bytes
    if (isLast) return
  }
}

/** The request is awaited in its turn, and throws there. */
function isAwaitedLater(): void {}
