/**
 * The installation's own identity: the key pair other peers know it by. Kept in the data folder, readable by its user
 * alone, so that a peer stays the same peer across restarts. Whoever copies the file can pose as this peer.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { KeyPair } from '@hyperswarm/secret-stream'
import { randomBytes } from 'hypercore-crypto'
import DHT from 'hyperdht'
import z32 from 'z32'
import type { PeerId } from '../common/brand'
import { systemCode } from '../common/fileErrors'

/** Reads the key pair of `file`, or makes one. */
export function loadKeyPair(file: string): KeyPair {
  let seed = readSeed(file)
  if (seed === undefined) {
    seed = randomBytes(32)
    const temporary = `${file}.${process.pid}`
    writeFileSync(temporary, JSON.stringify({ seed: seed.toString('hex') }), { mode: 0o600 })
    renameSync(temporary, file)
  }
  return DHT.keyPair(seed)
}

/** How a peer is named on screen and in logs: the first 16 characters (80 bits) of its public key. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  return z32.encode(publicKey).slice(0, 16) as PeerId
}

function readSeed(file: string): Buffer | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined // not made yet
    throw error
  }
  const hex: unknown = (JSON.parse(text) as { seed?: unknown } | null)?.seed
  return typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : undefined
}
