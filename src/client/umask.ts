/** The umask of this process, for the peer process, which writes in its stead. */
import { readFileSync } from 'node:fs'

/** As a parameter of a request. */
export function umaskParameter(): { readonly umask?: number } {
  const umask = ownUmask()
  return umask === undefined ? {} : { umask }
}

/**
 * Undefined on Windows, which has none. Node reads the umask by setting it to 0 for a moment, in which other threads of
 * an extension host may create files. So Linux is asked by /proc instead.
 */
function ownUmask(): number | undefined {
  if (process.platform === 'win32') return undefined
  return umaskInProc() ?? process.umask()
}

function umaskInProc(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const found = /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return found === undefined ? undefined : Number.parseInt(found, 8)
  } catch {
    return undefined // /proc is not mounted
  }
}
