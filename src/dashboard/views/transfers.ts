/** What is under way and what became of it: how far, how fast, how long, and the way to stop or retry it. */
import { formatRate, percent, safeText } from '../../common/format'
import type { PeerState, TransferState } from '../../common/model'
import { timeLeftSentence, transferSentence, transferTitle } from '../../common/sentences'
import { h, type Markup } from '../markup'
import { badge, button, emptyState, MAX_SHOWN, moreNote, nameOf, progressBar, section } from './parts'

export function transfers({ transfers }: PeerState): Markup.Element {
  const hasEnded = transfers.some(({ status }) => isOver(status.kind))
  return section(
    {
      id: 'transfers',
      title: 'Transfers',
      aside: hasEnded ? button('Clear Finished', { name: 'clear-transfers' }, '', 'button link') : undefined,
    },
    transfers.length === 0
      ? emptyState('Nothing is under way. Publishing a folder and saving a copy show their progress here.')
      : h('ul', { key: 'rows', class: 'rows' }, transfers.slice(0, MAX_SHOWN).map(transferRow)),
    moreNote(transfers.length),
  )
}

function transferRow(transfer: TransferState): Markup.Element {
  const { id, name, status, folder } = transfer
  const isActive = status.kind === 'running' || status.kind === 'paused'
  const sentence = transferSentence(transfer)
  return h(
    'li',
    { key: id, class: 'row', 'data-state': status.kind },
    h(
      'div',
      { class: 'row-head' },
      h('h3', {}, `${transferTitle(transfer)} `, nameOf(name)),
      badge(STATE_WORDS[status.kind], status.kind),
    ),
    isActive && bar(transfer, sentence),
    h(
      'div',
      { class: 'row-foot' },
      h('p', { class: 'status', 'data-state': status.kind }, sentence),
      status.kind === 'running' && h('p', { class: 'pace' }, pace(transfer)),
    ),
    folder !== undefined &&
      h('p', { class: 'quiet path', title: safeText(folder) }, h('bdi', {}, safeText(folder))),
    h(
      'div',
      { class: 'buttons' },
      isActive && button('Cancel', { name: 'cancel-transfer', transfer: id }, name),
      (status.kind === 'failed' || status.kind === 'paused') &&
        button('Retry', { name: 'retry-transfer', transfer: id }, name),
    ),
  )
}

const STATE_WORDS: Record<TransferState['status']['kind'], string> = {
  running: 'Running',
  paused: 'Paused',
  done: 'Done',
  cancelled: 'Cancelled',
  failed: 'Failed',
}

function bar(transfer: TransferState, sentence: string): Markup.Element {
  const { done, total } = transfer.bytes
  const doneShare = percent(done, total)
  return progressBar(doneShare, {
    label: `${transferTitle(transfer)} ${safeText(transfer.name)}`,
    text: doneShare === undefined ? sentence : `${doneShare}%, ${sentence}`,
    state: transfer.status.kind,
  })
}

function pace(transfer: TransferState): string {
  const timeLeft = timeLeftSentence(transfer)
  return timeLeft === undefined ? formatRate(transfer.rate) : `${formatRate(transfer.rate)} · ${timeLeft}`
}

function isOver(kind: TransferState['status']['kind']): boolean {
  return kind === 'done' || kind === 'cancelled' || kind === 'failed'
}
