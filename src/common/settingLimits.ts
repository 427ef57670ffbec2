/** How long the values of `settings.set` may be, and between what they may lie: who sends others is refused. */
export const SETTING_LIMITS = {
  /** Characters of a display name. */
  name: 64,
  /** Ignore patterns, and characters of each. */
  patterns: 1_000,
  pattern: 1_000,
  /** Peers connected at one time; each costs memory and, over TCP, a file descriptor. */
  connections: 1_000,
  /** Blocks of one log that one peer waits for. Other clients ask for up to 512; each costs about 500 bytes here. */
  openRequests: { least: 1_024, most: 100_000 },
  /** Bytes. Peerfold sends up to 9.5 million at once, and the encrypted stream can carry 16.7 million. */
  peerMessage: { least: 10_000_000, most: 16_000_000 },
  /** Bytes. Both ends hold a message about twice while it is packed and unpacked. */
  request: { least: 64_000_000, most: 500_000_000 },
} as const
