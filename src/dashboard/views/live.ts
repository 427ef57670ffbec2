/** Folders that are kept in sync with a share: which, where, how they stand, and what they wait for. */
import { describeLive } from '../../common/explainLive'
import { percent, safeText } from '../../common/format'
import type { LiveCopyState, PeerState } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { badge, button, count, MAX_SHOWN, moreNote, nameOf, progressBar, section } from './parts'

/** Undefined when there are none: a folder in sync is begun at an opened share, not here. */
export function live({ live = [] }: PeerState): Markup.Element | undefined {
  if (live.length === 0) return undefined
  return section(
    { id: 'live', title: l10n.t('Folders in Sync'), aside: count(live.length) },
    h('ul', { key: 'rows', class: 'rows' }, live.slice(0, MAX_SHOWN).map(liveRow)),
    moreNote(live.length),
  )
}

function liveRow(copy: LiveCopyState): Markup.Element {
  const { id, name, folder, status, conflictCount } = copy
  const isPaused = status.kind === 'paused'
  const why = status.kind === 'waiting' || status.kind === 'asking' ? status.error.message : undefined
  return h(
    'li',
    { key: id, class: 'row' },
    h('div', { class: 'row-head' }, h('h3', {}, nameOf(name)), badge(describeLive(copy, l10n), mood(copy))),
    status.kind === 'updating' && bar(copy),
    why !== undefined && h('p', { class: 'status', 'data-state': status.kind }, safeText(why, 600)),
    h(
      'div',
      { class: 'row-foot' },
      h('p', { class: 'quiet path', title: safeText(folder) }, h('bdi', {}, safeText(folder))),
      h(
        'div',
        { class: 'buttons' },
        status.kind === 'asking' && button(l10n.t('Decide…'), { name: 'decide-sync', live: id }, name),
        conflictCount > 0 && button(l10n.t('Review Conflicts'), { name: 'solve-conflicts', live: id }, name),
        isPaused
          ? button(l10n.t('Resume'), { name: 'resume-sync', live: id }, name)
          : button(l10n.t('Pause'), { name: 'pause-sync', live: id }, name),
      ),
    ),
  )
}

function bar(copy: LiveCopyState): Markup.Element | undefined {
  if (copy.status.kind !== 'updating') return undefined
  const { done, total } = copy.status.files
  return progressBar(total === undefined ? undefined : percent(done, total), {
    label: l10n.t('Syncing {0}', safeText(copy.name)),
    text: describeLive(copy, l10n),
    state: 'running',
  })
}

/** The state of the badge, in the words of those of transfers. */
function mood({ status, conflictCount }: LiveCopyState): string {
  if (status.kind === 'updating') return 'running'
  if (status.kind === 'waiting' || status.kind === 'asking' || conflictCount > 0) return 'paused'
  return status.kind === 'in-step' && status.doubt === undefined ? 'done' : 'plain'
}
