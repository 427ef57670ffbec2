/** The small parts that every view is put together from. */
import type { DashboardAction } from '../../common/dashboardMessages'
import { formatCount, safeText } from '../../common/format'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'

/** Rows and cards shown of one list. More would cost more to draw than anyone reads; the side bar lists all. */
export const MAX_SHOWN = 100

/** A name somebody else chose: cleaned, and set apart so that its writing direction reaches nothing around it. */
export function nameOf(name: string): Markup.Element {
  const clean = safeText(name)
  return h('bdi', { class: 'name', title: clean }, clean === '' ? l10n.t('A share without a name') : clean)
}

/** `subject` says to a screen reader which of the many buttons of this label it is. */
export function button(
  label: string,
  action: DashboardAction,
  subject = '',
  look = 'button',
): Markup.Element {
  const clean = safeText(subject)
  return h(
    'button',
    {
      key: action.name,
      type: 'button',
      class: look,
      action,
      ...(clean === '' ? {} : { 'aria-label': `${label}: ${clean}` }),
    },
    label,
  )
}

export function shareFolderButton(): Markup.Element {
  return button(l10n.t('Share Folder with Peer'), { name: 'share-folder' }, '', 'button primary')
}

export function openLinkButton(): Markup.Element {
  return button(l10n.t('Open Shared Link…'), { name: 'open-link' })
}

/** A section with its heading; `id` names both. The heading can take the focus when a button in it vanishes. */
export function section(
  { id, title, aside }: { id: string; title: string; aside?: Markup | undefined },
  ...content: readonly (Markup | undefined | false)[]
): Markup.Element {
  return h(
    'section',
    { key: id, class: 'section', 'aria-labelledby': `${id}-title` },
    h(
      'div',
      { class: 'section-head' },
      h('h2', { id: `${id}-title`, class: 'section-title', tabindex: '-1' }, title),
      aside,
    ),
    ...content,
  )
}

/** What an empty section says: what would be here, and how to get there. */
export function emptyState(sentence: string, ...actions: readonly Markup[]): Markup.Element {
  return h(
    'div',
    { key: 'empty', class: 'empty' },
    h('p', {}, sentence),
    actions.length > 0 && h('div', { class: 'buttons' }, ...actions),
  )
}

/** How many there are, beside a heading. */
export function count(of: number): Markup | undefined {
  return of === 0 ? undefined : h('span', { class: 'count' }, formatCount(of))
}

/** A note below a list that was cut. */
export function moreNote(total: number): Markup.Element | undefined {
  if (total <= MAX_SHOWN) return undefined
  const hidden = formatCount(total - MAX_SHOWN)
  return h('p', { key: 'more', class: 'quiet' }, l10n.t('… and {0} more, listed in the side bar.', hidden))
}

/** `percent` undefined: the bar moves, but does not tell how far the work is. */
export function progressBar(
  percent: number | undefined,
  { label, text, state }: { label: string; text: string; state: string },
): Markup.Element {
  return h(
    'div',
    {
      key: 'progress',
      class: percent === undefined ? 'progress unknown' : 'progress',
      role: 'progressbar',
      'data-state': state,
      'aria-label': label,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': percent === undefined ? undefined : String(percent),
      'aria-valuetext': text,
    },
    h('div', { class: 'progress-done', percent }),
  )
}

/** A word with a coloured mark before it: the word alone says it all. */
export function badge(text: string, state = 'plain'): Markup.Element {
  return h('span', { class: 'badge', 'data-state': state }, text)
}

export type IconName = keyof typeof ICONS

/** Outlines on a 16 by 16 grid; decoration only, the text beside says the same. */
const ICONS = {
  folder: 'M1.5 3.5h4.6l1.6 2h6.8v7.5h-13z',
  file: 'M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3',
  down: 'M8 2.5v10M3.9 8.6 8 12.7l4.1-4.1',
  up: 'M8 13.5v-10M3.9 7.4 8 3.3l4.1 4.1',
  people:
    'M5.8 8a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM1.2 13.4c.3-2.3 2.2-3.6 4.6-3.6s4.3 1.3 4.6 3.6M10.8 3.1a2.4 2.4 0 0 1 0 4.6M12.2 10.1c1.5.5 2.4 1.6 2.6 3.3',
} as const

export function icon(name: IconName): Markup.Element {
  return h(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    h('path', { d: ICONS[name] }),
  )
}
