/** What the status bar item says: a pure function of the state. No stranger's text stands in it. */
import * as path from 'node:path'
import { countedPeers, countPeers, explainSearch } from '../../common/explain'
import { describeAllLive, describeLive, needsUser } from '../../common/explainLive'
import type { Localizer } from '../../common/localizer'
import type { PeerState, TransferState } from '../../common/model'
import { type CommandId, Commands } from '../contributions'
import type { PeerProcessStatus } from '../peerProcess'
import { formatRates } from './describe'

export interface StatusText {
  /** May hold icons, `$(name)`. */
  readonly text: string
  /** Lines of plain text. */
  readonly tooltip: string
  readonly command: CommandId
  /** Something keeps Peerfold from working. */
  readonly isError: boolean
}

/** Undefined: there is nothing to show. */
export function statusText(
  status: PeerProcessStatus,
  state: PeerState | undefined,
  l10n: Localizer,
): StatusText | undefined {
  if (status.kind === 'failed') {
    return {
      text: `$(error) ${l10n.t('Peerfold')}`,
      tooltip: status.error.message,
      command: Commands.showLog,
      isError: true,
    }
  }
  if (status.kind === 'starting') {
    return {
      text: `$(sync~spin) ${l10n.t('Peerfold')}`,
      tooltip: l10n.t('Peerfold is starting…'),
      command: Commands.showLog,
      isError: false,
    }
  }
  if (state === undefined || isQuiet(state)) return undefined
  return {
    text: textOf(state, l10n),
    tooltip: tooltipOf(state, l10n),
    command: Commands.openDashboard,
    isError: false,
  }
}

/** Nothing shared, nothing opened, nothing moving, and nothing that stays behind. */
function isQuiet(state: PeerState): boolean {
  const { shares, opened, transfers, keepRunning } = state
  return shares.length === 0 && opened.length === 0 && !keepRunning && !transfers.some(isActive)
}

function textOf(state: PeerState, l10n: Localizer): string {
  const rates = formatRates(state.rates)
  const sync = describeAllLive(state.live ?? [], l10n)
  const words = [countPeers(countedPeers(state), l10n), rates, sync].filter(word => word !== '')
  const pin = state.keepRunning ? ' $(pinned)' : ''
  return `${iconOf(state)} ${words.join(' · ')}${pin}`
}

function iconOf(state: PeerState): string {
  if (state.network.kind === 'unreachable') return '$(warning)'
  if (state.live?.some(needsUser) === true) return '$(warning)'
  if (state.transfers.some(isActive)) return '$(sync~spin)'
  return '$(broadcast)'
}

function tooltipOf(state: PeerState, l10n: Localizer): string {
  const sharing = state.shares.filter(({ status }) => status.kind !== 'stopped').length
  const active = state.transfers.filter(isActive).length
  const parts = [
    l10n.t('Peerfold'),
    state.network.kind === 'unreachable' ? explainSearch('bootstrap-unreachable', l10n) : '',
    l10n.t('Shares: {0}, opened shares: {1}', sharing, state.opened.length),
    l10n.t('Connected peers: {0}', countedPeers(state)),
    active > 0 ? l10n.t('Transfers: {0}', active) : '',
    ...(state.live ?? []).map(copy => `${path.basename(copy.folder)}: ${describeLive(copy, l10n)}`),
    state.keepRunning ? l10n.t('Sharing continues when VS Code closes.') : '',
  ]
  return parts.filter(part => part !== '').join('\n')
}

function isActive({ status }: TransferState): boolean {
  return status.kind === 'running' || status.kind === 'paused'
}
