/** Who this machine is to others, whether it can reach them, and the two things one comes here to start. */
import type { DashboardState, ProcessKind } from '../../common/dashboardMessages'
import { peerName } from '../../common/explain'
import { safeText } from '../../common/format'
import type { PeerState } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { networkSentence } from '../sentences'
import { button, nameOf, openLinkButton, shareFolderButton } from './parts'

export function header({ state, process }: DashboardState): Markup.Element {
  return h(
    'header',
    { key: 'header', class: 'top' },
    h(
      'div',
      { class: 'identity' },
      h('h1', {}, state === null || state.me.name === '' ? 'Peerfold' : nameOf(state.me.name)),
      state !== null &&
        h(
          'p',
          { class: 'quiet' },
          state.me.name === '' && l10n.t('Others see you as “{0}”.', peerName(state.me, l10n)),
          ' ',
          l10n.t('Your key'),
          ' ',
          h('code', { class: 'id' }, safeText(state.me.id)),
        ),
    ),
    h('div', { class: 'buttons' }, shareFolderButton(), openLinkButton()),
    state === null || process !== 'running' ? processLine(process) : networkLine(state),
  )
}

function networkLine({ network, keepRunning }: PeerState): Markup.Element {
  return line(
    network.kind,
    networkSentence(network),
    keepRunning && h('p', { class: 'quiet' }, l10n.t('Sharing continues when VS Code closes.')),
    network.kind === 'unreachable' &&
      button(l10n.t('Open Settings'), { name: 'open-settings' }, '', 'button link'),
  )
}

function processLine(process: ProcessKind): Markup.Element {
  return line(
    process,
    processSentence(process),
    process === 'ended' && button(l10n.t('Start Again'), { name: 'start-process' }, '', 'button link'),
    process === 'failed' && button(l10n.t('Try Again'), { name: 'start-process' }, '', 'button link'),
    process === 'failed' && button(l10n.t('Show Log'), { name: 'show-log' }, '', 'button link'),
  )
}

function line(state: string, sentence: string, ...more: readonly (Markup.Element | false)[]): Markup.Element {
  return h(
    'div',
    { key: 'network', class: 'network', 'data-state': state },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('div', { class: 'network-text' }, h('p', {}, sentence), ...more),
  )
}

function processSentence(process: ProcessKind): string {
  switch (process) {
    case 'off':
      return l10n.t('Peerfold starts when you share or open something.')
    case 'ended':
      return l10n.t('Peerfold is stopped. Nothing is being shared or downloaded.')
    case 'starting':
      return l10n.t('Starting…')
    case 'running':
      return l10n.t('Running.')
    case 'failed':
      return l10n.t('Peerfold could not start. The log says why.')
  }
}
