/** What this machine shares, and what it opened of others, as cards. */
import { formatBytes, formatCount, formatRate, percent, plural, safeText } from '../../common/format'
import type { OpenedShareState, PeerState, Rates, ShareState } from '../../common/model'
import { isComplete, openedSentence, shareSentence } from '../../common/sentences'
import { h, type Markup } from '../markup'
import { badge, button, emptyState, icon, MAX_SHOWN, moreNote, nameOf, progressBar, section } from './parts'

export function shares({ shares }: PeerState): Markup.Element {
  return section(
    { id: 'shares', title: 'Shares', aside: shares.length > 0 ? count(shares.length) : undefined },
    shares.length === 0
      ? emptyState(
          'You share nothing yet. Share a folder or file, send the link, and others have it.',
          button('Share Folder with Peer', { name: 'share-folder' }, '', 'button primary'),
        )
      : h('ul', { key: 'cards', class: 'cards' }, shares.slice(0, MAX_SHOWN).map(shareCard)),
    moreNote(shares.length),
  )
}

export function opened({ opened }: PeerState): Markup.Element {
  return section(
    { id: 'opened', title: 'Opened Shares', aside: opened.length > 0 ? count(opened.length) : undefined },
    opened.length === 0
      ? emptyState(
          'Nothing is open. Paste a link that somebody sent you to see their files here.',
          button('Open Shared Link…', { name: 'open-link' }),
        )
      : h('ul', { key: 'cards', class: 'cards' }, opened.slice(0, MAX_SHOWN).map(openedCard)),
    moreNote(opened.length),
  )
}

function shareCard(share: ShareState): Markup.Element {
  const { id, name, status, skipped } = share
  const leftOut = Object.values(skipped).reduce((sum, entries) => sum + entries, 0)
  return h(
    'li',
    { key: id, class: 'card', 'data-state': status.kind },
    cardHead(share),
    h('p', { class: 'facts', title: safeText(share.source) }, facts(share.files, share.bytes, share.peers)),
    h('p', { class: 'status', 'data-state': status.kind }, shareSentence(share), speeds(share.rates)),
    h(
      'div',
      { class: 'buttons' },
      button('Copy Link', { name: 'copy-link', share: id }, name),
      status.kind === 'stopped' || status.kind === 'failed'
        ? button('Start Sharing', { name: 'start-share', share: id }, name)
        : button('Stop Sharing', { name: 'stop-share', share: id }, name),
      leftOut > 0 &&
        button(`${formatCount(leftOut)} left out`, { name: 'show-left-out', share: id }, name, 'button link'),
    ),
  )
}

function openedCard(share: OpenedShareState): Markup.Element {
  const { id, name, contents, status, bytesHere, stopped } = share
  const isSearching = !stopped && (status.kind === 'searching' || status.kind === 'offline')
  const state = stopped ? 'stopped' : status.kind
  return h(
    'li',
    { key: id, class: 'card', 'data-state': state },
    cardHead(share),
    h(
      'p',
      { class: 'facts' },
      contents === undefined
        ? 'The list of files is not here yet'
        : facts(contents.files, contents.bytes, share.peers),
    ),
    contents !== undefined && here(share, contents.bytes),
    h('p', { class: 'status', 'data-state': state }, openedSentence(share), speeds(share.rates)),
    h('p', { class: 'quiet' }, 'Fingerprint ', h('code', { class: 'id' }, safeText(share.fingerprint))),
    h(
      'div',
      { class: 'buttons' },
      (contents !== undefined || bytesHere > 0) &&
        button('Save a Copy…', { name: 'save-copy', share: id }, name),
      isSearching && button('Look Again', { name: 'find-peers', share: id }, name),
      button('Copy Link', { name: 'copy-link', share: id }, name),
      stopped
        ? button('Start', { name: 'start-share', share: id }, name)
        : button('Stop', { name: 'stop-share', share: id }, name),
    ),
  )
}

function cardHead({ name, isFile, isPublic }: ShareState | OpenedShareState): Markup.Element {
  return h(
    'div',
    { class: 'card-head' },
    icon(isFile ? 'file' : 'folder'),
    h('h3', {}, nameOf(name)),
    badge(isPublic ? 'Public' : 'Private'),
  )
}

function here(share: OpenedShareState, total: number): Markup.Element {
  const done = percent(share.bytesHere, total) ?? 0
  const text = isComplete(share)
    ? 'Complete on this machine'
    : `${formatBytes(share.bytesHere)} on this machine (${done}%)`
  return h(
    'div',
    { class: 'here' },
    progressBar(done, {
      label: `On this machine: ${safeText(share.name)}`,
      text,
      state: isComplete(share) ? 'done' : 'running',
    }),
    h('span', { class: 'quiet' }, text),
  )
}

function facts(files: number, bytes: number, peers: number): string {
  return [plural(files, 'file'), formatBytes(bytes), plural(peers, 'peer')].join(' · ')
}

function speeds({ down, up }: Rates): Markup.Element | undefined {
  if (down === 0 && up === 0) return undefined
  return h(
    'span',
    { class: 'speeds' },
    down > 0 && h('span', {}, icon('down'), h('span', { class: 'unseen' }, 'Download '), formatRate(down)),
    up > 0 && h('span', {}, icon('up'), h('span', { class: 'unseen' }, 'Upload '), formatRate(up)),
  )
}

function count(of: number): Markup.Element {
  return h('span', { class: 'count' }, formatCount(of))
}
