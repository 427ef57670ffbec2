/** Sentences about the state: what is the case, why, and what to do. Pure; strangers' texts in them are made safe. */
import {
  countChanges,
  countFiles,
  countFound,
  countPeers,
  explainConflicts,
  explainFound,
  explainSearch,
  isUpdate,
  peerName,
  transferProblems,
  waitsForPeer,
} from '../common/explain'
import { formatBytes, formatCount, formatDuration, safeText } from '../common/format'
import type {
  NetworkState,
  OpenedShareState,
  PeerState,
  ShareState,
  TransferResult,
  TransferState,
} from '../common/model'
import { l10n } from './l10n'

/** Longest message that is shown whole. */
const MAX_MESSAGE = 600
/** The most warnings about a copy that stand in the list; the notification had them all. */
const MAX_WARNINGS = 3
/** The most silent peers that are named. */
const MAX_NAMED = 3

export function networkSentence(network: NetworkState): string {
  switch (network.kind) {
    case 'idle':
      return l10n.t('Offline: nothing is shared or opened.')
    case 'connecting':
      return l10n.t('Connecting to the network…')
    case 'online':
      return network.firewalled
        ? l10n.t('Online, behind a router or firewall. New peers may take some seconds to connect.')
        : l10n.t('Online.')
    case 'unreachable':
      return l10n.t(
        'The network cannot be reached: no bootstrap node answers ({0}). Check the internet connection, and whether UDP is blocked.',
        network.bootstrap.map(node => safeText(node)).join(', '),
      )
  }
}

export function shareSentence({ status, peers }: ShareState): string {
  switch (status.kind) {
    case 'publishing':
      return l10n.t('Publishing changes…')
    case 'sharing':
      return peers === 0
        ? l10n.t('Shared. Nobody is connected now.')
        : l10n.t('Shared with {0} now.', countPeers(peers, l10n))
    case 'stopped':
      return l10n.t('Stopped. Nobody gets it from here.')
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
  }
}

export function openedSentence(share: OpenedShareState): string {
  if (share.stopped) return l10n.t('Disconnected. What is on this machine stays here.')
  const { status } = share
  switch (status.kind) {
    case 'searching':
      return explainSearch(status.why, l10n)
    case 'connected':
      return isComplete(share)
        ? l10n.t('All of it is here. {0} connected.', countPeers(share.peers, l10n))
        : l10n.t('Connected to {0}.', countPeers(share.peers, l10n))
    case 'offline':
      return isComplete(share)
        ? l10n.t('All of it is here. Nobody is connected to ask for changes.')
        : `${l10n.t('Nobody is connected.')} ${explainSearch(status.why, l10n)}`
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
  }
}

export function isComplete({ contents, bytesHere }: OpenedShareState): boolean {
  return contents !== undefined && bytesHere >= contents.bytes
}

export function transferStateWord(transfer: TransferState): string {
  const { status } = transfer
  switch (status.kind) {
    case 'running':
      return l10n.t('Running')
    case 'paused':
      return waitsForPeer(status.error) ? l10n.t('Waiting for a peer') : l10n.t('Waiting')
    case 'done':
      return transferProblems(transfer, l10n) || l10n.t('Done')
    case 'cancelled':
      return l10n.t('Cancelled')
    case 'failed':
      return l10n.t('Failed')
  }
}

/** How far a transfer is, or what became of it. */
export function transferSentence(transfer: TransferState): string {
  const { status } = transfer
  switch (status.kind) {
    case 'running':
      return amounts(transfer)
    case 'paused':
    case 'failed':
      return safeText(status.error.message, MAX_MESSAGE)
    case 'cancelled':
      return amounts(transfer)
    case 'done':
      return resultSentences(status.result).join(' ')
  }
}

function resultSentences(result: TransferResult): string[] {
  const { files, bytes, skippedCount, conflicts, conflictCount = conflicts.length, warnings } = result
  const { stale, silent = [] } = result
  const sentences = [`${countFiles(files, l10n)}, ${formatBytes(bytes)}.`]
  const changes = isUpdate(result) ? countChanges(result, l10n) : []
  if (changes.length > 0) sentences.push(`${changes.join(', ')}.`)
  const found = explainFound(result, l10n)
  if (found !== '') sentences.push(`${found}.`)
  if (skippedCount > 0) sentences.push(l10n.t('Left out: {0}.', formatCount(skippedCount)))
  if (conflictCount > 0) sentences.push(explainConflicts(conflictCount, l10n))
  if (warnings.length > 0) {
    const shown = warnings.slice(0, MAX_WARNINGS).map(warning => safeText(warning))
    sentences.push(l10n.t('Look at these before you run anything: {0}', shown.join(' · ')))
  }
  if (silent.length > 0) {
    const names = silent.slice(0, MAX_NAMED).map(peer => peerName(peer, l10n))
    sentences.push(l10n.t('There may be a newer version: {0} did not answer in time.', names.join(', ')))
  } else if (stale) sentences.push(l10n.t('Nobody was online to ask for a newer version.'))
  return sentences
}

export function timeLeft(transfer: TransferState): string | undefined {
  return transfer.timeLeft === undefined ? undefined : l10n.t('{0} left', formatDuration(transfer.timeLeft))
}

function amounts({ files, bytes, ...transfer }: TransferState): string {
  const ofFiles =
    files.total === undefined
      ? l10n.t('{0} so far', countFiles(files.done, l10n))
      : l10n.t('{0} of {1}', formatCount(files.done), countFiles(files.total, l10n))
  const ofBytes =
    bytes.total === undefined
      ? formatBytes(bytes.done)
      : l10n.t('{0} of {1}', formatBytes(bytes.done), formatBytes(bytes.total))
  return [ofFiles, ofBytes, countFound(transfer, l10n)].filter(part => part !== '').join(' · ')
}

/** Names of shares by id, safe to show, for views that know ids only. */
export function shareNames(state: PeerState): ReadonlyMap<string, string> {
  return new Map([...state.shares, ...state.opened].map(({ id, name }) => [id, safeText(name)]))
}
