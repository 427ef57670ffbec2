/** Which blocks this machine and connected peers have. Peers are judged by what they have announced. */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import type { BlockRuns } from '../hypercore/blockRuns'
import { BlockReferences } from './blockReferences'
import type { BlobRef, DriveEntry } from './format/entry'
import type { PathIndex } from './pathIndex'

/** A share's path log, and the newest version that was read. */
export interface KnownShare {
  readonly paths: Hypercore
  readonly version: { readonly length: number; readonly index: PathIndex } | undefined
}

/** Whether a block is neither here nor at a connected peer, so that asking for it would only wait. */
export function nobodyHas(core: Hypercore, block: number): boolean {
  return !core.core.bitfield.get(block) && !core.peers.some(peer => peerHas(peer, block))
}

/** Whether all blocks of a log, to its known length, are on this machine. */
export function isWhole(core: Hypercore): boolean {
  return core.core.bitfield.count(0, core.length, true) === core.length
}

/** Whether a log ends before a block, as far as this machine and connected peers know. */
export function isBeyond(core: Hypercore, block: number): boolean {
  return block >= core.length && core.peers.every(peer => block >= peer.remoteLength)
}

/**
 * Whether an entry names blocks that do not exist: a connected peer has all of the log of bytes that is in use, it
 * knows the entry's version, and its log ends before the blocks. (Bytes are appended before the paths that name
 * them. A packed file's own blocks may come after a listing that names them, but its pack may not.)
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

/**
 * Whether a peer has all blocks that the newest version needs, up to the end of the peer's log. No peer has all
 * blocks of former versions.
 */
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

/** Whether an entry names only blocks beyond the end of the log, as far as this machine and connected peers know. */
export function isBeyondKnown(bytes: Hypercore, { blob, pack }: DriveEntry): boolean {
  if (blob === undefined || !isBeyond(bytes, lastBlock(blob))) return false
  return pack === undefined || isBeyond(bytes, pack.block)
}

/**
 * Whether neither a file's pack nor its own blocks can be had now. Of its own blocks the first and the last are
 * looked at.
 */
export function isNowhere(bytes: Hypercore, { blob, pack }: DriveEntry): boolean {
  if (blob === undefined || !ownBlocksNowhere(bytes, blob)) return false
  return pack === undefined || nobodyHas(bytes, pack.block)
}

/** As `isNowhere`, with all of its own blocks looked at. */
export function isPartlyNowhere(bytes: Hypercore, { blob, pack }: DriveEntry): boolean {
  return hasGap(bytes, blob) && (pack === undefined || nobodyHas(bytes, pack.block))
}

export function hasGap(bytes: Hypercore, blob: BlobRef | undefined): boolean {
  if (blob === undefined) return false
  const end = blob.blockOffset + blob.blockLength
  for (let block = blob.blockOffset; block < end; block++) if (nobodyHas(bytes, block)) return true
  return false
}

/** Whether the first or the last of these blocks can be had from nobody now. */
export function ownBlocksNowhere(bytes: Hypercore, blob: BlobRef): boolean {
  return nobodyHas(bytes, blob.blockOffset) || nobodyHas(bytes, lastBlock(blob))
}

function lastBlock({ blockOffset, blockLength }: BlobRef): number {
  return blockOffset + blockLength - 1
}

function peerHas(peer: ReplicatorPeer, block: number): boolean {
  return block < peer.remoteContiguousLength || peer.remoteBitfield.get(block)
}
