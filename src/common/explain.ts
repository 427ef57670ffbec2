/** Sentences that more than one program says about the state. Pure; the words come from a `Localizer`. */
import type { ShareId } from './brand'
import type { UserError } from './errors'
import { formatBytes, formatCount, safeText } from './format'
import type { Localizer } from './localizer'
import type { PeerState, RemotePeer, SearchReason, TransferResult, TransferState } from './model'

/** Why nobody is found, as far as that is known, and what to do. */
export function explainSearch(why: SearchReason, l10n: Localizer): string {
  switch (why) {
    case 'just-started':
      return l10n.t('Looking for peers…')
    case 'bootstrap-unreachable':
      return l10n.t(
        'The network cannot be reached: no bootstrap node answers. Check the internet connection, and whether UDP is blocked.',
      )
    case 'nobody-announces':
      return l10n.t(
        'Nobody offers this share right now. Ask whoever sent the link whether their Peerfold is running.',
      )
    case 'cannot-connect':
      return l10n.t(
        'Somebody offers this share but cannot be reached. A firewall on one side may be in the way.',
      )
    case 'no-answer':
      return l10n.t('Nobody connected has the files. It continues when somebody who has them comes.')
  }
}

/** What a transfer does, or has done; `name` stands for what it moves and is safe to show. */
export function transferTitle({ kind, status }: TransferState, name: string, l10n: Localizer): string {
  const isDone = status.kind === 'done'
  switch (kind) {
    case 'import':
      return isDone ? l10n.t('Published {0}', name) : l10n.t('Publishing {0}', name)
    case 'copy':
      return isDone ? l10n.t('Saved {0}', name) : l10n.t('Saving {0}', name)
    case 'seed':
      return isDone ? l10n.t('Fetched all of {0}', name) : l10n.t('Fetching all of {0}', name)
    case 'read':
      return l10n.t('Fetching {0}', name)
  }
}

/** The problems of a transfer that is done: `2 conflicts · 1 skipped`; empty for none, and while it is not done. */
export function transferProblems({ status }: TransferState, l10n: Localizer): string {
  if (status.kind !== 'done') return ''
  const { skippedCount, conflicts, conflictCount = conflicts.length } = status.result
  const problems = [
    countConflicts(conflictCount, l10n),
    skippedCount === 0 ? '' : l10n.t('{0} skipped', formatCount(skippedCount)),
  ]
  return problems.filter(problem => problem !== '').join(' · ')
}

/** Whether a copy was there before and was brought in step. False where it is not known. */
export function isUpdate({
  changes,
  files,
  conflicts,
  conflictCount = conflicts.length,
}: TransferResult): boolean {
  if (changes === undefined) return false
  const { added, updated, gone } = changes
  return updated + gone > 0 || added + conflictCount < files
}

/** `3 updated, 1 new, 1 no longer shared, 1 conflict`; empty when nothing changed or it is not known. */
export function describeChanges(result: TransferResult, l10n: Localizer): string {
  const { conflicts, conflictCount = conflicts.length } = result
  const conflict = countConflicts(conflictCount, l10n)
  return [...countChanges(result, l10n), ...(conflict === '' ? [] : [conflict])].join(', ')
}

/** `3 updated`, `1 new`, `1 no longer shared`: those of which there are any. */
export function countChanges({ changes }: TransferResult, l10n: Localizer): string[] {
  const { added = 0, updated = 0, gone = 0 } = changes ?? {}
  const parts = [
    updated === 0 ? '' : l10n.t('{0} updated', formatCount(updated)),
    added === 0 ? '' : l10n.t('{0} new', formatCount(added)),
    gone === 0 ? '' : l10n.t('{0} no longer shared', formatCount(gone)),
  ]
  return parts.filter(part => part !== '')
}

/** How much of changed files the copy had already: `97 MB were here already`; empty for nothing. */
export function countFound({ here = 0 }: { readonly here?: number }, l10n: Localizer): string {
  return here === 0 ? '' : l10n.t('{0} were here already', formatBytes(here))
}

/** `3.0 MB fetched, 97 MB were here already`; empty when nothing was here. */
export function explainFound(result: TransferResult, l10n: Localizer): string {
  const found = countFound(result, l10n)
  return found === '' ? '' : l10n.t('{0} fetched, {1}', formatBytes(result.fetched), found)
}

/** What became of conflicts; empty for none. */
export function explainConflicts(count: number, l10n: Localizer): string {
  if (count === 0) return ''
  if (count === 1) return l10n.t('1 conflict: your version was kept, theirs is saved next to it.')
  return l10n.t('{0} conflicts: your versions were kept, theirs are saved next to them.', formatCount(count))
}

/** Empty for none. */
export function countConflicts(count: number, l10n: Localizer): string {
  if (count === 0) return ''
  return count === 1 ? l10n.t('1 conflict') : l10n.t('{0} conflicts', formatCount(count))
}

/** Most waits are for a peer, and end by themselves. */
export function waitsForPeer({ code }: UserError): boolean {
  return code === 'stalled' || code === 'offline'
}

/** The same name for one person everywhere. Peers choose their names themselves; without one it is their key. */
export function peerName({ id, name }: Pick<RemotePeer, 'id' | 'name'>, l10n: Localizer): string {
  return safeText(name, 60).trim() || l10n.t('Peer {0}…', id.slice(0, 8))
}

/** Who writes a share, as its owner calls itself while connected; else `the sharer`. Safe to show. */
export function sharerName(
  state: PeerState | undefined,
  share: ShareId | undefined,
  l10n: Localizer,
): string {
  const isOwner = ({ owns = [] }: RemotePeer) => share !== undefined && owns.includes(share)
  return safeText(state?.peers.find(isOwner)?.name ?? '', 60).trim() || l10n.t('the sharer')
}

/** The transport to a peer, and why it was chosen: `TCP, short way`. */
export function describePath(
  { transport, path }: Pick<RemotePeer, 'transport' | 'path'>,
  l10n: Localizer,
): string {
  const by = transport.toUpperCase()
  if (path === 'only') return l10n.t('{0}, the only way', by)
  if (path === 'near') return l10n.t('{0}, short way', by)
  if (path === 'faster') return l10n.t('{0}, measured faster', by)
  if (path === undefined) return by
  return transport === 'udx' ? l10n.t('{0}, TCP not tried yet', by) : l10n.t('{0}, being tried', by)
}

/** Peers that have a share in common with this machine. Others are connected by chance, or wait as this one does. */
export function countedPeers({ peers }: PeerState): number {
  return peers.filter(peer => !peer.blocked && peer.shares.length > 0).length
}

/** `1 file`, `2,000 files`. */
export function countFiles(count: number, l10n: Localizer): string {
  return count === 1 ? l10n.t('1 file') : l10n.t('{0} files', formatCount(count))
}

/**
 * What went wrong, short enough to stand in a row: the first sentence, with the last names of paths. The tooltip has all
 * of it.
 */
export function shortReason({ message }: UserError): string {
  const [first = message] = message.split(/(?<=[.!?])\s/)
  return safeText(
    first.replace(/[.]$/, '').replace(/\u201C[^\u201D]*[\\/]([^\\/\u201D]+)\u201D/g, '“$1”'),
    100,
  )
}

/** `no peers`, `1 peer`, `3 peers`. */
export function countPeers(count: number, l10n: Localizer): string {
  if (count === 0) return l10n.t('no peers')
  return count === 1 ? l10n.t('1 peer') : l10n.t('{0} peers', formatCount(count))
}
