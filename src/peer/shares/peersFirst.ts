/**
 * After a loss of power a log of this machine may lack its end, and readers may have it. So readers are looked for
 * before anything is appended, and the publisher asks them (publish/version/ownLogs.ts). Without a network nothing is
 * published: nobody can be asked, and nobody would get it.
 */
import { delay, unlessAborted } from '../time'
import type { ShareReplication } from './replication'
import type { ServedShare } from './servedShare'

/** Readers that were found have this long (milliseconds) to say what they have. */
const PEERS_TELL = 1_500
/** When looking for them takes longer than this (milliseconds), the user is told. */
const PEERS_SOON = 10_000

/** Nothing is appended to the logs before peers were looked for. */
export function peersFirst(
  share: ServedShare,
  joined: ShareReplication,
  { onLate, onFound }: { readonly onLate: () => void; readonly onFound: () => void },
): void {
  const { signal } = share
  const found = unlessAborted(joined.membership.askedOnline, signal).then(() => delay(PEERS_TELL, signal))
  share.after(found)
  const tell = setTimeout(onLate, PEERS_SOON)
  found.then(
    () => {
      clearTimeout(tell)
      onFound()
    },
    () => clearTimeout(tell),
  )
}
