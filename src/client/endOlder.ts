/**
 * Ends a peer process of an earlier version, so that one of this version takes over. It ends in order, and the next one
 * continues its work, which is noted in the catalog.
 *
 * From protocol 2 on it is asked over its socket, in its own protocol, after both ends have proven themselves. Peerfold
 * 0.3.0 (protocol 1) cannot prove itself. It gets a signal if the system shows that it holds the data folder.
 */
import { PeerfoldError } from '../common/errors'
import { PROTOCOL_VERSION } from '../common/protocol'
import { type Endpoint, processSpace, readEndpoint } from '../wire/endpoint'
import { type AttachedPeer, meetPeer } from './attach'
import { waitForEnd } from './ended'
import { endHolder } from './lockHolder'

/** Milliseconds for the process to say that it ends, and then to be gone. */
const ANSWER_LIMIT = 20_000
const END_LIMIT = 20_000

export interface EndOptions {
  /** The data folder. */
  readonly storage: string
  readonly signal?: AbortSignal | undefined
}

/** Asks a process to end, and lets it go. @param successor the version that takes over; absent when none does */
export async function askToEnd(
  { connection }: AttachedPeer,
  { signal, successor }: { readonly signal?: AbortSignal | undefined; readonly successor?: string },
): Promise<void> {
  const params = successor === undefined ? {} : { successor }
  try {
    await connection.request('process.stop', params, { timeout: ANSWER_LIMIT, signal })
  } catch (error) {
    if (!connection.closed) throw error // a process that ends may close before its answer is through
  } finally {
    connection.close()
  }
}

/** True when it is gone. */
export async function endAttached(
  peer: AttachedPeer,
  { storage, signal, successor }: EndOptions & { readonly successor: string },
): Promise<boolean> {
  const endpoint = await readEndpoint(storage)
  await askToEnd(peer, { signal, successor })
  const { pid } = peer.hello
  return endpoint?.pid !== pid || isGone(endpoint, signal)
}

/** True when no process of an earlier protocol runs any more. @param successor as for `askToEnd` */
export async function endOlder(options: EndOptions, successor?: string): Promise<boolean> {
  const endpoint = await readEndpoint(options.storage)
  if (endpoint === undefined || endpoint.protocol >= PROTOCOL_VERSION) return true // gone meanwhile
  const { storage, signal } = options
  const asked = await askOlder(endpoint, options, successor)
  return (asked || endHolder(storage, endpoint)) && isGone(endpoint, signal)
}

/** Asks the process of an earlier protocol to end. → false: it did not prove itself, or did not answer */
export async function askOlder(
  endpoint: Endpoint,
  { storage, signal }: EndOptions,
  successor?: string,
): Promise<boolean> {
  try {
    const peer = await meetPeer(endpoint, { storage, client: 'command', signal })
    if (peer === undefined) return false
    await askToEnd(peer, { signal, ...(successor === undefined ? {} : { successor }) })
    return true
  } catch (error) {
    if (signal?.aborted || !(error instanceof PeerfoldError)) throw error
    return false
  }
}

/** True for a process in another container: its id means nothing here, and the lock tells when it is gone. */
async function isGone({ pid, processes }: Endpoint, signal: AbortSignal | undefined): Promise<boolean> {
  const isElsewhere = processes !== undefined && processes !== processSpace()
  return isElsewhere || waitForEnd(pid, END_LIMIT, signal)
}
