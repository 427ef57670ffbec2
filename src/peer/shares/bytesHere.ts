/** How many bytes of the newest version are on this machine: counted for each version, then as they come. */
import type { ChangedPath } from '../../common/protocol'
import type { DriveEntry } from '../drive/format/entry'
import { changeTo, type Version } from '../drive/version'
import { breathe, slicer } from '../time'
import type { ServedShare } from './servedShare'

interface Bitfield {
  get(index: number): boolean
  count(start: number, length: number, value: boolean): number
}

export class BytesHere {
  private counted: { readonly version?: Version; readonly bytes: number; readonly downloaded: number } = {
    bytes: 0,
    downloaded: 0,
  }

  /** Bytes that came from this machine, not over the network. */
  private found = 0

  constructor(private readonly share: ServedShare) {}

  /** This many bytes of the newest version were found on this machine. */
  addFound(bytes: number): void {
    this.found += bytes
  }

  get bytes(): number {
    const { drive } = this.share
    const since = Math.max(0, this.downloaded - this.counted.downloaded)
    return Math.max(0, Math.min(drive.version?.index.bytes ?? 0, this.counted.bytes + since))
  }

  /** Counts by the log's own record of its blocks; only the changed paths where the version before was counted. */
  async count(): Promise<void> {
    const { version, bytes } = this.share.drive
    if (version === undefined || bytes === undefined) return
    const { version: before } = this.counted
    if (before !== undefined && before !== version && before.fork === version.fork) {
      const { paths } = await changeTo(version, before)
      if (paths !== undefined) {
        this.countChanged(version, before, paths, bytes.core.bitfield)
        return
      }
    }
    const { bitfield } = bytes.core
    const due = slicer(6)
    const { downloaded } = this
    let here = 0
    // At first only the listing is here, and there is nothing to be counted.
    if (bitfield.count(0, bytes.length, true) > (version.listing?.chunks.blockLength ?? 0)) {
      for (const entry of version.index.entries()) {
        here += bytesHereOf(entry, bitfield)
        if (due()) await breathe()
      }
    }
    this.counted = { version, bytes: here, downloaded }
  }

  private countChanged(
    version: Version,
    before: Version,
    paths: readonly ChangedPath[],
    bitfield: Bitfield,
  ): void {
    let { bytes } = this.counted
    for (const { path } of paths) {
      const old = before.index.entry(path)
      const entry = version.index.entry(path)
      if (old !== undefined) bytes -= bytesHereOf(old, bitfield)
      if (entry !== undefined) bytes += bytesHereOf(entry, bitfield)
    }
    this.counted = { ...this.counted, version, bytes }
  }

  private get downloaded(): number {
    return (this.share.replication?.down.total ?? 0) + this.found
  }
}

function bytesHereOf({ blob, pack, size }: DriveEntry, bitfield: Bitfield): number {
  if (blob === undefined) return size
  if (pack !== undefined && bitfield.get(pack.block)) return size
  if (blob.blockLength === 1) return bitfield.get(blob.blockOffset) ? size : 0
  const here = bitfield.count(blob.blockOffset, blob.blockLength, true)
  return here === blob.blockLength ? size : Math.floor((size * here) / blob.blockLength)
}
