/** What this machine shares, and what it opened of others, as cards. */
import { countFiles, countPeers } from '../../common/explain'
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatRate,
  noticeable,
  percent,
  safeText,
} from '../../common/format'
import { fingerprint } from '../../common/link'
import type { OpenedShareState, PeerState, Rates, ShareState } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { isComplete, openedSentence, shareSentence } from '../sentences'
import {
  badge,
  button,
  count,
  emptyState,
  icon,
  MAX_SHOWN,
  moreNote,
  nameOf,
  openLinkButton,
  progressBar,
  section,
  shareFolderButton,
} from './parts'

export function shares({ shares }: PeerState): Markup.Element {
  const nothing = l10n.t(
    'You share nothing yet. Share a folder and send its link: whoever opens it gets the files from this machine.',
  )
  return section(
    { id: 'shares', title: l10n.t('Shares'), aside: count(shares.length) },
    shares.length === 0
      ? emptyState(nothing, shareFolderButton())
      : h('ul', { key: 'cards', class: 'cards' }, shares.slice(0, MAX_SHOWN).map(shareCard)),
    moreNote(shares.length),
  )
}

export function opened({ opened }: PeerState): Markup.Element {
  const nothing = l10n.t('No share is open. Paste a link that somebody sent you to see their files.')
  return section(
    { id: 'opened', title: l10n.t('Opened Shares'), aside: count(opened.length) },
    opened.length === 0
      ? emptyState(nothing, openLinkButton())
      : h('ul', { key: 'cards', class: 'cards' }, opened.slice(0, MAX_SHOWN).map(openedCard)),
    moreNote(opened.length),
  )
}

function shareCard(share: ShareState): Markup.Element {
  const { id, name, status, skipped } = share
  const leftOut = Object.values(skipped).reduce((sum, entries) => sum + entries, 0)
  const isStopped = status.kind === 'stopped'
  return h(
    'li',
    { key: id, class: 'card' },
    cardHead(share),
    h('p', { class: 'facts', title: safeText(share.source) }, facts(share.files, share.bytes, share.peers)),
    statusLine(status.kind, shareSentence(share), share.rates),
    fingerprintLine(fingerprint(id)),
    h(
      'div',
      { class: 'buttons' },
      button(l10n.t('Copy Link'), { name: 'copy-link', share: id }, name),
      isStopped && button(l10n.t('Start Sharing Again'), { name: 'start-share', share: id }, name),
      status.kind === 'failed' && button(l10n.t('Retry'), { name: 'start-share', share: id }, name),
      !isStopped && button(l10n.t('Stop Sharing'), { name: 'stop-share', share: id }, name),
      leftOut > 0 &&
        button(
          l10n.t('{0} left out', formatCount(leftOut)),
          { name: 'show-left-out', share: id },
          name,
          'button link',
        ),
    ),
  )
}

function openedCard(share: OpenedShareState): Markup.Element {
  const { id, name, contents, status, stopped } = share
  const isSearching = !stopped && (status.kind === 'searching' || status.kind === 'offline')
  return h(
    'li',
    { key: id, class: 'card' },
    cardHead(share),
    h(
      'p',
      { class: 'facts' },
      contents === undefined
        ? l10n.t('The list of files is not here yet')
        : facts(contents.files, contents.bytes, share.peers),
    ),
    contents !== undefined && here(share, contents.bytes),
    statusLine(stopped ? 'stopped' : status.kind, openedSentence(share), share.rates),
    fingerprintLine(share.fingerprint),
    h(
      'div',
      { class: 'buttons' },
      contents !== undefined && button(l10n.t('Save a Copy…'), { name: 'save-copy', share: id }, name),
      isSearching && button(l10n.t('Look Again'), { name: 'find-peers', share: id }, name),
      button(l10n.t('Copy Link'), { name: 'copy-link', share: id }, name),
      stopped && button(l10n.t('Reconnect'), { name: 'start-share', share: id }, name),
      !stopped && button(l10n.t('Disconnect'), { name: 'stop-share', share: id }, name, 'button link'),
    ),
  )
}

/** Both sides see the same fingerprint, to compare. */
function fingerprintLine(text: string): Markup.Element {
  return h('p', { class: 'quiet' }, l10n.t('Fingerprint'), ' ', h('code', { class: 'id' }, safeText(text)))
}

function cardHead({ name, isFile, isPublic }: ShareState | OpenedShareState): Markup.Element {
  return h(
    'div',
    { class: 'card-head' },
    icon(isFile ? 'file' : 'folder'),
    h('h3', {}, nameOf(name)),
    badge(isPublic ? l10n.t('Public') : l10n.t('Private')),
  )
}

function here(share: OpenedShareState, total: number): Markup.Element {
  const done = percent(share.bytesHere, total) ?? 0
  const text = isComplete(share)
    ? l10n.t('Complete on this machine')
    : l10n.t('{0} on this machine ({1})', formatBytes(share.bytesHere), formatPercent(done))
  return h(
    'div',
    { class: 'here' },
    progressBar(done, {
      label: l10n.t('On this machine: {0}', safeText(share.name)),
      text,
      state: isComplete(share) ? 'done' : 'running',
    }),
    h('p', { class: 'quiet' }, text),
  )
}

/** Peers are left out when there are none: the status sentence says so. */
function facts(files: number, bytes: number, peers: number): string {
  return [countFiles(files, l10n), formatBytes(bytes), ...(peers > 0 ? [countPeers(peers, l10n)] : [])].join(
    ' · ',
  )
}

function statusLine(state: string, sentence: string, { down, up }: Rates): Markup.Element {
  return h(
    'div',
    { class: 'status-line' },
    h('p', { class: 'status', 'data-state': state }, sentence),
    noticeable(down) > 0 && speed('down', l10n.t('Download'), down),
    noticeable(up) > 0 && speed('up', l10n.t('Upload'), up),
  )
}

function speed(direction: 'down' | 'up', label: string, rate: number): Markup.Element {
  return h(
    'p',
    { key: direction, class: 'pace' },
    icon(direction),
    h('span', { class: 'unseen' }, `${label} `),
    formatRate(rate),
  )
}
