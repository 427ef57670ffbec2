/** What `get`, `ls`, `cat` and `seed` begin with: join the share behind a link and wait until its files are known. */
import type { ShareId } from '../common/brand'
import { peerName } from '../common/explain'
import { formatLink, linkOfShare, type ShareLink } from '../common/link'
import { english } from '../common/localizer'
import type { OpenedShareState, PeerState, SilentPeer } from '../common/model'
import type { CommandPeer } from './commandPeer'
import type { Context } from './context'
import type { Output } from './output'
import { searchLine } from './progressLine'

/** Milliseconds beyond the limit of the peer process itself before it counts as hanging. */
export const MARGIN = 15_000

/** The most silent peers that are named. */
const NAMED = 5

export interface OpenedShare {
  readonly id: ShareId
  /** The share is published from this machine. */
  readonly own: boolean
  /** Nobody was there to ask for a newer version. */
  readonly stale: boolean
  readonly silent: readonly SilentPeer[]
}

/**
 * Throws `nobody-found` when nothing is known of the share, here or by anyone, within --timeout.
 *
 * @param begun its list of files need only have begun to come, for `fs.list` with a time limit
 */
export async function openShare(
  context: Context,
  peer: CommandPeer,
  link: ShareLink,
  begun = false,
): Promise<OpenedShare> {
  const { output } = context
  const { timeout } = context.arguments
  const { id, own } = await peer.request('open.add', { link: formatLink(linkOfShare(link)), keep: false })
  if (own) return { id, own, stale: false, silent: [] }
  const show = (state: PeerState) => output.progress(searchLine(openedShare(state, id)?.status))
  const { stale, silent = [] } = await peer.watching(show, () =>
    peer.request('open.ready', { id, newest: true, begun, timeout }, timeout + MARGIN),
  )
  output.clearProgress()
  return { id, own, stale, silent }
}

export function openedShare(state: PeerState, id: ShareId): OpenedShareState | undefined {
  return state.opened.find(share => share.id === id)
}

/** The name of a share, wherever it comes from. */
export function shareName(state: PeerState, id: ShareId): string {
  return openedShare(state, id)?.name ?? state.shares.find(share => share.id === id)?.name ?? 'this share'
}

/** Why an answer may not be of the newest version. */
export interface Doubt {
  /** Nobody told what is newest. */
  readonly stale: boolean
  /** Peers that may know a newer version and did not tell in time. */
  readonly silent?: readonly SilentPeer[]
}

/** Says what is in doubt, if anything is. */
export function noteDoubt(output: Output, { stale, silent = [] }: Doubt): void {
  if (silent.length > 0) {
    const named = silent.slice(0, NAMED).map(({ id, name }) => `${peerName({ id, name }, english)} (${id})`)
    const rest = silent.length > NAMED ? ` and ${silent.length - NAMED} more` : ''
    const all = `${named.join(', ')}${rest}`
    output.note(`There may be a newer version: ${all} did not answer in time.`)
  } else if (stale) output.note(STALE_NOTE)
}

const STALE_NOTE = 'Nobody was online to ask for a newer version. This is the newest one known here.'
