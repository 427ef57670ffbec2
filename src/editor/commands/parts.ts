/** What commands work with. Each takes the whole and uses what it needs. */
import type * as vscode from 'vscode'
import type { Ask } from '../ask'
import type { ShareAddresses } from '../files/shareAddresses'
import type { LettingGo } from '../lettingGo'
import type { PeerModel } from '../peerModel'
import type { PeerProcess } from '../peerProcess'
import type { PeerfoldViews } from '../views/views'
import type { FollowedCopies } from './followCopy'

export interface CommandParts {
  readonly peer: PeerProcess
  readonly model: PeerModel
  readonly views: PeerfoldViews
  readonly addresses: ShareAddresses
  readonly copies: Pick<FollowedCopies, 'follow'>
  readonly letGo: LettingGo
  readonly ask: Ask
  readonly log: vscode.LogOutputChannel
  /** Outlives the window. Nothing secret goes here. */
  readonly memory: vscode.Memento
  /** A folder of the extension for small files of its own. */
  readonly storage: vscode.Uri
}
