/** The pieces of work of a copy: a pack with the files in it, or one file by its own blocks. */
import type { DriveEntry } from '../drive/format/entry'
import { PACK_BYTES } from '../drive/format/listing'
import type { PlannedFile } from './planned'

export interface CopyUnit {
  /** Bytes that it holds in memory at once, roughly. */
  readonly bytes: number
  readonly files: readonly PlannedFile[]
  /** The pack that holds them all; absent: each file's own blocks. */
  readonly pack?: number
}

/** With fewer wanted files in a pack than this, fetching their own blocks is less. */
const MIN_FILES_OF_PACK = 4
const LARGE_FILE_BYTES = 12 * 1024 * 1024

/**
 * Units in the order of the log, so that neighbours are fetched together.
 * @param needsPack whether a file can only be had by its pack now
 */
export function copyUnits(
  files: readonly PlannedFile[],
  needsPack: (entry: DriveEntry) => boolean,
): CopyUnit[] {
  const packs = new Map<number, PlannedFile[]>()
  const units: CopyUnit[] = []
  const alone = (file: PlannedFile) =>
    units.push({ bytes: Math.min(file.entry.size, LARGE_FILE_BYTES), files: [file] })
  for (const file of files) {
    const { pack } = file.entry
    const packed = pack === undefined ? undefined : packs.get(pack.block)
    if (pack === undefined) alone(file)
    else if (packed === undefined) packs.set(pack.block, [file])
    else packed.push(file)
  }
  for (const [pack, packed] of packs) {
    if (packed.length >= MIN_FILES_OF_PACK || packed.some(({ entry }) => needsPack(entry)))
      units.push({ bytes: bytesOfPack(packed), files: packed, pack })
    else packed.forEach(alone)
  }
  return units.sort((a, b) => firstBlock(a) - firstBlock(b))
}

/** At least this many: an earlier version makes packs of another size. */
function bytesOfPack(files: readonly PlannedFile[]): number {
  return files.reduce((end, { entry }) => Math.max(end, (entry.pack?.offset ?? 0) + entry.size), PACK_BYTES)
}

function firstBlock(unit: CopyUnit): number {
  return unit.pack ?? unit.files[0]?.entry.blob?.blockOffset ?? 0
}
