/** What a click on the dashboard means: one of the extension's commands, for something that is there now. */
import type { ShareId } from '../../common/brand'
import type { DashboardAction } from '../../common/dashboardMessages'
import type { PeerState } from '../../common/model'
import { type CommandId, Commands } from '../contributions'

export interface CommandCall {
  readonly command: CommandId | 'workbench.action.openSettings'
  readonly args: readonly unknown[]
}

const TRANSFER_COMMANDS = {
  'cancel-transfer': Commands.cancelTransfer,
  'retry-transfer': Commands.retry,
  'review-conflicts': Commands.reviewConflicts,
} as const

const LIVE_COMMANDS = {
  'solve-conflicts': Commands.reviewConflicts,
  'decide-sync': Commands.decideSync,
  'pause-sync': Commands.pauseSync,
  'resume-sync': Commands.resumeSync,
} as const

/** Undefined when the share, transfer or peer is gone by now, or was never there. */
export function commandFor(action: DashboardAction, state: PeerState | undefined): CommandCall | undefined {
  switch (action.name) {
    case 'share-folder':
      return { command: Commands.shareFolder, args: [] }
    case 'open-link':
      return { command: Commands.openLink, args: [] }
    case 'clear-transfers':
      return { command: Commands.clearTransfers, args: [] }
    case 'start-process':
      return { command: Commands.retry, args: [] }
    case 'show-log':
      return { command: Commands.showLog, args: [] }
    case 'open-settings':
      return { command: 'workbench.action.openSettings', args: ['peerfold.bootstrap'] }
    case 'cancel-transfer':
    case 'retry-transfer':
    case 'review-conflicts': {
      const known = state?.transfers.some(({ id }) => id === action.transfer)
      return known ? { command: TRANSFER_COMMANDS[action.name], args: [action.transfer] } : undefined
    }
    case 'block-peer':
    case 'unblock-peer': {
      const known = state?.peers.some(({ id }) => id === action.peer)
      const command = action.name === 'block-peer' ? Commands.blockPeer : Commands.unblockPeer
      return known ? { command, args: [action.peer] } : undefined
    }
    case 'solve-conflicts':
    case 'decide-sync':
    case 'pause-sync':
    case 'resume-sync': {
      const known = state?.live?.some(({ id }) => id === action.live)
      return known ? { command: LIVE_COMMANDS[action.name], args: [action.live] } : undefined
    }
    default:
      return shareCommand(action.name, action.share, state)
  }
}

/** Own shares and opened ones have different commands where the same action means another thing. */
function shareCommand(
  name: Extract<DashboardAction, { share: ShareId }>['name'],
  share: ShareId,
  state: PeerState | undefined,
): CommandCall | undefined {
  const isOwn = state?.shares.some(({ id }) => id === share) ?? false
  const isOpened = state?.opened.some(({ id }) => id === share) ?? false
  if (!isOwn && !isOpened) return undefined
  const commands = {
    'copy-link': Commands.copyLink,
    'stop-share': isOwn ? Commands.stopShare : Commands.stopOpened,
    'start-share': isOwn ? Commands.startShare : Commands.startOpened,
    'save-copy': Commands.saveCopy,
    'find-peers': Commands.retry,
    'show-left-out': Commands.showSkipped,
  } as const
  return { command: commands[name], args: [share] }
}
