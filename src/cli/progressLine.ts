/** The progress of a transfer: a line with a bar on a terminal, `progress` events with --json. */
import type { ErrorCode } from '../common/errors'
import { formatBytes, formatCount, formatDuration, formatRate, percent, plural } from '../common/format'
import type { OpenedStatus, PeerState, SearchReason, TransferState } from '../common/model'
import type { Output } from './output'

const BAR_WIDTH = 24

/** A listener for states that shows the progress of the transfer `job`, if it is known and has changed. */
export function transferProgress(output: Output, job: string): (state: PeerState) => void {
  let last = ''
  let told = ''
  return state => {
    const transfer = state.transfers.find(({ id }) => id === job)
    if (transfer === undefined) return
    if (output.showsProgress) output.progress(transferLine(transfer))
    const { files, bytes, here, rate, status } = transfer
    const waitsFor = status.kind === 'paused' && isForTheUser(status.error.code) ? status.error.message : ''
    // On a terminal the progress line says it.
    if (waitsFor !== '' && waitsFor !== told && !output.showsProgress) output.note(waitsFor)
    told = waitsFor
    const totals = { totalFiles: files.total, totalBytes: bytes.total }
    const progress = { files: files.done, bytes: bytes.done, ...totals, here, rate }
    const shown = JSON.stringify(progress)
    if (shown !== last) output.event('progress', progress)
    last = shown
  }
}

/** Whether the cause of a wait lasts until the user does something. */
function isForTheUser(code: ErrorCode): boolean {
  return code === 'limit-passed' || code === 'store-limit' || code === 'no-space'
}

export function transferLine({ status, files, bytes, here, rate, timeLeft }: TransferState): string {
  if (status.kind === 'paused') return `Waiting: ${status.error.message}`
  const part = percent(bytes.done, bytes.total) ?? 0
  const filled = Math.round((part / 100) * BAR_WIDTH)
  const counts =
    bytes.total === undefined
      ? `${plural(files.done, 'file')}, ${formatBytes(bytes.done)}`
      : `${part}%  ${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}  ${formatCount(files.done)}/${plural(files.total ?? files.done, 'file')}`
  const left = timeLeft === undefined ? '' : `  ${formatDuration(timeLeft)} left`
  const found = here === undefined ? '' : `  (${formatBytes(here)} were here already)`
  return `[${'#'.repeat(filled).padEnd(BAR_WIDTH, '-')}] ${counts}${found}  ${formatRate(rate)}${left}`
}

const REASONS: Record<SearchReason, string> = {
  'just-started': 'asking the network',
  'bootstrap-unreachable': 'no bootstrap node answers',
  'nobody-announces': 'nobody announces it at the moment',
  'cannot-connect': 'peers are known, but no connection could be made',
  'no-answer': 'connected, but nobody there has it',
}

/** The progress line while nobody was found yet. */
export function searchLine(status: OpenedStatus | undefined): string {
  return status?.kind === 'searching' ? `Looking for peers: ${REASONS[status.why]}…` : 'Looking for peers…'
}
