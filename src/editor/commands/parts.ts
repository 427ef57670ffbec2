/** What commands work with. Each takes the whole and uses what it needs. */
import type * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import type { TransferResult } from '../../common/model'
import type { Ask } from '../ask'
import type { ShareAddresses } from '../files/shareAddresses'
import type { LettingGo } from '../lettingGo'
import type { PeerModel } from '../peerModel'
import type { PeerProcess } from '../peerProcess'
import type { PeerfoldViews } from '../views/views'

export interface CommandParts {
  readonly peer: PeerProcess
  readonly model: PeerModel
  readonly views: PeerfoldViews
  readonly addresses: ShareAddresses
  readonly copies: CopyFollower
  readonly letGo: LettingGo
  readonly ask: Ask
  readonly log: vscode.LogOutputChannel
  /** Outlives the window. Nothing secret goes here. */
  readonly memory: vscode.Memento
}

export interface FollowedCopy {
  readonly job: string
  /** What is copied. */
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Absolute: the folder or file in it that is the copy. Absent where `folder` itself is, and in earlier versions. */
  readonly saved?: string
  /** What is copied, so that it can be kept in sync. Absent in earlier versions. */
  readonly share?: ShareId
  readonly path?: DrivePath
}

export interface CopyFollower {
  /** Tells how the copy ended. Undefined when it did not end well, which is told as well. */
  follow(copy: FollowedCopy): Promise<TransferResult | undefined>
}
