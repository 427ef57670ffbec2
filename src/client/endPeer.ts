/** Ends the peer process of a data folder in order, even one of another age or one that does not answer. */
import { PeerfoldError } from '../common/errors'
import { readEndpoint } from '../wire/endpoint'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'
import { askOlder, askToEnd, type EndOptions } from './endOlder'
import { endHolder } from './lockHolder'

/**
 * → the id of the process that was asked to end, which may take a moment; undefined when none runs. One that cannot be
 * asked gets a signal, if it is shown to hold the data folder; otherwise throws `not-ended`, or why it cannot be asked.
 */
export async function endPeer(options: Omit<AttachOptions, 'bootstrap'>): Promise<number | undefined> {
  const { storage, client, signal } = options
  let attached: AttachedPeer | undefined
  let why: PeerfoldError | undefined
  try {
    attached = await attachToPeer({ storage, client, signal })
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code === 'cancelled') throw error
    why = error
  }
  if (attached === undefined) return endUnattached(options, why)
  await askToEnd(attached, { signal })
  return attached.hello.pid
}

/** @param why it could not be asked; undefined when nobody was found to ask */
async function endUnattached(
  options: EndOptions,
  why: PeerfoldError | undefined,
): Promise<number | undefined> {
  const { storage } = options
  const endpoint = await readEndpoint(storage)
  if (endpoint === undefined) return undefined
  if (why?.code === 'peer-older' && (await askOlder(endpoint, options))) return endpoint.pid
  if (endHolder(storage, endpoint)) return endpoint.pid
  if (why === undefined) return undefined
  throw why.code === 'store-locked' ? new PeerfoldError('not-ended', String(endpoint.pid)) : why
}
