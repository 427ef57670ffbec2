/** `contextValue`s: colon-joined facets that the when-clauses of menus match, such as `share:sharing:folder`. */
import type {
  FileEntry,
  LiveCopyState,
  OpenedShareState,
  RemotePeer,
  ShareState,
  TransferState,
} from '../../common/model'

export function shareFacets({ status, isFile }: ShareState): string {
  return `share:${status.kind}:${isFile ? 'file' : 'folder'}`
}

/** @param isCopied there is a copy of it on the disk, as far as is known */
export function openedFacets({ status, stopped, isFile }: OpenedShareState, isCopied: boolean): string {
  const copied = isCopied ? ':copied' : ''
  return `opened:${stopped ? 'stopped' : status.kind}:${isFile ? 'file' : 'folder'}${copied}`
}

export function entryFacets({ kind }: FileEntry): string {
  return `entry:${kind}`
}

export function peerFacets({ blocked }: RemotePeer): string {
  return blocked ? 'peer:blocked' : 'peer:connected'
}

/** The last facet says whether there is a folder to reveal. */
export function transferFacets({ kind, status, folder }: TransferState): string {
  const conflicts = status.kind === 'done' && status.result.conflicts.length > 0 ? ':conflicts' : ''
  return `transfer:${kind}:${status.kind}${conflicts}${folder === undefined ? '' : ':folder'}`
}

export function liveFacets({ status, conflictCount, deletedHere }: LiveCopyState): string {
  return `live:${status.kind}${conflictCount > 0 ? ':conflicts' : ''}${deletedHere > 0 ? ':deleted' : ''}`
}
