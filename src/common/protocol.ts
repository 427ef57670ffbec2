/**
 * The contract between the peer process and its clients (windows and commands): JSON-RPC requests by name, their
 * parameters and results, and the notifications the peer process sends. Values travel as MessagePack, so file bytes
 * are `Uint8Array` all the way. Every request can be cancelled and every client sets a time limit.
 *
 * `job` is a random id the client chooses for long work (at most 64 characters of [A-Za-z0-9_-]); the work shows up
 * under that id in `PeerState.transfers`, where its progress is read, and `transfer.cancel` ends it.
 */
import type { DrivePath, PeerId, ShareId } from './brand'
import type { VersionKeeping } from './keptVersions'
import type {
  FileEntry,
  HeldFiles,
  KeptFile,
  LiveAnswer,
  LiveConflict,
  LiveQuestion,
  MergeAnswer,
  PeerState,
  SilentPeer,
  SkippedEntry,
  TransferResult,
  VersionChanges,
  VersionDifference,
  VersionSummary,
} from './model'

/**
 * Raised when a client and a peer process of different ages could misunderstand each other. `challenge`, `hello` and
 * `process.stop` stay as they are in every protocol from 2 on: with these, a newer client ends an older process.
 */
export const PROTOCOL_VERSION = 2

export interface Requests {
  /** Must come first, once; anything else ends the connection. The other end proves itself by the answer before the
   *  client says more: see wire/challenge.ts. */
  challenge: {
    params: { readonly protocol: number; readonly nonce: Uint8Array }
    result: { readonly nonce: Uint8Array; readonly proof: Uint8Array }
  }
  /** Must come second; a proof is good once. Protocol 1 (Peerfold 0.3.0) begins with this, and sends a token instead. */
  hello: {
    params: {
      readonly protocol: number
      /** Proves that the client may read the data folder. Absent in protocol 1. */
      readonly proof?: Uint8Array
      /** A window leaves a grace period when it goes; a command does not. */
      readonly client: 'window' | 'command'
      /** Bootstrap nodes asked for, `host:port`; absent: whatever runs. Others than those in use are refused. */
      readonly bootstrap?: readonly string[]
    }
    result: {
      readonly protocol: number
      readonly version: string
      readonly pid: number
      readonly state: PeerState
    }
  }
  'state.get': { params: Record<string, never>; result: PeerState }

  /** What would be shared and what would be left out. Reads, publishes nothing. */
  'share.preview': { params: ShareSource; result: SharePreview }
  /** Publishes a folder or file and returns its link. The same source in the same store gets the same link.
   *  Cancelled (by the request or by its job) it leaves no share. */
  'share.add': { params: ShareSource & { readonly job: string }; result: ShareAdded }
  'share.link': { params: { readonly id: ShareId }; result: { readonly link: string } }
  /** Serve it to nobody, keep it in the list. */
  'share.stop': { params: { readonly id: ShareId }; result: null }
  /** Serves it again. One that is served already scans its folder and watches it again. */
  'share.start': { params: { readonly id: ShareId }; result: null }
  /** Forget it for good; its key is never used again. The user's files are not touched. */
  'share.remove': { params: { readonly id: ShareId }; result: null }
  /** What the last scan left out and why (at most 1,000), and what is shared and some systems leave out. */
  'share.skipped': {
    params: { readonly id: ShareId }
    result: { readonly skipped: readonly SkippedEntry[] } & Partial<Unportable>
  }

  /** Ends a hold (see `ShareState.held`). The held files leave the share at once; with `keep`, which is for an `update`,
   *  they are let in by name and stay. */
  'share.settle': {
    params: { readonly id: ShareId; readonly kind: HeldFiles['kind']; readonly keep: boolean }
    result: null
  }
  /** The user was told which files an update leaves out: the day begins after which they leave the share. */
  'share.told': { params: { readonly id: ShareId }; result: null }

  /** Joins a share. `keep`: it stays in the list after the client is gone. */
  'open.add': {
    params: { readonly link: string; readonly keep: boolean }
    result: { readonly id: ShareId; readonly own: boolean }
  }
  'open.link': { params: { readonly id: ShareId }; result: { readonly link: string } }
  'open.stop': { params: { readonly id: ShareId }; result: null }
  'open.start': { params: { readonly id: ShareId }; result: null }
  /** Forget it and what was fetched of it. Copies on disk stay. */
  'open.remove': { params: { readonly id: ShareId }; result: null }
  /** Look for peers again, now, and try again what failed. */
  'open.retry': { params: { readonly id: ShareId }; result: null }
  /** Resolves as soon as the list of files of some version is known here. `newest`: waits until each connected peer has
   *  told which version is newest, two seconds at most; `silent` names those that did not. `begun`: if somebody is
   *  there, the newest list need only have begun to come, for `fs.list` with a `timeout`. Fails with `nobody-found`
   *  after `timeout` milliseconds. */
  'open.ready': {
    params: {
      readonly id: ShareId
      readonly newest: boolean
      readonly begun?: boolean
      readonly timeout: number
    }
    result: { readonly version: number; readonly stale: boolean; readonly silent?: readonly SilentPeer[] }
  }

  /**
   * Versions of a share, the newest first; with a `path`, those that changed that file, or something in that folder. At
   * most `limit` from the version `from` on, or from the newest. `next`: ask again from there for older ones. `isCut`:
   * the list of older versions is not here, and nobody gave it within `timeout` milliseconds.
   */
  'versions.list': {
    params: {
      readonly id: ShareId
      readonly path?: DrivePath
      readonly from?: number
      readonly limit: number
      readonly timeout: number
    }
    result: {
      readonly versions: readonly VersionSummary[]
      readonly next?: number
      readonly isCut?: true
    }
  }
  /** The version that a number is part of, or the newest one of a time (milliseconds since 1970). Throws
   *  `no-such-version`. */
  'versions.at': {
    params: {
      readonly id: ShareId
      readonly version?: number
      readonly time?: number
      readonly timeout: number
    }
    result: VersionSummary
  }
  /** What is different from one version to another, in path order: at most `limit` paths, those after `after`, and counts
   *  of all. Times alone are no difference. */
  'versions.diff': {
    params: {
      readonly id: ShareId
      readonly from: number
      readonly to: number
      readonly path?: DrivePath
      readonly after?: DrivePath
      readonly limit: number
    }
    result: { readonly changes: VersionChanges; readonly paths: readonly VersionDifference[] }
  }
  /** Which former versions of a share are kept here, and how many bytes only those take. */
  'versions.keeping': {
    params: { readonly id: ShareId }
    result: VersionKeeping & { readonly bytes: number }
  }
  /** Changes that. Answers when the store holds what it should. `large` is for own shares. Throws `store-full`. */
  'versions.keep': {
    params: { readonly id: ShareId } & Partial<Pick<VersionKeeping, 'rule' | 'budget' | 'large'>>
    result: null
  }
  /** A pinned version is kept whatever the rule. Throws `not-kept` for one that is let go already. */
  'versions.pin': {
    params: { readonly id: ShareId; readonly version: number; readonly pinned: boolean }
    result: null
  }

  /** All `fs.` requests work for opened shares and for own ones, of the newest version or of the one that is named.
   *  `versions.at` tells which versions there are. They follow links inside the share; `fs.stat` does not follow a link
   *  that the path itself names. `offline` and `not-listed` mean unknown, never absent. `not-kept`: nobody there has the
   *  content of the version any more. `target-…`: a link on the way leads nowhere. */
  'fs.stat': {
    params: { readonly id: ShareId; readonly path: DrivePath; readonly version?: number }
    result: FileEntry
  }
  /** A folder's children in path order (a folder as if its name ended with `/`), or `limit` of them: those after the
   *  child named `after`. `timeout`: while the list of an opened share is on its way, waits this many milliseconds for
   *  this part of it, or with `soFar` for any child at all. Without it: `not-listed` until the whole list is here. */
  'fs.list': {
    params: {
      readonly id: ShareId
      readonly path: DrivePath
      readonly after?: string
      readonly limit?: number
      readonly timeout?: number
      readonly soFar?: boolean
      readonly version?: number
    }
    result: readonly FileEntry[]
  }
  /** Fetches what is missing. At most `limit` bytes (else `too-large`), and no more than fits into one message. With a
   *  `job`, a long read shows among the transfers until the whole file is read; the parts of one file have the same. */
  'fs.read': {
    params: {
      readonly id: ShareId
      readonly path: DrivePath
      readonly limit: number
      readonly timeout: number
      readonly job?: string
      readonly version?: number
    }
    result: Uint8Array
  }
  /** Part of a file, so that files of any size can be read. Shorter at the end of the file. */
  'fs.readRange': {
    params: {
      readonly id: ShareId
      readonly path: DrivePath
      readonly start: number
      readonly length: number
      readonly timeout: number
      readonly job?: string
      readonly version?: number
    }
    result: Uint8Array
  }
  /** All paths of files, and of links to files, that contain every word of `query`, best first, at most `limit`. */
  'fs.find': {
    params: { readonly id: ShareId; readonly query: string; readonly limit: number }
    result: readonly DrivePath[]
  }

  /** Writes the share, or `path` in it, into `folder`, and remembers the job until it is done: it survives the client
   *  and the peer process. `path`: a folder, a file, or a link, for what that leads to, under the link's name. Asked
   *  again with the same share, path and folder it continues. `umask`: of the client, for the files and folders that are
   *  made; absent, that of the peer process. `version`: a former one, see `versions.at`. */
  'copy.start': {
    params: {
      readonly id: ShareId
      readonly path: DrivePath
      readonly folder: string
      readonly job: string
      readonly umask?: number
      readonly version?: number
    }
    result: { readonly job: string }
  }
  /** Resolves when the job is done; rejects when it failed, was cancelled, waits for the user to raise a limit, or
   *  stalls for `timeout` milliseconds with nobody left to ask. Cancelling this request only stops waiting. */
  'copy.wait': { params: { readonly job: string; readonly timeout: number }; result: TransferResult }
  /** Fetches everything of a share so that it can be served from here; resolves when all is here. */
  'seed.wait': { params: { readonly id: ShareId; readonly job: string }; result: TransferResult }

  /**
   * Keeps a folder in step with a share, or with `path` in it, from now on: what the share saves is written, what it
   * renames is renamed, what it deletes goes to the kept files. What the user changed or deleted there stays so.
   * `keep`: also when the client is gone, and after a restart. The same share, path and folder give the same one.
   * `only`: see `LiveCopyState`. Refused for a folder that is shared, or in or around another live copy.
   */
  'live.start': {
    params: {
      readonly id: ShareId
      readonly path: DrivePath
      readonly folder: string
      readonly only?: readonly string[]
      readonly keep: boolean
      readonly umask?: number
    }
    result: { readonly live: string }
  }
  /** The files stay. */
  'live.stop': { params: { readonly live: string }; result: null }
  'live.pause': { params: { readonly live: string }; result: null }
  /** Continues, and compares the whole folder again. */
  'live.resume': { params: { readonly live: string }; result: null }
  /** Keeps another part of the share in step from now on; `only`: see `LiveCopyState`. Files that are left out go to the
   *  kept files, but for those that the user changed. */
  'live.select': { params: { readonly live: string; readonly only?: readonly string[] }; result: null }
  /** Answers the question in its status. Does nothing when that question is over. */
  'live.answer': {
    params: {
      readonly live: string
      readonly question: LiveQuestion['kind']
      readonly answer: LiveAnswer
    }
    result: null
  }
  'live.conflicts': { params: { readonly live: string }; result: readonly LiveConflict[] }
  /** Ends a conflict: `mine` removes the incoming file; `theirs` puts it in the place of the user's, which goes to the
   *  kept files. `path`: of the user's file, absolute. */
  'live.resolve': {
    params: { readonly live: string; readonly path: string; readonly take: 'mine' | 'theirs' }
    result: null
  }
  /** Whether a conflict of a live copy or of a copy can be merged. Both paths absolute, see `LiveConflict`. */
  'conflict.about': {
    params: { readonly path: string; readonly copy: string }
    result: MergeAnswer
  }
  /** Merges the incoming file into the user's, whose former content goes to the kept files. `markers`: how many places
   *  were changed on both sides and have conflict markers. The conflict ends when no markers are left. */
  'conflict.merge': {
    params: { readonly path: string; readonly copy: string }
    result: { readonly markers: number }
  }
  /** Writes the files again that the user deleted here. */
  'live.bringBack': { params: { readonly live: string }; result: null }
  /** Files that live copies took away, the newest first. */
  'kept.list': { params: Record<string, never>; result: readonly KeptFile[] }
  /** Puts one back where it was, or beside what lies there now. → where, absolute */
  'kept.restore': { params: { readonly kept: string }; result: { readonly path: string } }

  'transfer.cancel': { params: { readonly job: string }; result: null }
  /** Starts a copy again that failed. */
  'transfer.retry': { params: { readonly job: string }; result: null }
  /** Removes finished, failed and cancelled transfers from the list. */
  'transfer.clear': { params: Record<string, never>; result: null }

  'peer.block': { params: { readonly peer: PeerId }; result: null }
  'peer.unblock': { params: { readonly peer: PeerId }; result: null }

  /** Settings of this installation, kept in the data folder. Absent fields stay as they are. */
  'settings.set': {
    params: {
      readonly name?: string
      readonly keepRunning?: boolean
      readonly ignore?: readonly string[]
      /** Offer and use direct TCP connections. */
      readonly directTcp?: boolean
      /** What one opened share may cost before it is paused, all of them together (`storeBytes`), and how many peers
       *  are connected at one time. Those that are not named get their defaults back (limitSettings.ts). */
      readonly limits?: {
        readonly entries?: number
        readonly pathLogBytes?: number
        readonly bytes?: number
        readonly storeBytes?: number
        readonly connections?: number
        /** Files that live copies took away are kept for this many days, up to this many bytes. */
        readonly keptBytes?: number
        readonly keptDays?: number
      }
    }
    result: null
  }
  /** Ends the peer process in order. `successor`: the newer version that takes over. */
  'process.stop': { params: { readonly successor?: string }; result: null }
}

export type Method = keyof Requests
export type Params<M extends Method> = Requests[M]['params']
export type Result<M extends Method> = Requests[M]['result']

/**
 * Requests that may be asked twice: they change nothing, or the second time nothing more. A client asks these again
 * when the peer process crashed while it worked on them.
 */
export const REPEATABLE: Readonly<Record<Method, boolean>> = {
  challenge: false,
  hello: false,
  'state.get': true,
  'share.preview': true,
  'share.add': false,
  'share.link': true,
  'share.stop': false,
  'share.start': false,
  'share.remove': false,
  'share.skipped': true,
  'share.settle': false,
  'share.told': false,
  'open.add': false,
  'open.link': true,
  'open.stop': false,
  'open.start': false,
  'open.remove': false,
  'open.retry': false,
  'open.ready': true,
  'versions.list': true,
  'versions.at': true,
  'versions.diff': true,
  'versions.keeping': true,
  'versions.keep': false,
  'versions.pin': false,
  'fs.stat': true,
  'fs.list': true,
  'fs.read': true,
  'fs.readRange': true,
  'fs.find': true,
  'copy.start': true,
  'copy.wait': true,
  'seed.wait': false,
  'live.start': true,
  'live.stop': false,
  'live.pause': false,
  'live.resume': false,
  'live.select': true,
  'live.answer': false,
  'live.conflicts': true,
  'live.resolve': false,
  'conflict.about': true,
  'conflict.merge': false,
  'live.bringBack': false,
  'kept.list': true,
  'kept.restore': false,
  'transfer.cancel': false,
  'transfer.retry': false,
  'transfer.clear': false,
  'peer.block': false,
  'peer.unblock': false,
  'settings.set': false,
  'process.stop': false,
}

/** Sent by the peer process to every client that said hello. */
export interface Notifications {
  state: PeerState
  /** Entries of a share changed (whoever published them): editors show the new content. `paths` is undefined when
   *  there are too many to list. */
  changed: { readonly id: ShareId; readonly version: number; readonly paths?: readonly ChangedPath[] }
  /** What a live copy did in its folder, as it does it; paths inside that. */
  live: { readonly live: string; readonly version: number; readonly changes: readonly LiveChange[] }
  /** Something the user should be told once. */
  notice: { readonly level: 'info' | 'warning' | 'error'; readonly message: string; readonly share?: ShareId }
  /** It ends for a newer version, whose process comes up on the same data folder. */
  replaced: { readonly version: string }
}

export interface ChangedPath {
  readonly path: DrivePath
  readonly type: 'added' | 'changed' | 'removed'
}

export interface LiveChange {
  /** `in-step`: the version is whole in the folder; without a path. */
  readonly kind: 'written' | 'removed' | 'conflict' | 'in-step'
  readonly path?: string
  /** `written`: it was renamed from there. */
  readonly from?: string
  /** `conflict`: where the incoming file lies. */
  readonly copy?: string
}

export interface ShareSource {
  /** Absolute path of a folder or a file. */
  readonly source: string
  readonly name?: string
  readonly isPublic: boolean
  /** Publish it as it is now and do not watch it. */
  readonly once: boolean
  /** It stays in the list, and is served, after the client that asked is gone. */
  readonly keep: boolean
  /** Forgets the share that this source has already, and makes a new one, under a new link. */
  readonly renew?: boolean
  /** Drive paths let in by name although the secrets filter or ignore rules would leave them out. */
  readonly allow: readonly DrivePath[]
}

/** What is shared although receivers on some systems leave it out. */
export interface Unportable {
  /** At most 1,000; the reason is the systems, `,` between them, a colon, and the receiver's own code. */
  readonly unportable: readonly SkippedEntry[]
  /** Files and links in all. */
  readonly unportableCount: number
}

export interface SharePreview {
  readonly files: number
  readonly bytes: number
  /** Numbers of entries left out, by reason. */
  readonly skippedCounts: Readonly<Record<string, number>>
  /** At most 1,000 of them. */
  readonly skipped: readonly SkippedEntry[]
  /** False: some files were too large or too many to look into; publishing may hold back more of them. */
  readonly allLookedAt?: boolean
  /** See `Unportable`. */
  readonly unportable: readonly SkippedEntry[]
  readonly unportableCount?: number
  /** Set when this source is shared already. */
  readonly existing?: ShareId
}

export interface ShareAdded extends Partial<Unportable> {
  readonly id: ShareId
  readonly link: string
  /** The drive's public key in z-base-32. */
  readonly key: string
  readonly files: number
  readonly bytes: number
  readonly skipped: readonly SkippedEntry[]
  readonly skippedCount: number
}
