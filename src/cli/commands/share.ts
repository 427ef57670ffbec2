/** `peerfold share`: publishes a folder, prints its link, serves it until Ctrl-C. */
import { randomUUID } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { parse, sep } from 'node:path'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { countPeers } from '../../common/explain'
import { explainHeld } from '../../common/explainHeld'
import { formatBytes, formatRate, plural } from '../../common/format'
import { english } from '../../common/localizer'
import type { HeldFiles, PeerState, ShareState } from '../../common/model'
import type { ShareAdded, ShareSource } from '../../common/protocol'
import { UsageError } from '../arguments'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { DONE, INTERRUPTED } from '../exitCodes'
import { PeerStopped } from '../peerStopped'
import { transferProgress } from '../progressLine'

/** Milliseconds for an answer that the peer process gives soon. */
const TOLD_LIMIT = 30_000

export async function share(context: Context): Promise<number> {
  const { output, signal } = context
  const source = await findSource(context.arguments.operands[0] ?? '')
  if (!context.arguments.yes) await refuseEverything(source)
  let link: string | undefined
  try {
    return await withPeer(context, async peer => {
      const added = await publish(context, peer, source, link === undefined)
      if (added.link !== link) announce(context, added, link)
      link = added.link
      return serve(context, peer, added.id)
    })
  } catch (error) {
    if (link !== undefined && signal.aborted) return INTERRUPTED // the usual end of serving
    if (!(error instanceof PeerStopped) || link === undefined) throw error
    output.note('Peerfold was stopped. Nothing is shared any more.')
    return DONE
  }
}

/** The same folder must be the same share, whatever name leads to it. */
async function findSource(given: string): Promise<string> {
  try {
    return await realpath(given)
  } catch {
    throw new PeerfoldError('not-a-folder', given)
  }
}

/** Refuses a home folder or a whole disk: programs keep more secrets there than any list of them names. */
async function refuseEverything(source: string): Promise<void> {
  const home = await realpath(homedir()).catch(() => undefined) // a user may have none
  const isHome = source === home
  const above = source.endsWith(sep) ? source : source + sep
  const isAll = parse(source).root === source || home?.startsWith(above) === true
  if (!isHome && !isAll) return
  const what = isHome ? 'is your home folder' : 'holds more than one person should give away at once'
  throw new UsageError(`“${source}” ${what}. Share a folder in it, or add --yes to share all of it.`, 'share')
}

async function publish(
  context: Context,
  peer: CommandPeer,
  source: string,
  isFirst: boolean,
): Promise<ShareAdded> {
  const { isPublic, once, newLink } = context.arguments
  const job = randomUUID()
  const renew = newLink && isFirst
  const what = { source, isPublic, once, keep: false, renew, allow: [] }
  try {
    return await peer.watching(transferProgress(context.output, job), () =>
      peer.request('share.add', { ...what, job }, Number.POSITIVE_INFINITY),
    )
  } catch (error) {
    if (error instanceof PeerfoldError && error.code === 'nothing-to-share')
      await explain(context, peer, what)
    throw error
  } finally {
    context.output.clearProgress()
  }
}

/** Lists what was left out, and why, when there is nothing else in the folder. */
async function explain({ output }: Context, peer: CommandPeer, what: ShareSource): Promise<void> {
  const preview = await peer.request('share.preview', what, TOLD_LIMIT).catch(() => undefined) // the error says enough
  if (preview === undefined) return
  const count = Object.values(preview.skippedCounts).reduce((sum, each) => sum + each, 0)
  output.skipped(preview.skipped, count)
}

function announce({ output }: Context, added: ShareAdded, before: string | undefined): void {
  const { link, key, files, bytes, skipped, skippedCount, unportable = [], unportableCount = 0 } = added
  if (before !== undefined) output.note('The share has a new link. The one before leads nowhere now.')
  output.line(link)
  output.event('sharing', { link, key, files, bytes, skipped, skippedCount, unportable, unportableCount })
  output.note(`Sharing ${plural(files, 'file')}, ${formatBytes(bytes)}. Press Ctrl-C to stop.`)
  output.skipped(skipped, skippedCount)
  output.unportable(unportable, unportableCount)
}

/** Until Ctrl-C, or until somebody stops or removes the share elsewhere, for instance in an editor. */
async function serve({ output }: Context, peer: CommandPeer, id: ShareId): Promise<number> {
  let wasServed = false
  let failure = ''
  const told = new Set<HeldFiles['kind']>()
  const stoppedElsewhere = (state: PeerState) => {
    const now = state.shares.find(share => share.id === id)
    const status = now?.status.kind
    if (status === 'sharing' || status === 'publishing') wasServed = true
    return wasServed && (now === undefined || status === 'stopped')
  }
  const show = (state: PeerState) => {
    const now = state.shares.find(share => share.id === id)
    const reason = now?.status.kind === 'failed' ? now.status.error.message : ''
    if (reason !== failure && reason !== '') output.note(reason)
    failure = reason
    for (const held of newlyHeld(now, told)) {
      output.note(explainHeld(held))
      output.event('held', held)
      // If this fails, the next command tells the user again.
      if (held.kind === 'update') peer.request('share.told', { id }, TOLD_LIMIT).catch(() => {})
    }
    if (now !== undefined) output.progress(servingLine(now))
  }
  try {
    await peer.watching(show, () => peer.until(stoppedElsewhere))
  } finally {
    output.clearProgress()
  }
  output.note('This share was stopped elsewhere.')
  return DONE
}

/** Held files of the kinds that were not held at the last look. */
function newlyHeld(share: ShareState | undefined, told: Set<HeldFiles['kind']>): readonly HeldFiles[] {
  const held = share?.held ?? []
  for (const kind of told) if (!held.some(files => files.kind === kind)) told.delete(kind)
  const fresh = held.filter(({ kind }) => !told.has(kind))
  for (const { kind } of fresh) told.add(kind)
  return fresh
}

function servingLine({ peers, rates, status }: ShareState): string {
  const what = status.kind === 'publishing' ? 'Publishing changes' : 'Sharing'
  return `${what} · ${countPeers(peers, english)} · ${formatRate(rates.up)} up`
}
