/** What is said about files that stay shared for the moment although the scan does not list them. */
import { formatCount, safeText, withoutRoot } from './format'
import { english, type Localizer } from './localizer'
import type { HeldFiles } from './model'

/** The most names that are listed. */
const NAMED = 5

/** A sentence or two, the fact first. */
export function explainHeld({ kind, files, paths }: HeldFiles, l10n: Localizer = english): string {
  const count = formatCount(files)
  const isOne = files === 1
  const shown = paths.slice(0, NAMED).map(path => safeText(withoutRoot(path), 80))
  const names = [...shown, ...(files > shown.length && kind !== 'disk' ? ['…'] : [])].join(', ')
  switch (kind) {
    case 'disk':
      return isOne
        ? l10n.t('The disk at {0} is gone. Its file stays shared as it was until it is back.', names)
        : l10n.t(
            'The disk at {0} is gone. Its {1} files stay shared as they were until it is back.',
            names,
            count,
          )
    case 'removal':
      return isOne
        ? l10n.t('1 file vanished: {0}. It leaves the share in half a minute unless it comes back.', names)
        : l10n.t(
            '{0} files vanished at once: {1}. They leave the share in half a minute unless they come back.',
            count,
            names,
          )
    case 'update':
      return isOne
        ? l10n.t(
            '1 file is shared that this version of Peerfold leaves out, as a secret or by your ignore files: {0}. It leaves the share within a day; whoever has it keeps it.',
            names,
          )
        : l10n.t(
            '{0} files are shared that this version of Peerfold leaves out, as secrets or by your ignore files: {1}. They leave the share within a day; whoever has them keeps them.',
            count,
            names,
          )
  }
}
