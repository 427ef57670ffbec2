/**
 * Makes files and folders with the umask of the process that asked for them, which may differ from that of the peer
 * process. The umask is set for one synchronous piece of work at a time, and the system applies it, with default
 * access lists and inherited groups. Other threads may create files meanwhile, but only in the data folder, which
 * is closed to others.
 */

export type WithUmask = <T>(work: () => T) => T

/**
 * The bits that are taken from a wanted umask. The owner's bits are left alone, since the store may be creating
 * files meanwhile.
 */
const OTHERS = 0o077

/** @param umask undefined: that of this process, as on Windows, where there is none */
export function umaskFor(umask: number | undefined): WithUmask {
  if (umask === undefined || process.platform === 'win32') return work => work()
  const wanted = umask & OTHERS
  // Setting the umask returns the one before. Reading it without setting would leave a moment without any.
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
