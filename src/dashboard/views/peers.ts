/** Who is connected, how, how fast, and for which shares. A table that turns into a list where it has no room. */
import { formatBytes, formatCount, formatRate, safeText } from '../../common/format'
import type { PeerState, RemotePeer } from '../../common/model'
import { shareNames } from '../../common/sentences'
import { h, type Markup } from '../markup'
import { badge, button, emptyState, MAX_SHOWN, moreNote, nameOf, section } from './parts'

const COLUMNS = ['Peer', 'Connection', 'Download', 'Upload', 'Shares'] as const
/** Names listed per peer; the rest is counted. */
const MAX_NAMES = 3

export function peers(state: PeerState): Markup.Element {
  const names = shareNames(state)
  const total = state.peers.length
  return section(
    {
      id: 'peers',
      title: 'Peers',
      aside: total > 0 ? h('span', { class: 'count' }, formatCount(total)) : undefined,
    },
    total === 0 ? noPeers(state) : table(state.peers.slice(0, MAX_SHOWN), names),
    moreNote(total),
  )
}

function noPeers({ shares, opened }: PeerState): Markup.Element {
  return shares.length + opened.length === 0
    ? emptyState('Peers appear here once you share or open something.')
    : emptyState('Nobody is connected now. Peers appear here as soon as they are found.')
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
          COLUMNS.map(column =>
            h('th', { key: column, class: classOf(column), role: 'columnheader', scope: 'col' }, column),
          ),
          h(
            'th',
            { key: 'actions', role: 'columnheader', scope: 'col' },
            h('span', { class: 'unseen' }, 'Actions'),
          ),
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

function row(peer: RemotePeer, names: ReadonlyMap<string, string>): Markup.Element {
  const { id, name, blocked, rates } = peer
  return h(
    'tr',
    { key: id, role: 'row', 'data-state': blocked ? 'blocked' : 'connected' },
    h(
      'th',
      { key: 'Peer', class: 'peer', role: 'rowheader', scope: 'row' },
      nameOf(name),
      h('code', { class: 'id' }, safeText(id)),
    ),
    cell(
      'Connection',
      blocked ? badge('Blocked', 'blocked') : badge(peer.transport === 'tcp' ? 'TCP' : 'UDX', peer.transport),
      peer.address === undefined ? undefined : h('code', { class: 'id address' }, safeText(peer.address)),
    ),
    cell(
      'Download',
      formatRate(rates.down),
      h('span', { class: 'quiet' }, `${formatBytes(peer.downBytes)} in all`),
    ),
    cell(
      'Upload',
      formatRate(rates.up),
      h('span', { class: 'quiet' }, `${formatBytes(peer.upBytes)} in all`),
    ),
    cell('Shares', sharesOf(peer, names)),
    h(
      'td',
      { key: 'actions', class: 'row-actions', role: 'cell' },
      blocked
        ? button('Unblock', { name: 'unblock-peer', peer: id }, name || id, 'button link')
        : button('Block', { name: 'block-peer', peer: id }, name || id, 'button link'),
    ),
  )
}

function cell(column: (typeof COLUMNS)[number], ...content: readonly (Markup | undefined)[]): Markup.Element {
  return h('td', { key: column, class: classOf(column), role: 'cell', 'data-label': column }, ...content)
}

function classOf(column: (typeof COLUMNS)[number]): string {
  return column === 'Download' || column === 'Upload' ? 'number' : column.toLowerCase()
}

function sharesOf({ shares }: RemotePeer, names: ReadonlyMap<string, string>): Markup.Element {
  const known = shares.map(id => names.get(id)).filter(name => name !== undefined)
  if (known.length === 0) return h('span', { class: 'quiet' }, 'None')
  const rest = known.length - MAX_NAMES
  return h(
    'bdi',
    { class: 'name', title: known.join(', ') },
    known.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : ''),
  )
}
