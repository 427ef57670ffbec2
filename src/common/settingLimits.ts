/** How long the values of `settings.set` may be: longer ones are refused. */
export const SETTING_LIMITS = {
  /** Characters of a display name. */
  name: 64,
  /** Ignore patterns, and characters of each. */
  patterns: 1_000,
  pattern: 1_000,
} as const
