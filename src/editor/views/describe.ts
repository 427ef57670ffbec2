/**
 * What the views say about shares, peers and transfers: short descriptions beside the name, and whole sentences for
 * tooltips and screen readers. Pure functions of the state.
 */

import type { ShareId } from '../../common/brand'
import type { UserError } from '../../common/errors'
import {
  countChanges,
  countFiles,
  countFound,
  countPeers,
  describePath,
  explainSearch,
  isUpdate,
  peerName,
  shortReason,
  transferProblems,
  transferTitle,
  waitsForPeer,
} from '../../common/explain'
import { explainHeld } from '../../common/explainHeld'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  noticeable,
  percent,
  safeText,
} from '../../common/format'
import { fingerprint } from '../../common/link'
import type { Localizer } from '../../common/localizer'
import type { OpenedShareState, Rates, RemotePeer, ShareState, TransferState } from '../../common/model'

/** `2 peers · ↑ 2.1 MB/s`; what is wrong, when something is. */
export function describeShare(share: ShareState, l10n: Localizer): string {
  switch (share.status.kind) {
    case 'publishing':
      return l10n.t('publishing…')
    case 'stopped':
      return l10n.t('stopped')
    case 'failed':
      return shortReason(share.status.error)
    case 'sharing':
      return joined(countPeers(share.peers, l10n), formatRates(share.rates))
  }
}

/** Undefined for none. */
function unportableLine(count: number, l10n: Localizer): string | undefined {
  if (count === 0) return undefined
  if (count === 1) return l10n.t('1 file that not every system can hold')
  return l10n.t('{0} files that not every system can hold', formatCount(count))
}

export function explainShare(share: ShareState, l10n: Localizer): string {
  const leftOut = Object.values(share.skipped).reduce((sum, count) => sum + count, 0)
  return lines(
    safeText(share.name),
    share.status.kind === 'failed' ? safeText(share.status.error.message, 600) : undefined,
    share.status.kind === 'stopped' ? l10n.t('Stopped. Nobody gets it from here.') : undefined,
    safeText(share.source, 400),
    l10n.t('{0}, {1}, version {2}', countFiles(share.files, l10n), formatBytes(share.bytes), share.version),
    leftOut === 0
      ? undefined
      : leftOut === 1
        ? l10n.t('1 entry is left out')
        : l10n.t('{0} entries are left out', formatCount(leftOut)),
    unportableLine(share.unportable ?? 0, l10n),
    ...(share.held ?? []).map(held => explainHeld(held, l10n)),
    share.isPublic
      ? l10n.t('Public: anybody who learns its key can read it')
      : l10n.t('Private: only people with the link can read it'),
    l10n.t('Fingerprint: {0}', fingerprint(share.id)),
  )
}

/** `3 peers · ↓ 2.1 MB/s`, `searching…`, `offline · 40% here`. */
export function describeOpened(share: OpenedShareState, l10n: Localizer): string {
  if (share.stopped) return joined(l10n.t('disconnected'), hereOf(share, l10n))
  switch (share.status.kind) {
    case 'connected':
      return joined(countPeers(share.peers, l10n), formatRates(share.rates))
    case 'searching':
      return share.status.why === 'just-started' ? l10n.t('searching…') : l10n.t('nobody found yet')
    case 'offline':
      return joined(l10n.t('offline'), hereOf(share, l10n))
    case 'failed':
      return shortReason(share.status.error)
  }
}

/** Marks a share whose name others have too, as the addresses of its files do (shownNames.ts): `(abcd) · 2 peers`. */
export function describeOpenedAmong(
  all: readonly OpenedShareState[],
  share: OpenedShareState,
  l10n: Localizer,
): string {
  const name = share.name.toLowerCase()
  const isAlone = all.every(other => other.id === share.id || other.name.toLowerCase() !== name)
  return joined(isAlone ? '' : `(${share.id.slice(0, 4)})`, describeOpened(share, l10n))
}

export function explainOpened(share: OpenedShareState, l10n: Localizer): string {
  const { contents } = share
  return lines(
    safeText(share.name),
    explainOpenedStatus(share, l10n),
    contents === undefined
      ? l10n.t('The list of files is not here yet.')
      : l10n.t(
          '{0}, {1}, of which {2} are on this machine; version {3}',
          countFiles(contents.files, l10n),
          formatBytes(contents.bytes),
          formatBytes(Math.min(share.bytesHere, contents.bytes)),
          contents.version,
        ),
    l10n.t('Fingerprint: {0}', share.fingerprint),
  )
}

function explainOpenedStatus(share: OpenedShareState, l10n: Localizer): string | undefined {
  if (share.stopped) return l10n.t('Disconnected. Nothing arrives until you choose “Reconnect”.')
  switch (share.status.kind) {
    case 'connected':
      return l10n.t('Connected to {0}.', countPeers(share.peers, l10n))
    case 'failed':
      return safeText(share.status.error.message, 600)
    case 'offline':
      return `${l10n.t('Nobody who has it is connected now. What is on this machine opens.')} ${explainSearch(share.status.why, l10n)}`
    case 'searching':
      return explainSearch(share.status.why, l10n)
  }
}

/** `owner of garden · ↓ 1.0 MB/s`; shares in common if it owns none and nothing moves. */
export function describePeer(peer: RemotePeer, nameOf: (share: ShareId) => string, l10n: Localizer): string {
  if (peer.blocked) return l10n.t('blocked')
  return (
    joined(describeOwner(peer, nameOf, l10n), formatRates(peer.rates)) ||
    countShares(peer.shares.length, l10n)
  )
}

function describeOwner(
  { owns = [] }: RemotePeer,
  nameOf: (share: ShareId) => string,
  l10n: Localizer,
): string {
  const [only] = owns
  if (only === undefined) return ''
  if (owns.length > 1) return l10n.t('owner of {0} shares', owns.length)
  return l10n.t('owner of {0}', safeText(nameOf(only), 60))
}

/** `nameOf`: what a share is called here. */
export function explainPeer(peer: RemotePeer, nameOf: (share: ShareId) => string, l10n: Localizer): string {
  const named = (shares: readonly ShareId[]) => shares.map(id => safeText(nameOf(id), 60)).join(', ')
  const { owns = [] } = peer
  return lines(
    peerName(peer, l10n),
    l10n.t('Peers choose their names themselves. Key: {0}…', peer.id),
    peer.blocked ? l10n.t('Blocked. Nothing is sent to it or taken from it.') : undefined,
    peer.address === undefined ? undefined : l10n.t('Address: {0}', safeText(peer.address)),
    peer.blocked ? undefined : l10n.t('Connected by {0}', describePath(peer, l10n)),
    peer.shares.length === 0 ? undefined : l10n.t('Shares in common: {0}', named(peer.shares)),
    owns.length === 0 ? undefined : l10n.t('Owner of {0}, proven by the key of the share', named(owns)),
    l10n.t('Received {0}, sent {1}', formatBytes(peer.downBytes), formatBytes(peer.upBytes)),
  )
}

/** `45% · 2.1 MB/s · 12 s left`, or how it ended. Problems come first, since a narrow row cuts the rest. */
export function describeTransfer(transfer: TransferState, l10n: Localizer): string {
  const { status, bytes, rate, timeLeft } = transfer
  const part = percent(bytes.done, bytes.total)
  switch (status.kind) {
    case 'running':
      return joined(
        part === undefined ? formatBytes(bytes.done) : formatPercent(part),
        noticeable(rate) > 0 ? formatRate(rate) : '',
        timeLeft === undefined ? '' : l10n.t('{0} left', formatDuration(timeLeft)),
      )
    case 'paused':
      return joined(waitsFor(status.error, l10n), formatPercent(part))
    case 'done':
      return (
        joined(
          transferProblems(transfer, l10n),
          isUpdate(status.result) ? countChanges(status.result, l10n).join(', ') : '',
        ) || l10n.t('done')
      )
    case 'cancelled':
      return l10n.t('cancelled')
    case 'failed':
      return l10n.t('failed: {0}', shortReason(status.error))
  }
}

export function explainTransfer(transfer: TransferState, l10n: Localizer): string {
  const { status, files, bytes, folder } = transfer
  const error = status.kind === 'paused' || status.kind === 'failed' ? status.error.message : undefined
  const warnings = status.kind === 'done' ? status.result.warnings : []
  return lines(
    titleOfTransfer(transfer, l10n),
    error === undefined ? undefined : safeText(error, 600),
    folder === undefined ? undefined : safeText(folder, 400),
    files.total === undefined
      ? l10n.t('{0}, {1} so far', countFiles(files.done, l10n), formatBytes(bytes.done))
      : l10n.t(
          '{0} of {1}, {2} of {3}',
          formatCount(files.done),
          countFiles(files.total, l10n),
          formatBytes(bytes.done),
          formatBytes(bytes.total ?? bytes.done),
        ),
    countFound(transfer, l10n),
    ...warnings.slice(0, 5).map(warning => safeText(warning, 300)),
  )
}

/** What a transfer is, with the name of what it moves. */
export function titleOfTransfer(transfer: TransferState, l10n: Localizer): string {
  return transferTitle(transfer, safeText(transfer.name), l10n)
}

function waitsFor(error: UserError, l10n: Localizer): string {
  return waitsForPeer(error) ? l10n.t('waiting for a peer') : l10n.t('waiting: {0}', shortReason(error))
}

function countShares(count: number, l10n: Localizer): string {
  if (count === 0) return l10n.t('nothing in common')
  return count === 1 ? l10n.t('1 share in common') : l10n.t('{0} shares in common', count)
}

/** `↓ 2.1 MB/s · ↑ 1.0 kB/s`; empty when nothing worth telling moves. */
export function formatRates({ down, up }: Rates): string {
  return joined(
    noticeable(down) > 0 ? `↓ ${formatRate(down)}` : '',
    noticeable(up) > 0 ? `↑ ${formatRate(up)}` : '',
  )
}

function hereOf({ contents, bytesHere }: OpenedShareState, l10n: Localizer): string {
  const part = percent(bytesHere, contents?.bytes)
  return part === undefined ? '' : l10n.t('{0} here', formatPercent(part))
}

function joined(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' · ')
}

function lines(...parts: readonly (string | undefined)[]): string {
  return parts.filter(part => part !== undefined && part !== '').join('\n')
}
