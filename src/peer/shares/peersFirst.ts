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
/** Those that come meanwhile have this long (milliseconds) in all. */
const ALL_TELL = 5_000
/** When looking for them takes longer than this (milliseconds), the user is told. */
const PEERS_SOON = 10_000

/** Nothing is appended to the logs before peers were looked for. */
export function peersFirst(
  share: ServedShare,
  joined: ShareReplication,
  { onLate, onFound }: { readonly onLate: () => void; readonly onFound: () => void },
): void {
  const { signal } = share
  const found = lookTwice(joined, signal)
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

/** A search may miss somebody who has just come, or meet a connection that breaks. So one that found nobody is repeated. */
async function lookTwice({ membership, hearing }: ShareReplication, signal: AbortSignal): Promise<void> {
  await unlessAborted(membership.askedOnline, signal)
  await delay(PEERS_TELL, signal)
  if (!membership.connected) {
    await unlessAborted(membership.searchAgain(), signal)
    await delay(PEERS_TELL, signal)
  }
  const until = performance.now() + ALL_TELL
  while (hearing.isPending && performance.now() < until) await hearing.next(signal)
}
