/** What is said about files that stay shared for the moment although the scan does not list them. */
import { plural, safeText } from './format'
import { english, type Localizer } from './localizer'
import type { HeldFiles } from './model'

/** Names that are said. */
const NAMED = 5

/** A sentence or two, the fact first. */
export function explainHeld({ kind, files, paths }: HeldFiles, l10n: Localizer = english): string {
  const count = plural(files, l10n.t('file'), l10n.t('files'))
  const shown = paths.slice(0, NAMED).map(path => safeText(path.replace(/^\//, ''), 80))
  const names = [...shown, ...(files > shown.length && kind !== 'disk' ? ['…'] : [])].join(', ')
  switch (kind) {
    case 'disk':
      return l10n.t(
        'The disk at {0} is gone. Its {1} stay shared as they were until it is back.',
        names,
        count,
      )
    case 'removal':
      return l10n.t(
        '{0} vanished at once: {1}. They leave the share in half a minute unless they come back.',
        count,
        names,
      )
    case 'update':
      return l10n.t(
        '{0} are shared that this version of Peerfold leaves out, as secrets or by your ignore files: {1}. They leave the share within a day; whoever has them keeps them.',
        count,
        names,
      )
  }
}
