/** How many bytes of the newest version are on this machine: counted for each version, then as they come. */
import type { DriveEntry } from '../drive/format/entry'
import { breathe, slicer } from '../time'
import type { ServedShare } from './servedShare'

interface Bitfield {
  get(index: number): boolean
  count(start: number, length: number, value: boolean): number
}

export class BytesHere {
  private counted = { bytes: 0, downloaded: 0 }

  constructor(private readonly share: ServedShare) {}

  get bytes(): number {
    const { drive } = this.share
    const since = Math.max(0, this.downloaded - this.counted.downloaded)
    return Math.min(drive.version?.index.bytes ?? 0, this.counted.bytes + since)
  }

  /** Counts anew, from the log's own record of its blocks. */
  async count(): Promise<void> {
    const { version, bytes } = this.share.drive
    if (version === undefined || bytes === undefined) return
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
    this.counted = { bytes: here, downloaded }
  }

  private get downloaded(): number {
    return this.share.replication?.down.total ?? 0
  }
}

function bytesHereOf({ blob, pack, size }: DriveEntry, bitfield: Bitfield): number {
  if (blob === undefined) return size
  if (pack !== undefined && bitfield.get(pack.block)) return size
  if (blob.blockLength === 1) return bitfield.get(blob.blockOffset) ? size : 0
  const here = bitfield.count(blob.blockOffset, blob.blockLength, true)
  return here === blob.blockLength ? size : Math.floor((size * here) / blob.blockLength)
}
