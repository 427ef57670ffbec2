/** Sentences that more than one program says about the state. Pure; the words come from a `Localizer`. */
import { formatCount } from './format'
import type { Localizer } from './localizer'
import type { SearchReason, TransferState } from './model'

/** Why nobody is found, as far as that is known, and what to do. */
export function explainSearch(why: SearchReason, l10n: Localizer): string {
  switch (why) {
    case 'just-started':
      return l10n.t('Looking for peers…')
    case 'bootstrap-unreachable':
      return l10n.t(
        'The network cannot be reached: none of the bootstrap nodes answers. Check the internet connection, and whether UDP is blocked.',
      )
    case 'nobody-announces':
      return l10n.t(
        'The network answers, but nobody offers this share right now. Ask whoever sent the link whether their Peerfold is running.',
      )
    case 'cannot-connect':
      return l10n.t(
        'Somebody offers this share, but no connection could be made. A firewall on one of the two sides may be in the way.',
      )
    case 'no-answer':
      return l10n.t(
        'Peers are connected, but they do not have this share’s files. It goes on when somebody who has them comes.',
      )
  }
}

/** What a transfer is; `name` stands for what it moves and is safe to show. */
export function transferTitle({ kind }: TransferState, name: string, l10n: Localizer): string {
  switch (kind) {
    case 'import':
      return l10n.t('Publishing {0}', name)
    case 'copy':
      return l10n.t('Saving a copy of {0}', name)
    case 'seed':
      return l10n.t('Fetching all of {0}', name)
  }
}

/** `no peers`, `1 peer`, `3 peers`. */
export function countPeers(count: number, l10n: Localizer): string {
  if (count === 0) return l10n.t('no peers')
  return count === 1 ? l10n.t('1 peer') : l10n.t('{0} peers', formatCount(count))
}
