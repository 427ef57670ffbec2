/**
 * What the editor and the dashboard's page say to each other. The page is drawn from the last `state` message and
 * from nothing else; what a person clicks comes back as an action, which the editor maps to one of its commands.
 * The page shows what strangers wrote, so the editor checks what comes from there: only known actions, with plain ids,
 * reach a command. The editor's own messages need no check.
 */
import type { PeerId, ShareId } from './brand'
import type { PeerState } from './model'

/** Everything there is to see. */
export interface DashboardState {
  readonly type: 'state'
  readonly process: ProcessKind
  /** Null while there is no state to show: the peer process is off, starting or failed. */
  readonly state: PeerState | null
  readonly history: RateSeries
}

export type ToDashboard =
  | DashboardState
  /** Translations of the page's texts by their English originals; comes before the first state, if at all. */
  | { readonly type: 'texts'; readonly texts: Readonly<Record<string, string>> }

export type FromDashboard =
  /** The page listens now: everything before it is lost, so everything is sent after it. */
  { readonly type: 'ready' } | { readonly type: 'action'; readonly action: DashboardAction }

/** Whether the peer process runs. */
export type ProcessKind = 'off' | 'ended' | 'starting' | 'running' | 'failed'

/** Bytes a second for each of the last seconds, oldest first; both lists have the same length. */
export interface RateSeries {
  readonly down: readonly number[]
  readonly up: readonly number[]
}

/** Seconds that the chart shows. */
export const HISTORY_SECONDS = 90

/** What can be clicked. Only ids travel, never names or paths. */
export type DashboardAction =
  | { readonly name: (typeof PLAIN_ACTIONS)[number] }
  | { readonly name: (typeof SHARE_ACTIONS)[number]; readonly share: ShareId }
  | { readonly name: (typeof TRANSFER_ACTIONS)[number]; readonly transfer: string }
  | { readonly name: (typeof PEER_ACTIONS)[number]; readonly peer: PeerId }
  | { readonly name: (typeof LIVE_ACTIONS)[number]; readonly live: string }

export const PLAIN_ACTIONS = [
  'share-folder',
  'open-link',
  'clear-transfers',
  'start-process',
  'show-log',
  'open-settings',
] as const
export const SHARE_ACTIONS = [
  'copy-link',
  'stop-share',
  'start-share',
  'save-copy',
  'find-peers',
  'show-left-out',
] as const
export const TRANSFER_ACTIONS = ['cancel-transfer', 'retry-transfer', 'review-conflicts'] as const
export const PEER_ACTIONS = ['block-peer', 'unblock-peer'] as const
export const LIVE_ACTIONS = ['solve-conflicts', 'decide-sync', 'pause-sync', 'resume-sync'] as const

export function isFromDashboard(value: unknown): value is FromDashboard {
  if (!isRecord(value)) return false
  return value.type === 'ready' || (value.type === 'action' && isDashboardAction(value.action))
}

function isDashboardAction(value: unknown): value is DashboardAction {
  if (!isRecord(value)) return false
  const { name } = value
  if (isOneOf(PLAIN_ACTIONS)(name)) return true
  if (isOneOf(SHARE_ACTIONS)(name)) return isId(value.share)
  if (isOneOf(TRANSFER_ACTIONS)(name)) return isId(value.transfer)
  if (isOneOf(PEER_ACTIONS)(name)) return isId(value.peer)
  if (isOneOf(LIVE_ACTIONS)(name)) return isId(value.live)
  return false
}

/** Ids of shares, peers and transfers are short and plain; nothing else may reach a command. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)
}

function isOneOf<const T extends string>(choices: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => choices.some(choice => choice === value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
