/**
 * The ids that package.json contributes, as typed constants: what is registered, run, read and set goes through these
 * and never through a string of its own. A unit test compares them with package.json both ways.
 */

import { LIMIT_SETTINGS } from '../common/limitSettings'

export const EXTENSION_SCHEME = 'peerfold'

export const Commands = {
  shareFolder: 'peerfold.shareFolder',
  shareFile: 'peerfold.shareFile',
  openLink: 'peerfold.openLink',
  copyLink: 'peerfold.copyLink',
  stopShare: 'peerfold.stopShare',
  startShare: 'peerfold.startShare',
  removeShare: 'peerfold.removeShare',
  showSkipped: 'peerfold.showSkipped',
  saveCopy: 'peerfold.saveCopy',
  updateCopy: 'peerfold.updateCopy',
  keepInSync: 'peerfold.keepInSync',
  chooseSynced: 'peerfold.chooseSynced',
  pauseSync: 'peerfold.pauseSync',
  resumeSync: 'peerfold.resumeSync',
  decideSync: 'peerfold.decideSync',
  stopSync: 'peerfold.stopSync',
  bringBack: 'peerfold.bringBack',
  restoreKept: 'peerfold.restoreKept',
  addToWorkspace: 'peerfold.addToWorkspace',
  findInShare: 'peerfold.findInShare',
  stopOpened: 'peerfold.stopOpened',
  startOpened: 'peerfold.startOpened',
  removeOpened: 'peerfold.removeOpened',
  showHistory: 'peerfold.showHistory',
  olderVersions: 'peerfold.olderVersions',
  openVersion: 'peerfold.openVersion',
  compareVersion: 'peerfold.compareVersion',
  compareWithVersion: 'peerfold.compareWithVersion',
  compareWithNow: 'peerfold.compareWithNow',
  restoreVersion: 'peerfold.restoreVersion',
  pinVersion: 'peerfold.pinVersion',
  unpinVersion: 'peerfold.unpinVersion',
  keepVersions: 'peerfold.keepVersions',
  reveal: 'peerfold.reveal',
  retry: 'peerfold.retry',
  reviewConflicts: 'peerfold.reviewConflicts',
  cancelTransfer: 'peerfold.cancelTransfer',
  clearTransfers: 'peerfold.clearTransfers',
  blockPeer: 'peerfold.blockPeer',
  unblockPeer: 'peerfold.unblockPeer',
  keepSharing: 'peerfold.keepSharing',
  endKeepSharing: 'peerfold.endKeepSharing',
  openDashboard: 'peerfold.openDashboard',
  showLog: 'peerfold.showLog',
  stopPeerProcess: 'peerfold.stopPeerProcess',
} as const
export type CommandId = (typeof Commands)[keyof typeof Commands]

export const CONTAINER = 'peerfold'

export const Views = {
  shares: 'peerfold.shares',
  opened: 'peerfold.opened',
  history: 'peerfold.history',
  live: 'peerfold.live',
  peers: 'peerfold.peers',
  transfers: 'peerfold.transfers',
} as const
export type ViewId = (typeof Views)[keyof typeof Views]

/** The editor of files that are waited for. */
export const WAITING_EDITOR = 'peerfold.waiting'

/** What when-clauses ask for, and the type of each. */
export interface ContextKeys {
  /** Whether the peer process runs. */
  'peerfold.status': 'off' | 'ended' | 'starting' | 'running' | 'failed'
  'peerfold.network': 'idle' | 'connecting' | 'online' | 'unreachable'
  'peerfold.hasShares': boolean
  /** A folder of this window is shared, lies in a shared one, or holds one. */
  'peerfold.sharesHere': boolean
  'peerfold.hasOpened': boolean
  /** The history of something is shown. */
  'peerfold.hasHistory': boolean
  /** A folder is kept in sync with a share. */
  'peerfold.hasLive': boolean
  'peerfold.hasFinishedTransfers': boolean
  'peerfold.hasConflicts': boolean
  'peerfold.keepRunning': boolean
}

export const CONTEXT_KEYS: Readonly<Record<keyof ContextKeys, true>> = {
  'peerfold.status': true,
  'peerfold.network': true,
  'peerfold.hasShares': true,
  'peerfold.sharesHere': true,
  'peerfold.hasOpened': true,
  'peerfold.hasHistory': true,
  'peerfold.hasLive': true,
  'peerfold.hasFinishedTransfers': true,
  'peerfold.hasConflicts': true,
  'peerfold.keepRunning': true,
}

/** Settings by their name below `peerfold.`, and the value where the user chose none. */
export const SETTINGS = {
  displayName: '',
  ignore: [] as readonly string[],
  directTcp: true,
  maxEditorFileSize: 50,
  maxShareEntries: LIMIT_SETTINGS.entries.usual,
  maxShareListSize: LIMIT_SETTINGS.pathLogBytes.usual,
  maxShareSize: LIMIT_SETTINGS.bytes.usual,
  maxStoreSize: LIMIT_SETTINGS.storeBytes.usual,
  maxConnections: LIMIT_SETTINGS.connections.usual,
  keptFilesDays: LIMIT_SETTINGS.keptDays.usual,
  keptFilesSize: LIMIT_SETTINGS.keptBytes.usual,
  bootstrap: [] as readonly string[],
  storageFolder: '',
} as const
export type SettingName = keyof typeof SETTINGS
