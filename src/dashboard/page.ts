/** The whole page as a function of what the editor sent. */
import type { DashboardState } from '../common/dashboardMessages'
import { l10n } from './l10n'
import { h, type Markup } from './markup'
import { speed } from './views/chart'
import { header } from './views/header'
import { live } from './views/live'
import { emptyState, openLinkButton, shareFolderButton } from './views/parts'
import { peers } from './views/peers'
import { opened, shares } from './views/shares'
import { transfers } from './views/transfers'

export function page(message: DashboardState): readonly Markup[] {
  const { state, history } = message
  if (state === null) {
    return [
      header(message),
      h('main', { key: 'main', class: 'main' }, h('div', { key: 'off' }, notRunning())),
    ]
  }
  const connected = state.peers.filter(peer => !peer.blocked).length
  return [
    header(message),
    h(
      'main',
      { key: 'main', class: 'main' },
      speed(state.rates, connected, history),
      h(
        'div',
        { key: 'columns', class: 'columns' },
        h('div', { key: 'left', class: 'column' }, shares(state), opened(state), live(state)),
        h('div', { key: 'right', class: 'column' }, transfers(state), peers(state)),
      ),
    ),
  ]
}

function notRunning(): Markup {
  return emptyState(
    l10n.t('Shares, peers and transfers appear here once Peerfold runs.'),
    shareFolderButton(),
    openLinkButton(),
  )
}
