/**
 * How the peer process and a client prove to each other that both may read the data folder. A socket or pipe may have
 * been made by anybody who came first, so neither end sends a secret, or anything else, to one that has proven nothing:
 *
 * 1. The client sends a random number, its nonce.
 * 2. The peer process answers with a nonce of its own, and a proof: a hash of both, keyed with what endpoint.json holds.
 * 3. The client checks the proof. If it is wrong, it has given away 32 random bytes, and hangs up.
 * 4. The client sends its own proof with `hello`. If it is wrong, the peer process hangs up.
 *
 * The hash covers the side that proves, so a proof that is sent back as it came is worthless. It covers the protocol
 * version, and the name of the socket, so messages that are passed on from another socket are found out. A proof that
 * was overheard fits no other nonces. This keeps out other users. It does not keep out programs of the same user, which
 * can read the same file.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Bytes of a nonce, a key and a proof. */
export const PROOF_LENGTH = 32

export type Side = 'client' | 'peer'

/** What both ends know of one connection when they prove themselves. */
export interface Meeting {
  readonly protocol: number
  /** Path of the socket or name of the pipe, as endpoint.json names it. */
  readonly socket: string
  readonly clientNonce: Uint8Array
  readonly peerNonce: Uint8Array
}

/** A new key for endpoint.json, in hex. */
export function newKey(): string {
  return randomBytes(PROOF_LENGTH).toString('hex')
}

export function newNonce(): Uint8Array {
  return new Uint8Array(randomBytes(PROOF_LENGTH))
}

/** True for a value that has the form of a nonce or a proof. Its sender has proven nothing yet. */
export function isProofSized(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === PROOF_LENGTH
}

/** @param key as `newKey` makes it */
export function proofOf(side: Side, key: string, meeting: Meeting): Uint8Array {
  const socket = Buffer.from(meeting.socket)
  const numbers = Buffer.alloc(8)
  numbers.writeUInt32BE(meeting.protocol, 0)
  numbers.writeUInt32BE(socket.length, 4)
  const hash = createHmac('sha256', Buffer.from(key, 'hex')).update(`peerfold ${side}\0`).update(numbers)
  return new Uint8Array(hash.update(socket).update(meeting.clientNonce).update(meeting.peerNonce).digest())
}

/** Compares in constant time. */
export function isSameProof(given: Uint8Array, wanted: Uint8Array): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
