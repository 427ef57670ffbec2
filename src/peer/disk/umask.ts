/**
 * Makes files and folders as whoever asked for them would: with their umask, which the peer process may not share. It is
 * set for one synchronous piece of work at a time, so the system does the rest, default access lists and inherited
 * groups included. Other threads may create something meanwhile, but only in the data folder, which is closed to others.
 */

export type WithUmask = <T>(work: () => T) => T

/** What its owner may do with a file is never taken away: the store might be what is created meanwhile. */
const OTHERS = 0o077

/** @param umask undefined: that of this process, as on Windows, where there is none */
export function umaskFor(umask: number | undefined): WithUmask {
  if (umask === undefined || process.platform === 'win32') return work => work()
  const wanted = umask & OTHERS
  // Setting tells what was set before. Reading alone would open a moment without any.
  const own = process.umask(wanted)
  process.umask(own)
  if (own === wanted) return work => work()
  return work => {
    const before = process.umask(wanted)
    try {
      return work()
    } finally {
      process.umask(before)
    }
  }
}
