/** `peerfold seed`: fetches all of a share and serves it until Ctrl-C, version after version. */
import { randomUUID } from 'node:crypto'
import type { ShareId } from '../../common/brand'
import { formatBytes, formatRate, plural } from '../../common/format'
import { formatKey, formatLink, linkOfShare, type ShareLink } from '../../common/link'
import type { PeerState, TransferResult } from '../../common/model'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { DONE, INTERRUPTED } from '../exitCodes'
import { readLink } from '../linkArgument'
import { noteDoubt, type OpenedShare, openedShare, openShare, shareName } from '../openedShare'
import { PeerStopped } from '../peerStopped'
import { transferProgress } from '../progressLine'

export async function seed(context: Context): Promise<number> {
  const { output, signal } = context
  const link = linkOfShare(await readLink(context.arguments.operands[0] ?? ''))
  let isServing = false
  try {
    return await withPeer(context, async peer => {
      const opened = await openShare(context, peer, link)
      const version = versionOf(peer.state, opened.id)
      const result = await fetchAll(context, peer, opened.id)
      if (!isServing) announce(context, peer.state, opened, link, result)
      isServing = true
      return serve(context, peer, opened.id, version)
    })
  } catch (error) {
    if (isServing && signal.aborted) return INTERRUPTED // the usual end of serving
    if (!(error instanceof PeerStopped) || !isServing) throw error
    output.note('Peerfold was stopped. Nothing is served any more.')
    return DONE
  }
}

async function fetchAll({ output }: Context, peer: CommandPeer, id: ShareId): Promise<TransferResult> {
  const job = randomUUID()
  try {
    return await peer.watching(transferProgress(output, job), () =>
      peer.request('seed.wait', { id, job }, Number.POSITIVE_INFINITY),
    )
  } finally {
    output.clearProgress()
  }
}

function announce(
  { output }: Context,
  state: PeerState,
  { id, ...doubt }: OpenedShare,
  link: ShareLink,
  result: TransferResult,
): void {
  const { files, bytes, fetched, skipped, skippedCount } = result
  const stale = doubt.stale || result.stale
  const silent = result.silent ?? doubt.silent
  output.line(`Seeding “${shareName(state, id)}”: ${plural(files, 'file')}, ${formatBytes(bytes)}, all here.`)
  output.event('done', { files, bytes, fetched, skipped, skippedCount, stale, silent })
  const key = formatKey(link.key)
  output.event('sharing', { link: formatLink(link), key, files, bytes, skipped, skippedCount })
  output.remarks(result)
  noteDoubt(output, { stale, silent })
  output.note('Press Ctrl-C to stop.')
}

/** Fetches every new version, until Ctrl-C or until the share is stopped or removed elsewhere. */
async function serve(context: Context, peer: CommandPeer, id: ShareId, first?: number): Promise<number> {
  const { output } = context
  let version = first
  for (;;) {
    const isOver = (state: PeerState) => {
      const known = versionOf(state, id)
      return isGone(state, id) || (known !== undefined && known !== version)
    }
    await peer.watching(
      state => output.progress(servingLine(state, id)),
      () => peer.until(isOver),
    )
    output.clearProgress()
    if (isGone(peer.state, id)) {
      output.note('This share was stopped elsewhere.')
      return DONE
    }
    version = versionOf(peer.state, id)
    await fetchAll(context, peer, id)
  }
}

/** Own shares are served anyway; they are gone when they are removed. */
function isGone(state: PeerState, id: ShareId): boolean {
  const opened = openedShare(state, id)
  return opened === undefined ? !state.shares.some(share => share.id === id) : opened.stopped
}

function versionOf(state: PeerState, id: ShareId): number | undefined {
  return openedShare(state, id)?.contents?.version
}

function servingLine(state: PeerState, id: ShareId): string {
  const opened = openedShare(state, id)
  return `Seeding · ${plural(opened?.peers ?? 0, 'peer')} · ${formatRate(opened?.rates.up ?? 0)} up`
}
