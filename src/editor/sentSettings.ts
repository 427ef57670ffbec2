/**
 * The settings that concern the peer process, as requests to it. Each has a request of its own, so that a refused one
 * takes no other with it. Values that are too long for the peer process are cut or left out, and reported. Pure.
 */
import { formatCount, safeText } from '../common/format'
import type { Localizer } from '../common/localizer'
import type { Params } from '../common/protocol'
import { SETTING_LIMITS } from '../common/settingLimits'
import type { EditorSettings } from './settings'

export interface SentSettings {
  readonly requests: readonly Params<'settings.set'>[]
  /** Whole sentences about values that could not be taken as they were written. */
  readonly problems: readonly string[]
}

export function sentSettings(
  settings: Pick<EditorSettings, 'displayName' | 'ignore' | 'directTcp' | 'limits'>,
  l10n: Localizer,
): SentSettings {
  const { displayName, ignore, directTcp, limits } = settings
  const problems: string[] = []
  const name = clip(displayName)
  if (name !== displayName) {
    problems.push(l10n.t('Your display name is too long: others see “{0}”.', safeText(name)))
  }
  const patterns = ignore.filter(pattern => pattern.length <= SETTING_LIMITS.pattern)
  for (const pattern of ignore.filter(each => !patterns.includes(each))) {
    problems.push(
      l10n.t('The ignore pattern “{0}” is too long and leaves nothing out.', safeText(pattern, 60)),
    )
  }
  const kept = patterns.slice(0, SETTING_LIMITS.patterns)
  if (kept.length < patterns.length) {
    problems.push(
      l10n.t('Only the first {0} ignore patterns are used.', formatCount(SETTING_LIMITS.patterns)),
    )
  }
  return { requests: [{ name }, { ignore: kept }, { directTcp }, { limits }], problems }
}

/** Never ends with half of a character. */
function clip(name: string): string {
  return name
    .slice(0, SETTING_LIMITS.name)
    .replace(/[\ud800-\udbff]$/, '')
    .trim()
}
