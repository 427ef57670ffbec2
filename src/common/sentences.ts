/** Sentences about the state: what is the case, why, and what to do. Pure, and the same wherever they are shown. */
import { formatBytes, formatCount, formatDuration, plural, safeText } from './format'
import type {
  NetworkState,
  OpenedShareState,
  PeerState,
  SearchReason,
  ShareState,
  TransferState,
} from './model'

/** Longest message that is shown whole. */
const MAX_MESSAGE = 600

export function networkSentence(network: NetworkState): string {
  switch (network.kind) {
    case 'idle':
      return 'Not connected, because nothing is shared or opened.'
    case 'connecting':
      return 'Connecting to the network…'
    case 'online':
      return network.firewalled
        ? 'Online, behind a router or firewall. Finding a way to a new peer may take some seconds.'
        : 'Online'
    case 'unreachable':
      return `Network unreachable: no bootstrap node answers (${network.bootstrap.map(node => safeText(node)).join(', ')}). Check that this machine is online and that UDP is not blocked.`
  }
}

/** Why nobody who has a share is connected, as far as that is known. */
export function searchSentence(why: SearchReason): string {
  switch (why) {
    case 'just-started':
      return 'Looking for peers…'
    case 'bootstrap-unreachable':
      return 'The network cannot be reached: no bootstrap node answers.'
    case 'nobody-announces':
      return 'The network answers, but nobody offers this share now. Ask whoever sent the link to come online.'
    case 'cannot-connect':
      return 'Peers offer this share, but no connection to them can be made. A firewall may be in the way.'
    case 'no-answer':
      return 'Peers are connected, but none of them has this share.'
  }
}

export function shareSentence({ status, peers }: ShareState): string {
  switch (status.kind) {
    case 'publishing':
      return 'Publishing changes…'
    case 'sharing':
      return peers === 0 ? 'Shared. Nobody is connected now.' : `Shared with ${plural(peers, 'peer')} now.`
    case 'stopped':
      return 'Stopped: nobody gets it from here.'
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
  }
}

export function openedSentence(share: OpenedShareState): string {
  if (share.stopped) return 'Stopped. What is here stays here.'
  const { status } = share
  switch (status.kind) {
    case 'searching':
      return searchSentence(status.why)
    case 'connected':
      return isComplete(share)
        ? `All of it is here. ${plural(share.peers, 'peer')} connected.`
        : `Connected to ${plural(share.peers, 'peer')}.`
    case 'offline':
      return isComplete(share)
        ? 'All of it is here. Nobody is connected to ask for changes.'
        : `Nobody is connected. ${searchSentence(status.why)}`
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
  }
}

export function isComplete({ contents, bytesHere }: OpenedShareState): boolean {
  return contents !== undefined && bytesHere >= contents.bytes
}

export function transferTitle({ kind }: TransferState): string {
  return { import: 'Publishing', copy: 'Saving a copy of', seed: 'Fetching all of' }[kind]
}

/** What became of a transfer, or how far it is. */
export function transferSentence(transfer: TransferState): string {
  const { status } = transfer
  switch (status.kind) {
    case 'running':
      return amounts(transfer)
    case 'paused':
      return `Paused. ${safeText(status.error.message, MAX_MESSAGE)}`
    case 'cancelled':
      return 'Cancelled.'
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
    case 'done': {
      const { files, bytes, skippedCount, conflicts, warnings, stale } = status.result
      return [
        `Done: ${plural(files, 'file')}, ${formatBytes(bytes)}.`,
        skippedCount > 0 ? `${plural(skippedCount, 'entry', 'entries')} left out.` : '',
        conflicts.length > 0
          ? `${plural(conflicts.length, 'file')} changed here: kept, the incoming ones lie beside.`
          : '',
        warnings.length > 0
          ? `Look before you run: ${warnings
              .slice(0, 3)
              .map(warning => safeText(warning))
              .join('; ')}`
          : '',
        stale ? 'Nobody was there to ask for a newer version.' : '',
      ]
        .filter(part => part !== '')
        .join(' ')
    }
  }
}

export function timeLeftSentence({ status, timeLeft }: TransferState): string | undefined {
  return status.kind === 'running' && timeLeft !== undefined ? `${formatDuration(timeLeft)} left` : undefined
}

function amounts({ files, bytes }: TransferState): string {
  const fileWords =
    files.total === undefined
      ? `${plural(files.done, 'file')} so far`
      : `${formatCount(files.done)} of ${plural(files.total, 'file')}`
  const byteWords =
    bytes.total === undefined
      ? formatBytes(bytes.done)
      : `${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}`
  return `${fileWords} · ${byteWords}`
}

/** Names of shares by id, cleaned for display, for views that know ids only. */
export function shareNames(state: PeerState): ReadonlyMap<string, string> {
  return new Map([...state.shares, ...state.opened].map(({ id, name }) => [id, safeText(name)]))
}
