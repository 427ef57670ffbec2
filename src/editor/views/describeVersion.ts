/** What rows and pickers say of a version. */
import * as vscode from 'vscode'
import { formatBytes, formatCount } from '../../common/format'
import type { Localizer } from '../../common/localizer'
import type { VersionSummary } from '../../common/model'

let today: Intl.DateTimeFormat | undefined
let earlier: Intl.DateTimeFormat | undefined

/** When it was published, in the user's language, without the day if that is today. If unknown, the number. */
export function versionTime({ version, time }: VersionSummary): string {
  if (time === undefined) return vscode.l10n.t('Version {0}', String(version))
  const { language } = vscode.env
  if (new Date(time).toDateString() === new Date().toDateString()) {
    today ??= new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
    return today.format(time)
  }
  earlier ??= new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  return earlier.format(time)
}

/** `3 added, 2 changed · 12 kB · no longer kept`. */
export function describeVersion({ change, size, changes, kept }: VersionSummary, l10n: Localizer): string {
  const parts: string[] = []
  if (change !== undefined) parts.push(wordOf(change, l10n))
  if (size !== undefined) parts.push(formatBytes(size))
  if (changes !== undefined) {
    const { added, changed, removed, bytes } = changes
    const counts = [
      added === 0 ? '' : l10n.t('{0} added', formatCount(added)),
      changed === 0 ? '' : l10n.t('{0} changed', formatCount(changed)),
      removed === 0 ? '' : l10n.t('{0} removed', formatCount(removed)),
    ].filter(part => part !== '')
    parts.push(counts.length === 0 ? l10n.t('nothing changed') : counts.join(', '))
    if (bytes > 0) parts.push(formatBytes(bytes))
  }
  if (kept === false) parts.push(l10n.t('no longer kept'))
  return parts.join(' · ')
}

function wordOf(change: NonNullable<VersionSummary['change']>, l10n: Localizer): string {
  switch (change) {
    case 'added':
      return l10n.t('added')
    case 'changed':
      return l10n.t('changed')
    case 'removed':
      return l10n.t('removed')
  }
}
