/** Who this machine is to others, whether it can reach them, and the two things one comes here to start. */
import type { ProcessKind, ToDashboard } from '../../common/dashboardMessages'
import { safeText } from '../../common/format'
import { networkSentence } from '../../common/sentences'
import { h, type Markup } from '../markup'
import { button, nameOf } from './parts'

export function header({ state, process }: ToDashboard): Markup.Element {
  return h(
    'header',
    { key: 'header', class: 'top' },
    h(
      'div',
      { class: 'identity' },
      h('h1', {}, state === null ? 'Peerfold' : nameOf(state.me.name)),
      state !== null &&
        h(
          'p',
          { class: 'quiet' },
          'Others see you as peer ',
          h('code', { class: 'id' }, safeText(state.me.id)),
        ),
    ),
    h(
      'div',
      { class: 'buttons' },
      button('Share Folder with Peer', { name: 'share-folder' }, '', 'button primary'),
      button('Open Shared Link…', { name: 'open-link' }),
    ),
    state === null || process !== 'running' ? processLine(process) : networkLine(state),
  )
}

function networkLine({ network, keepRunning }: NonNullable<ToDashboard['state']>): Markup.Element {
  return h(
    'div',
    { key: 'network', class: 'network', 'data-state': network.kind },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('p', {}, networkSentence(network)),
    keepRunning && h('p', { class: 'quiet' }, 'Sharing goes on when VS Code is closed.'),
    network.kind === 'unreachable' && button('Open Settings', { name: 'open-settings' }, '', 'button link'),
  )
}

const PROCESS_WORDS: Record<ProcessKind, string> = {
  off: 'Not running. Peerfold starts as soon as you share or open something.',
  starting: 'Starting…',
  running: 'Running.',
  failed: 'Peerfold could not start. The log says why.',
}

function processLine(process: ProcessKind): Markup.Element {
  return h(
    'div',
    { key: 'network', class: 'network', 'data-state': process },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('p', {}, PROCESS_WORDS[process]),
    process === 'failed' && button('Show Log', { name: 'show-log' }, '', 'button link'),
  )
}
