/** What is under way and what became of it: how far, how fast, how long, and the way to stop or retry it. */
import { transferProblems, transferTitle } from '../../common/explain'
import { formatPercent, formatRate, noticeable, percent, safeText } from '../../common/format'
import type { PeerState, TransferState } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { timeLeft, transferSentence, transferStateWord } from '../sentences'
import { badge, button, emptyState, MAX_SHOWN, moreNote, nameOf, progressBar, section } from './parts'

export function transfers({ transfers }: PeerState): Markup.Element {
  const nothing = l10n.t(
    'Nothing is being transferred. Publishing a folder and saving a copy show their progress here.',
  )
  const clear = button(l10n.t('Clear Finished'), { name: 'clear-transfers' }, '', 'button link')
  return section(
    { id: 'transfers', title: l10n.t('Transfers'), aside: transfers.some(isOver) ? clear : undefined },
    transfers.length === 0
      ? emptyState(nothing)
      : h('ul', { key: 'rows', class: 'rows' }, transfers.slice(0, MAX_SHOWN).map(transferRow)),
    moreNote(transfers.length),
  )
}

function transferRow(transfer: TransferState): Markup.Element {
  const { id, kind, name, status, folder } = transfer
  const isActive = !isOver(transfer)
  const hasConflicts = status.kind === 'done' && status.result.conflicts.length > 0
  // A transfer that waits continues by itself. One that was cancelled, or that followed a window, is asked for again.
  const canRetry = kind === 'copy' && status.kind === 'failed'
  return h(
    'li',
    { key: id, class: 'row' },
    h(
      'div',
      { class: 'row-head' },
      h('h3', {}, title(transfer)),
      badge(transferStateWord(transfer), transferProblems(transfer, l10n) === '' ? status.kind : 'attention'),
    ),
    isActive && bar(transfer),
    h(
      'div',
      { class: 'status-line' },
      h('p', { class: 'status', 'data-state': status.kind }, transferSentence(transfer)),
      status.kind === 'running' && h('p', { class: 'pace' }, pace(transfer)),
    ),
    h(
      'div',
      { class: 'row-foot' },
      folder !== undefined &&
        h('p', { class: 'quiet path', title: safeText(folder) }, h('bdi', {}, safeText(folder))),
      h(
        'div',
        { class: 'buttons' },
        hasConflicts && button(l10n.t('Review Conflicts'), { name: 'review-conflicts', transfer: id }, name),
        canRetry && button(l10n.t('Retry'), { name: 'retry-transfer', transfer: id }, name),
        isActive && button(l10n.t('Cancel'), { name: 'cancel-transfer', transfer: id }, name),
      ),
    ),
  )
}

/** The sentence around the name, and the name set apart in it. */
function title(transfer: TransferState): readonly Markup[] {
  const [before = '', after = ''] = transferTitle(transfer, '\n', l10n).split('\n')
  return [before, nameOf(transfer.name), after].filter(part => part !== '')
}

function bar(transfer: TransferState): Markup.Element {
  const done = percent(transfer.bytes.done, transfer.bytes.total)
  const sentence = transferSentence(transfer)
  return progressBar(done, {
    label: transferTitle(transfer, safeText(transfer.name), l10n),
    text: done === undefined ? sentence : `${formatPercent(done)}, ${sentence}`,
    state: transfer.status.kind,
  })
}

function pace(transfer: TransferState): string {
  const rate = noticeable(transfer.rate) > 0 ? formatRate(transfer.rate) : ''
  return [rate, timeLeft(transfer) ?? ''].filter(part => part !== '').join(' · ')
}

function isOver({ status }: TransferState): boolean {
  return status.kind === 'done' || status.kind === 'cancelled' || status.kind === 'failed'
}
