/** Who has which blocks, as far as is known: what this machine has, and what connected peers say they have. */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import type { BlockRuns } from '../hypercore/blockRuns'
import { BlockReferences } from './blockReferences'
import type { BlobRef, DriveEntry } from './format/entry'
import type { PathIndex } from './pathIndex'

/** What is known of a share: its path log, and the newest version that was read of it. */
export interface KnownShare {
  readonly paths: Hypercore
  readonly version: { readonly length: number; readonly index: PathIndex } | undefined
}

/** Whether a block is neither here nor at anybody connected, so that asking for it would only wait. */
export function nobodyHas(core: Hypercore, block: number): boolean {
  return !core.core.bitfield.get(block) && !core.peers.some(peer => peerHas(peer, block))
}

/** Whether all blocks of a log, as long as it is known to be, are on this machine. */
export function isWhole(core: Hypercore): boolean {
  return core.core.bitfield.count(0, core.length, true) === core.length
}

/** Whether a log ends before a block, as far as anybody connected knows. */
export function isBeyond(core: Hypercore, block: number): boolean {
  return block >= core.length && core.peers.every(peer => block >= peer.remoteLength)
}

/**
 * Whether an entry names blocks that do not exist: a connected peer has all of the log of bytes that is in use, knows the version the
 * entry is of, and its log ends before. (Bytes are appended before the paths that name them; a packed file's own blocks
 * may come after a listing that names them, but not its pack.)
 */
export function isBeyondTheEnd(share: KnownShare, bytes: Hypercore, entry: DriveEntry): boolean {
  if (!isBeyondKnown(bytes, entry)) return false
  const version = share.version?.length ?? 0
  return bytes.peers.some(
    peer =>
      peer.remoteLength > 0 &&
      (peer.remoteContiguousLength === peer.remoteLength || hasAllInUse(peer, share)) &&
      share.paths.peers.some(other => other.stream === peer.stream && other.remoteLength >= version),
  )
}

/** Whether a peer has what the newest version needs of its log, as far as that goes: of former versions nobody has all. */
function hasAllInUse(
  { remoteLength, remoteContiguousLength, remoteBitfield }: ReplicatorPeer,
  share: KnownShare,
): boolean {
  return runsInUse(share).every(({ start, end }) => {
    const to = Math.min(end, remoteLength)
    const from = Math.max(start, remoteContiguousLength)
    if (from >= to) return true
    const missing = remoteBitfield.firstUnset(from)
    return missing === -1 || missing >= to
  })
}

const inUse = new WeakMap<PathIndex, BlockRuns>()

function runsInUse({ version }: KnownShare): BlockRuns {
  if (version === undefined) return []
  const { index } = version
  const known = inUse.get(index)
  if (known !== undefined) return known
  const references = new BlockReferences()
  for (const entry of index.entries()) references.add(entry)
  const runs = references.runs()
  inUse.set(index, runs)
  return runs
}

/** Whether an entry names blocks beyond the end of the log, as far as anybody connected knows. */
export function isBeyondKnown(bytes: Hypercore, { blob, pack }: DriveEntry): boolean {
  if (blob === undefined || !isBeyond(bytes, lastBlock(blob))) return false
  return pack === undefined || isBeyond(bytes, pack.block)
}

/** Whether a file is nowhere to be had now: neither its pack nor the first and the last of its own blocks. */
export function isNowhere(bytes: Hypercore, { blob, pack }: DriveEntry): boolean {
  if (blob === undefined || !ownBlocksNowhere(bytes, blob)) return false
  return pack === undefined || nobodyHas(bytes, pack.block)
}

/** Whether the first or the last of these blocks is nowhere to be had now. */
export function ownBlocksNowhere(bytes: Hypercore, blob: BlobRef): boolean {
  return nobodyHas(bytes, blob.blockOffset) || nobodyHas(bytes, lastBlock(blob))
}

function lastBlock({ blockOffset, blockLength }: BlobRef): number {
  return blockOffset + blockLength - 1
}

function peerHas(peer: ReplicatorPeer, block: number): boolean {
  return block < peer.remoteContiguousLength || peer.remoteBitfield.get(block)
}
