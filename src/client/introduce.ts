/** The client's part of the challenge in wire/challenge.ts: it sends nothing of this user until the other end has proven
 *  itself. */
import { PeerfoldError } from '../common/errors'
import type { Params, Result } from '../common/protocol'
import { isProofSized, isSameProof, newNonce, proofOf } from '../wire/challenge'
import type { Connection, RequestOptions } from '../wire/connection'
import type { Endpoint } from '../wire/endpoint'

/** Milliseconds for a peer process that may be busy, for each of the two answers. */
const ANSWER_LIMIT = 10_000

/** What this client says of itself once the other end has proven itself. */
export interface Introduction {
  readonly client: Params<'hello'>['client']
  readonly bootstrap?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Proves both ends to each other and says hello. Undefined when the other end did not prove itself, whatever it answered.
 *
 * @throws PeerfoldError `peer-unreachable` when it is silent or the connection ends; what the peer process answers to
 *   `hello`; `cancelled`
 */
export async function introduce(
  connection: Connection,
  { socket, key, protocol }: Pick<Endpoint, 'socket' | 'key' | 'protocol'>,
  { client, bootstrap, signal }: Introduction,
): Promise<Result<'hello'> | undefined> {
  if (key === undefined) return undefined
  const options = { timeout: ANSWER_LIMIT, signal }
  const nonce = newNonce()
  const answer = await challenge(connection, protocol, nonce, options)
  if (answer === undefined) return undefined
  const meeting = { protocol, socket, clientNonce: nonce, peerNonce: answer.nonce }
  if (!isSameProof(answer.proof, proofOf('peer', key, meeting))) return undefined
  connection.trust()
  const proof = proofOf('client', key, meeting)
  const params = { protocol, proof, client, ...(bootstrap ? { bootstrap } : {}) }
  return connection.request('hello', params, options)
}

/** Undefined when what was answered is no proof. */
async function challenge(
  connection: Connection,
  protocol: number,
  nonce: Uint8Array,
  options: RequestOptions,
): Promise<Result<'challenge'> | undefined> {
  let answer: unknown
  try {
    answer = await connection.request('challenge', { protocol, nonce }, options)
  } catch (error) {
    if (options.signal?.aborted || connection.closed) throw error
    const isSilent = error instanceof PeerfoldError && error.code === 'peer-unreachable'
    if (isSilent) throw error
    return undefined
  }
  if (typeof answer !== 'object' || answer === null || !('nonce' in answer) || !('proof' in answer))
    return undefined
  const { nonce: peerNonce, proof } = answer
  return isProofSized(peerNonce) && isProofSized(proof) ? { nonce: peerNonce, proof } : undefined
}
