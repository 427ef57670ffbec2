/** Who is connected, how, how fast, and for which shares. A table that turns into a list where it has no room. */
import { countedPeers, describePath, peerName } from '../../common/explain'
import { formatBytes, formatRate, noticeable, safeText } from '../../common/format'
import type { PeerState, RemotePeer } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { shareNames } from '../sentences'
import { badge, button, count, emptyState, MAX_SHOWN, moreNote, nameOf, section } from './parts'

/** Names listed per peer; the rest is counted. */
const MAX_NAMES = 3

export function peers(state: PeerState): Markup.Element {
  const { peers, shares, opened } = state
  const nothing =
    shares.length + opened.length === 0
      ? l10n.t('Peers appear here once you share or open something.')
      : l10n.t('Nobody is connected right now. Peers appear here as soon as they are found.')
  return section(
    { id: 'peers', title: l10n.t('Peers'), aside: count(countedPeers(state)) },
    peers.length === 0 ? emptyState(nothing) : table(peers.slice(0, MAX_SHOWN), shareNames(state)),
    moreNote(peers.length),
  )
}

/** The roles are spelled out: a table that is laid out as a list would lose them. */
function table(rows: readonly RemotePeer[], names: ReadonlyMap<string, string>): Markup.Element {
  return h(
    'div',
    { key: 'table', class: 'table-frame' },
    h(
      'table',
      { class: 'table', role: 'table', 'aria-labelledby': 'peers-title' },
      h(
        'thead',
        { role: 'rowgroup' },
        h(
          'tr',
          { role: 'row' },
          columnHead('peer', l10n.t('Peer')),
          columnHead('connection', l10n.t('Connection')),
          columnHead('number', l10n.t('Download')),
          columnHead('number', l10n.t('Upload')),
          columnHead('shares', l10n.t('Shares')),
          columnHead('row-actions', h('span', { class: 'unseen' }, l10n.t('Actions'))),
        ),
      ),
      h(
        'tbody',
        { role: 'rowgroup' },
        rows.map(peer => row(peer, names)),
      ),
    ),
  )
}

function columnHead(name: string, content: Markup): Markup.Element {
  return h('th', { class: name, role: 'columnheader', scope: 'col' }, content)
}

function row(peer: RemotePeer, names: ReadonlyMap<string, string>): Markup.Element {
  const { id, blocked, rates } = peer
  const who = peerName(peer, l10n)
  return h(
    'tr',
    { key: id, role: 'row', 'data-state': blocked ? 'blocked' : 'connected' },
    h(
      'th',
      { class: 'peer', role: 'rowheader', scope: 'row' },
      nameOf(who),
      h('code', { class: 'id' }, safeText(id)),
    ),
    cell('connection', l10n.t('Connection'), ...connection(peer)),
    cell('number', l10n.t('Download'), ...traffic(rates.down, peer.downBytes)),
    cell('number', l10n.t('Upload'), ...traffic(rates.up, peer.upBytes)),
    cell('shares', l10n.t('Shares'), sharesOf(peer, names)),
    h(
      'td',
      { class: 'row-actions', role: 'cell' },
      blocked
        ? button(l10n.t('Unblock'), { name: 'unblock-peer', peer: id }, who, 'button link')
        : button(l10n.t('Block'), { name: 'block-peer', peer: id }, who, 'button link'),
    ),
  )
}

/** `label` stands before the content where the table is laid out as a list. */
function cell(name: string, label: string, ...content: readonly (Markup | undefined)[]): Markup.Element {
  return h('td', { class: name, role: 'cell', 'data-label': label }, h('div', { class: 'cell' }, ...content))
}

function connection(peer: RemotePeer): readonly (Markup | undefined)[] {
  const { blocked, transport, address } = peer
  return [
    blocked ? badge(l10n.t('Blocked'), 'blocked') : badge(describePath(peer, l10n), transport),
    address === undefined ? undefined : h('code', { class: 'id second' }, safeText(address)),
  ]
}

function traffic(measured: number, total: number): readonly Markup[] {
  const rate = noticeable(measured)
  return [
    h('span', { class: rate > 0 ? 'rate' : 'rate quiet' }, formatRate(rate)),
    h('span', { class: 'quiet second' }, l10n.t('{0} in all', formatBytes(total))),
  ]
}

function sharesOf({ shares, owns = [] }: RemotePeer, names: ReadonlyMap<string, string>): Markup.Element {
  const known = shares.flatMap(id => {
    const name = names.get(id)
    if (name === undefined) return []
    return [owns.includes(id) ? l10n.t('{0} (owner)', name) : name]
  })
  if (known.length === 0) return h('span', { class: 'quiet' }, l10n.t('None'))
  const shown = known.slice(0, MAX_NAMES).join(', ')
  const rest = known.length - MAX_NAMES
  return h(
    'bdi',
    { class: 'name', title: known.join(', ') },
    rest > 0 ? l10n.t('{0} and {1} more', shown, rest) : shown,
  )
}
