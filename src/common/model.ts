/**
 * What the peer process knows, as everyone else sees it: one plain value, pushed whole, at most four times a second.
 * Every view is drawn from it and from nothing else. Names of peers, shares and files come from strangers: show
 * them as text, never as markup.
 */
import type { DrivePath, PeerId, ShareId } from './brand'
import type { UserError } from './errors'

export interface PeerState {
  /** Grows with every state of one peer process. */
  readonly revision: number
  readonly me: { readonly id: PeerId; readonly name: string }
  readonly network: NetworkState
  readonly keepRunning: boolean
  readonly rates: Rates
  readonly shares: readonly ShareState[]
  readonly opened: readonly OpenedShareState[]
  readonly peers: readonly RemotePeer[]
  readonly transfers: readonly TransferState[]
  /** Folders that are kept in step with a share. A process of an earlier version does not say. */
  readonly live?: readonly LiveCopyState[]
}

/** Bytes of file content a second, averaged over the last few seconds. */
export interface Rates {
  readonly down: number
  readonly up: number
}

export type NetworkState =
  /** Nothing is shared or opened, so nothing was joined. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online'; readonly firewalled: boolean }
  /** None of the bootstrap nodes answers: no internet, UDP blocked, or a wrong setting. */
  | { readonly kind: 'unreachable'; readonly bootstrap: readonly string[] }

/** A folder or file that this machine publishes. */
export interface ShareState {
  readonly id: ShareId
  readonly name: string
  /** Absolute path of the folder or file on this machine. */
  readonly source: string
  readonly isFile: boolean
  readonly isPublic: boolean
  readonly status: ShareStatus
  readonly files: number
  readonly bytes: number
  readonly version: number
  /** What the last scan left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>
  /** Files and links that are shared and that some system does not take; a process of an earlier version does not say. */
  readonly unportable?: number
  readonly peers: number
  readonly rates: Rates
  /** Files that left the folder, or are left out now, and stay shared for the moment. */
  readonly held?: readonly HeldFiles[]
}

export interface HeldFiles {
  /**
   * `disk`: the disk they were on is gone, and they stay until it is back. `removal`: many vanished at once; they stay
   * for half a minute. `update`: a newer Peerfold leaves them out; they stay for a day after the user was told.
   */
  readonly kind: 'disk' | 'removal' | 'update'
  readonly files: number
  /** Drive paths, ten at most; of a disk the folder it was mounted on. */
  readonly paths: readonly DrivePath[]
  /** When they leave by themselves, milliseconds since 1970. */
  readonly until?: number
}

export type ShareStatus =
  | { readonly kind: 'publishing' }
  | { readonly kind: 'sharing' }
  /** Stopped by the user (or by the end of the command that shared): kept in the list, served to nobody. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: UserError }

/** Somebody else's share on this machine. */
export interface OpenedShareState {
  readonly id: ShareId
  readonly name: string
  readonly fingerprint: string
  readonly isFile: boolean
  readonly isPublic: boolean
  readonly status: OpenedStatus
  /** Undefined until the list of files is known. */
  readonly contents?: { readonly version: number; readonly files: number; readonly bytes: number }
  /** Bytes of content of the current version that are on this machine. */
  readonly bytesHere: number
  readonly peers: number
  readonly rates: Rates
  /** The user stopped it: kept in the list, not joined. */
  readonly stopped: boolean
}

export type OpenedStatus =
  /** Joined, nobody found so far. `why` is as much as is known. */
  | { readonly kind: 'searching'; readonly why: SearchReason }
  | { readonly kind: 'connected' }
  /** Was reachable or is partly here, and nobody is connected now. */
  | { readonly kind: 'offline'; readonly why: SearchReason }
  | { readonly kind: 'failed'; readonly error: UserError }

export type SearchReason =
  | 'just-started'
  /** No bootstrap node answers. */
  | 'bootstrap-unreachable'
  /** The network answers, but no peer announces this share. */
  | 'nobody-announces'
  /** Peers announce it, but no connection to them could be made. */
  | 'cannot-connect'
  /** Connected, but the peers there do not have this share. */
  | 'no-answer'

/**
 * Why bytes go over one stream to a peer and not over the other. `only`: there is no TCP. `near`: the way is short, so
 * TCP takes less of the processor. `first`: UDX began, or TCP is being tried. `faster`: it was tried, and brought more.
 */
export type PathReason = 'only' | 'near' | 'first' | 'faster'

export interface RemotePeer {
  readonly id: PeerId
  /** What the peer calls itself. Untrusted. */
  readonly name: string
  readonly transport: 'udx' | 'tcp'
  /** Why by that. A process of an earlier version does not say. */
  readonly path?: PathReason
  readonly address?: string
  readonly blocked: boolean
  readonly shares: readonly ShareId[]
  /** Those of `shares` that are the peer's own: it has proven to have the key that signs their versions. A process of an
   *  earlier version does not say. */
  readonly owns?: readonly ShareId[]
  readonly rates: Rates
  readonly downBytes: number
  readonly upBytes: number
}

export interface TransferState {
  /** Chosen by whoever asked for it; see `job` in protocol.ts. */
  readonly id: string
  /** `read`: a file that is fetched to be shown; it leaves the list when it is here. */
  readonly kind: 'import' | 'copy' | 'seed' | 'read'
  readonly share?: ShareId
  readonly name: string
  /** Folder read from or written to, absolute. */
  readonly folder?: string
  readonly status: TransferStatus
  readonly files: Progress
  readonly bytes: Progress
  /** See `TransferResult.here`. */
  readonly here?: number
  /** Bytes a second over the last seconds. */
  readonly rate: number
  /** Seconds, when it can be told. */
  readonly timeLeft?: number
}

/** A folder that is kept in step with a share, or with a part of it. */
export interface LiveCopyState {
  readonly id: string
  readonly share: ShareId
  /** What of the share: `/` for all of it. */
  readonly path: DrivePath
  /** Absolute. */
  readonly folder: string
  readonly name: string
  /** Patterns of what is kept in step; absent: everything. */
  readonly only?: readonly string[]
  readonly status: LiveStatus
  /** The version of the share that the folder is in step with; absent before the first. */
  readonly version?: number
  /** Files that were changed here and there; theirs lies beside. */
  readonly conflictCount: number
  /** The first of them. */
  readonly conflicts: readonly LiveConflict[]
  /** Files that the user deleted here, which stay so. */
  readonly deletedHere: number
  /** Entries that cannot be written here, and those of `absentCount`. */
  readonly skippedCount: number
  /** Files that nobody has, not even who shares them. Absent for none. */
  readonly absentCount?: number
}

/** Absolute paths. */
export interface LiveConflict {
  readonly path: string
  /** Where the incoming file lies. */
  readonly copy: string
  /** It was merged, and the file has markers left. */
  readonly merging?: true
}

/** Whether a conflict can be merged. `refused`: what can be done instead is in the error. */
export type MergeAnswer =
  | { readonly kind: 'possible' }
  | { readonly kind: 'merging' }
  | { readonly kind: 'refused'; readonly error: UserError }

export type LiveStatus =
  /** With the newest version that is known. `doubt`: there may be a newer one. */
  | { readonly kind: 'in-step'; readonly doubt?: LiveDoubt }
  | { readonly kind: 'updating'; readonly files: Progress }
  /** By the user. */
  | { readonly kind: 'paused' }
  /** Waits for the cause to go away, and then continues by itself. */
  | { readonly kind: 'waiting'; readonly error: UserError }
  /** Waits until the user answers, or the question is over. */
  | { readonly kind: 'asking'; readonly question: LiveQuestion; readonly error: UserError }

/**
 * `unheard`: no connected peer has told in time which version is newest. `stopped`: the user stopped the share, so
 * nobody is asked.
 */
export type LiveDoubt = 'unheard' | 'stopped'

export type LiveQuestion =
  /** The share lost more than half of its `of` files at once: `files` would be taken away here. */
  | { readonly kind: 'removal'; readonly files: number; readonly of: number }
  /** More than `files` were changed here that the new version brings. */
  | { readonly kind: 'conflicts'; readonly files: number }
  /** The folder has lost everything that was written there. */
  | { readonly kind: 'emptied' }

/**
 * `go-on`: for `removal` the files are taken away; for `conflicts` the incoming files are laid beside; for `emptied`
 * everything is written again. `keep`: for `removal` the files stay, as the user's own; for `emptied` what was deleted
 * stays deleted.
 */
export type LiveAnswer = 'go-on' | 'keep'

/** A file that a live copy took away, and that can be put back. */
export interface KeptFile {
  readonly id: string
  readonly share: ShareId
  /** Where it was, absolute. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970: of the file, and when it was taken away. */
  readonly mtime: number
  readonly at: number
}

export interface Progress {
  readonly done: number
  /** Undefined while still counting. */
  readonly total?: number
}

export type TransferStatus =
  | { readonly kind: 'running' }
  /** Waits for the cause to go away and then continues by itself. */
  | { readonly kind: 'paused'; readonly error: UserError }
  /** Its lists hold the first few only, for the state is told four times a second; `copy.wait` has all. */
  | { readonly kind: 'done'; readonly result: TransferResult }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: UserError }

export interface TransferResult {
  readonly files: number
  readonly bytes: number
  /** Content bytes that came over the network. */
  readonly fetched: number
  /** Bytes of changed files that were on this disk already, in what the copy had there before. Absent for none. */
  readonly here?: number
  readonly skipped: readonly SkippedEntry[]
  /** Entries left out in all; `skipped` lists at most 1,000 of them. */
  readonly skippedCount: number
  /** Local changes kept; the incoming file lies beside, at `copy` (absolute paths). */
  readonly conflicts: readonly { readonly path: string; readonly copy: string }[]
  /** How many there are, where `conflicts` lists fewer. */
  readonly conflictCount?: number
  /** Received entries that deserve a look before anything is run. */
  readonly warnings: readonly string[]
  /** What a copy did to the folder. Absent for other transfers, and from a process of an earlier version. */
  readonly changes?: CopyChanges
  /** True when nobody was there to ask for a newer version than this. */
  readonly stale: boolean
  /** Peers that may know a newer version and did not tell in time. A process of an earlier version does not say. */
  readonly silent?: readonly SilentPeer[]
}

/** Files and links of a copy, each in one of them at most; `TransferResult.conflicts` are in none. */
export interface CopyChanges {
  /** Came where nothing was. */
  readonly added: number
  /** Have other content now. */
  readonly updated: number
  /** Were copied once and are not in the share any more. They stay in the folder. */
  readonly gone: number
}

/** Connected, or announcing the share and being connected to. */
export interface SilentPeer {
  readonly id: PeerId
  /** What the peer calls itself; empty when it has not said. Untrusted. */
  readonly name: string
}

export interface SkippedEntry {
  readonly path: string
  /** A stable code, see scan.ts and paths.ts. */
  readonly reason: string
  /** A sentence for people. */
  readonly detail: string
}

/** One entry of a share's listing. */
export interface FileEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link'
  /** Bytes; 0 for folders. */
  readonly size: number
  /** Milliseconds since 1970, negative before it; absent when the share does not say. */
  readonly mtime?: number
  readonly executable: boolean
  readonly linkTarget?: string
  /** What a link leads to in the share, other links followed. Absent where it leads nowhere, or where following all
   *  links would never end; a process of an earlier version does not say. */
  readonly pointsAt?: PointedAt
  /** Of `fs.stat`: where the entry lies, if links or another spelling led there from the path that was asked for. */
  readonly realPath?: DrivePath
}

export interface PointedAt extends Pick<FileEntry, 'size' | 'mtime' | 'executable'> {
  readonly kind: 'file' | 'folder'
  readonly path: DrivePath
}

/** A version of a share, as its history lists it. What it says is the publisher's word. */
export interface VersionSummary {
  /** Length of the path log: the end of what was published together. */
  readonly version: number
  /** When it was published (milliseconds since 1970), never later than now. Absent where the share does not say. */
  readonly time?: number
  /** What it changed since the version before; in a folder's history, in that folder. Absent where that is not told. */
  readonly changes?: VersionChanges
  /** Of a file's history: what became of the file. */
  readonly change?: 'added' | 'changed' | 'removed'
  /** Bytes of the file then. */
  readonly size?: number
  /** Whether its content is still kept: true where it is here, false where nobody connected has it. Absent: unknown. */
  readonly kept?: boolean
  /** It stays whatever the rule of the share. */
  readonly pinned?: true
}

export interface VersionChanges {
  readonly added: number
  readonly changed: number
  readonly removed: number
  /** Of what was added or changed. */
  readonly bytes: number
}

/** A path that differs between two versions. */
export interface VersionDifference {
  readonly path: DrivePath
  readonly type: 'added' | 'changed' | 'removed'
  /** Bytes in the first version and in the second; absent where it is not there. */
  readonly before?: number
  readonly now?: number
}
