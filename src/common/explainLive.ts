/** What views, the status bar and the dashboard say of folders that are kept in sync. Pure. */
import type { UserError } from './errors'
import { countConflicts, shortReason, waitsForPeer } from './explain'
import { formatCount, safeText } from './format'
import type { Localizer } from './localizer'
import type { LiveCopyState, LiveStatus } from './model'

/** `in sync`, `fetching 12 of 40`, `2 conflicts`, `paused: disk full`. */
export function describeLive(copy: LiveCopyState, l10n: Localizer): string {
  const { conflictCount, skippedCount, absentCount = 0, status } = copy
  const unwritten = skippedCount - absentCount
  const isInStep = status.kind === 'in-step' && status.doubt === undefined
  const parts = [
    isInStep && conflictCount > 0 ? undefined : describeStatus(status, l10n),
    conflictCount === 0 ? undefined : countConflicts(conflictCount, l10n),
    unwritten === 0 ? undefined : l10n.t('{0} not written', formatCount(unwritten)),
    absentCount === 0 ? undefined : l10n.t('{0} not to be had', formatCount(absentCount)),
  ]
  return parts.filter(part => part !== undefined).join(' · ')
}

function describeStatus(status: LiveStatus, l10n: Localizer): string {
  switch (status.kind) {
    case 'in-step':
      if (status.doubt === 'stopped') return l10n.t('in sync when its share was stopped')
      return status.doubt === 'unheard' ? l10n.t('in sync, nobody online') : l10n.t('in sync')
    case 'updating': {
      const { done, total } = status.files
      if (total === undefined || total === 0) return l10n.t('looking for changes…')
      return l10n.t('fetching {0} of {1}', formatCount(done), formatCount(total))
    }
    case 'paused':
      return l10n.t('paused')
    case 'waiting':
      if (waitsForPeer(status.error)) return l10n.t('waiting for a peer')
      return l10n.t('paused: {0}', causeOf(status.error, l10n))
    case 'asking':
      return l10n.t('waits for your decision')
  }
}

function causeOf(error: UserError, l10n: Localizer): string {
  switch (error.code) {
    case 'no-space':
    case 'store-full':
      return l10n.t('disk full')
    case 'target-vanished':
      return l10n.t('the folder is gone')
    case 'disk-read-only':
      return l10n.t('the disk is read-only')
    default:
      return shortReason(error)
  }
}

/** The one thing that matters most of all live copies; empty when there are none. */
export function describeAllLive(copies: readonly LiveCopyState[], l10n: Localizer): string {
  const [worst] = [...copies].sort((a, b) => weight(b) - weight(a))
  if (worst === undefined) return ''
  const conflicts = copies.reduce((sum, { conflictCount }) => sum + conflictCount, 0)
  const needsMore = worst.status.kind === 'asking' || worst.status.kind === 'waiting'
  return conflicts > 0 && !needsMore ? countConflicts(conflicts, l10n) : describeStatus(worst.status, l10n)
}

/** True when the user should look: something keeps it from continuing, or there are conflicts. */
export function needsUser({ status, conflictCount }: LiveCopyState): boolean {
  return status.kind === 'asking' || status.kind === 'waiting' || conflictCount > 0
}

/** @param name of its share */
export function explainLive(copy: LiveCopyState, name: string, l10n: Localizer): string {
  const { status, folder, version, deletedHere, skippedCount, absentCount = 0 } = copy
  const unwritten = skippedCount - absentCount
  const error = status.kind === 'waiting' || status.kind === 'asking' ? status.error.message : undefined
  const lines = [
    l10n.t('Follows “{0}”', safeText(copy.path === '/' ? name : `${name}${copy.path}`, 200)),
    error === undefined ? describeLive(copy, l10n) : safeText(error, 600),
    safeText(folder, 400),
    copy.only === undefined ? undefined : l10n.t('Only {0}', safeText(copy.only.join(', '), 300)),
    version === undefined ? undefined : l10n.t('Version {0}', version),
    deletedHere === 0 ? undefined : l10n.t('Deleted here, and left so: {0}', formatCount(deletedHere)),
    unwritten === 0 ? undefined : l10n.t('Cannot be written here: {0}', formatCount(unwritten)),
    absentCount === 0
      ? undefined
      : l10n.t('Nobody online has, not even who shares it: {0}', formatCount(absentCount)),
  ]
  return lines.filter(line => line !== undefined).join('\n')
}

const WEIGHTS: Readonly<Record<LiveStatus['kind'], number>> = {
  asking: 4,
  waiting: 3,
  updating: 2,
  'in-step': 1,
  paused: 0,
}

function weight({ status }: LiveCopyState): number {
  return WEIGHTS[status.kind]
}
