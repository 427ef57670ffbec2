/**
 * What a screen reader says by itself: that the network came or went, that work ended or got stuck, that a share failed.
 * Rates and progress are left out: they change all the time and can be read.
 */
import { transferTitle } from '../common/explain'
import { describeLive, needsUser } from '../common/explainLive'
import { safeText } from '../common/format'
import type { LiveCopyState, OpenedShareState, PeerState, ShareState, TransferState } from '../common/model'
import { l10n } from './l10n'
import {
  networkSentence,
  openedSentence,
  shareSentence,
  transferSentence,
  transferStateWord,
} from './sentences'

/** Sentences to say after a change; none for the first state, which is read as the page is. */
export function announcements(before: PeerState | null | undefined, after: PeerState | null): string[] {
  if (before === undefined) return []
  if (before === null || after === null) {
    if (before === after) return []
    return [after === null ? l10n.t('Peerfold is not running.') : l10n.t('Peerfold is running.')]
  }
  return [
    ...(before.network.kind === after.network.kind ? [] : [networkSentence(after.network)]),
    ...changed(before.transfers, after.transfers).filter(isWorthSaying).map(transferNews),
    ...changed(before.shares, after.shares)
      .filter(({ status }) => status.kind === 'failed')
      .map(share => about(share, shareSentence(share))),
    ...changed(before.opened, after.opened)
      .filter(({ status }) => status.kind !== 'searching')
      .map(share => about(share, openedSentence(share))),
    ...newlyInNeed(before.live ?? [], after.live ?? []).map(copy => about(copy, describeLive(copy, l10n))),
  ]
}

/** Items that were there before, with a status of another kind. */
function changed<T extends { readonly id: string; readonly status: { readonly kind: string } }>(
  before: readonly T[],
  after: readonly T[],
): readonly T[] {
  const kinds = new Map(before.map(({ id, status }) => [id, status.kind]))
  return after.filter(({ id, status }) => kinds.has(id) && kinds.get(id) !== status.kind)
}

/** Folders in sync that need the user after the change, and did not before. */
function newlyInNeed(
  before: readonly LiveCopyState[],
  after: readonly LiveCopyState[],
): readonly LiveCopyState[] {
  const inNeed = new Set(before.filter(needsUser).map(({ id }) => id))
  return after.filter(copy => needsUser(copy) && !inNeed.has(copy.id))
}

function isWorthSaying({ status }: TransferState): boolean {
  return status.kind === 'done' || status.kind === 'failed' || status.kind === 'paused'
}

function transferNews(transfer: TransferState): string {
  const title = transferTitle(transfer, safeText(transfer.name), l10n)
  return `${title}: ${transferStateWord(transfer)}. ${transferSentence(transfer)}`
}

function about({ name }: ShareState | OpenedShareState | LiveCopyState, sentence: string): string {
  return `${safeText(name)}: ${sentence}`
}
