/** `peerfold cat`: the bytes of one file, fetched part by part; the next part is under way while one is written. */
import { once } from 'node:events'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { behind } from '../../common/followed'
import type { ShareLink } from '../../common/link'
import { UsageError } from '../arguments'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { meantPath, toDrivePath } from '../drivePath'
import { DONE } from '../exitCodes'
import { readLink } from '../linkArgument'
import { MARGIN, noteDoubt, noteVersion, openShare } from '../openedShare'

/** Bytes asked for at a time. */
const PART = 4 * 1024 * 1024

export async function cat(context: Context): Promise<number> {
  const [linkArgument = '', pathArgument] = context.arguments.operands
  const link = await readLink(linkArgument)
  if (pathArgument === undefined && link.path === undefined && !link.isFile)
    throw new UsageError('“cat” needs a path: this link is of a whole folder.', 'cat')
  // Bytes that were written stay written when the peer process has to be started again.
  let written = 0
  await withPeer(context, async peer => {
    const { id, ...doubt } = await openShare(context, peer, link)
    const path = await meantFile(peer, id, meantPath(link, pathArgument), link)
    // A deduplicated file's size is not known before it is read: the end is a short part.
    const { kind, size, mtime } = behind(await peer.request('fs.stat', { id, path }))
    if (kind === 'folder') throw new PeerfoldError('is-a-folder', path)
    for await (const bytes of parts(context, peer, id, path, written)) {
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain', { signal: context.signal })
      written += bytes.length
    }
    const after = behind(await peer.request('fs.stat', { id, path }))
    if (after.mtime !== mtime || after.size !== size) {
      throw new PeerfoldError('changed-meanwhile', path)
    }
    noteDoubt(context.output, doubt)
    noteVersion(context.output, link)
  })
  return DONE
}

/** A share that is one file has it by whatever name. */
async function meantFile(
  peer: CommandPeer,
  id: ShareId,
  path: DrivePath,
  link: ShareLink,
): Promise<DrivePath> {
  if (path !== '/' || !link.isFile) return path
  const [file] = await peer.request('fs.list', { id, path, limit: 1 })
  return file === undefined ? path : toDrivePath(file.name)
}

async function* parts(
  { arguments: { timeout } }: Context,
  peer: CommandPeer,
  id: ShareId,
  path: DrivePath,
  from: number,
): AsyncGenerator<Uint8Array> {
  const read = (start: number) => {
    const bytes = peer.request('fs.readRange', { id, path, start, length: PART, timeout }, timeout + MARGIN)
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
