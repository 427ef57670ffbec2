/**
 * Which connected peers own a share: they have the secret key that signs its versions. An owner signs a value that only
 * this connection has, so a proof can neither be passed on nor used again. It is checked by the public key that the
 * share's log names. Proofs go only to peers that have shown to know the share (replication.ts).
 *
 * The signed value is a hash of 32 bytes. Hypercore signs longer texts only, so no proof is a signature of a version.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import { hash, sign, verify } from 'hypercore-crypto'
import { shareToken } from './shareTokens'

const PURPOSE = Buffer.from('peerfold/1 share owner')
const SIGNATURE = 64
const SIGNATURE_TEXT = Math.ceil((SIGNATURE * 4) / 3)
const TOKEN_TEXT = 16
const PROOF_TEXT = TOKEN_TEXT + SIGNATURE_TEXT
/** Proofs that fit into the longest message that peers take (4,000 bytes). */
export const MAX_PROOFS = 32
/** Proofs of one peer that are kept until they can be checked. */
const MAX_KEPT = 128

type Side = Pick<NoiseStream, 'isInitiator' | 'handshakeHash'>
/** A path log. */
type Owned = Pick<Hypercore, 'key' | 'keyPair' | 'manifest'>

/** Proofs as one text of fixed parts, each a token of the share and the signature. Empty when this side owns none. */
export function writeProofs(paths: readonly Owned[], stream: Side): string {
  return paths
    .flatMap(path => {
      const secretKey = path.keyPair?.secretKey
      if (secretKey == null) return []
      const signature = sign(signedBy(path, stream, true), secretKey).toString('base64url')
      return [`${shareToken(path, stream, true)}${signature}`]
    })
    .join('')
}

/** What one peer has said of its shares. */
export class OwnerProofs {
  /** Signatures that were not checked yet, by token. */
  private readonly unchecked = new Map<string, string>()
  private readonly proven = new Set<string>()

  /** Takes what a peer sent. Anything but a text holds no proofs. */
  add(text: unknown): void {
    if (typeof text !== 'string') return
    const end = Math.min(text.length, MAX_PROOFS * PROOF_TEXT)
    for (let at = 0; at + PROOF_TEXT <= end && this.unchecked.size < MAX_KEPT; at += PROOF_TEXT)
      this.unchecked.set(text.slice(at, at + TOKEN_TEXT), text.slice(at + TOKEN_TEXT, at + PROOF_TEXT))
  }

  /** Whether the peer at the other end has proven to own this share. */
  owns(path: Owned, stream: Side): boolean {
    const key = path.key.toString('hex')
    if (this.proven.has(key)) return true
    if (this.unchecked.size === 0) return false
    const signer = signerOf(path)
    if (signer === undefined) return false // it comes with the first blocks of the log
    const token = shareToken(path, stream, false)
    const signature = decoded(this.unchecked.get(token) ?? '')
    this.unchecked.delete(token)
    const isProven =
      signature.length === SIGNATURE && verify(signedBy(path, stream, false), signature, signer)
    if (isProven) this.proven.add(key)
    return isProven
  }
}

/** Empty for a text that is not the one encoding of its bytes: Node also reads `/` as `_`, and takes any last bits. */
function decoded(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : Buffer.alloc(0)
}

/** The one public key by which versions of the log are signed; undefined where it is not known, or not one. */
function signerOf({ manifest }: Owned): Buffer | undefined {
  const [signer, ...others] = manifest?.signers ?? []
  return others.length === 0 ? signer?.publicKey : undefined
}

/** @param isOurs signed by this side of the connection */
function signedBy({ key }: Owned, stream: Side, isOurs: boolean): Buffer {
  const role = Buffer.from([stream.isInitiator === isOurs ? 1 : 0])
  return hash([PURPOSE, role, key, stream.handshakeHash])
}
