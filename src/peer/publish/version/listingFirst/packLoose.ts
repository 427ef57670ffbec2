/** Puts small files into packs that were published one by one, and those whose pack is hardly used any more. */
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../../../common/brand'
import { PACK_BYTES, PACKED_FILE_BYTES } from '../../../drive/format/listing'
import { compareDrivePaths } from '../../../names/pathOrder'
import type { PublishedFile } from '../../../store/catalog'
import { type FileImport, MIN_PACKED_FILES } from '../importFiles'
import type { Published } from '../published'

/** A pack with less than this of it still in use is packed again. */
const MIN_PACK_USE = PACK_BYTES / 2
/** Blocks of small files that are read at once to be packed. */
const READS_AHEAD = 64

/** Resolves to the paths whose files have another pack now, when all packs are in the log. */
export async function packLoose(
  published: Published,
  core: Hypercore,
  bytes: FileImport,
): Promise<DrivePath[]> {
  const use = new Map<number, number>()
  for (const { pack, size } of published.values()) {
    if (pack !== undefined) use.set(pack.block, (use.get(pack.block) ?? 0) + size)
  }
  const loose = [...published.paths()].sort(compareDrivePaths).flatMap(path => {
    const file = published.get(path)
    if (file?.blob === undefined || file.size > PACKED_FILE_BYTES) return []
    return file.pack !== undefined && (use.get(file.pack.block) ?? 0) >= MIN_PACK_USE ? [] : [{ path, file }]
  })
  if (loose.length < MIN_PACKED_FILES) return []
  const blocks = readAhead(loose, ({ file: { blob } }) =>
    blob?.blockLength === 1 ? core.get(blob.blockOffset, { wait: false }) : Promise.resolve(null),
  )
  const moved: DrivePath[] = []
  const byBlock = new Map<number, PublishedFile>()
  const awaitingPack: { readonly file: Writable<PublishedFile>; readonly of: PublishedFile }[] = []
  for await (const [{ path, file }, block] of blocks) {
    if (block === null || file.blob === undefined) continue
    const again: PublishedFile = { ...file }
    published.remember(path, again)
    moved.push(path)
    const packed = byBlock.get(file.blob.blockOffset)
    if (packed !== undefined) {
      awaitingPack.push({ file: again, of: packed })
      continue
    }
    byBlock.set(file.blob.blockOffset, again)
    bytes.pack(again, block)
    await bytes.writeWhenFull()
  }
  await bytes.finish()
  for (const { file, of } of awaitingPack) if (of.pack !== undefined) file.pack = of.pack
  return moved
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Each item with what was read for it, this many read at once. */
async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): AsyncGenerator<[item: T, result: R]> {
  const ahead: Promise<R>[] = []
  for (const [at, item] of items.entries()) {
    for (const next of items.slice(at + ahead.length, at + READS_AHEAD)) {
      const result = read(next)
      result.catch(() => {}) // rejects again where it is awaited, below
      ahead.push(result)
    }
    yield [item, await (ahead.shift() ?? read(item))]
  }
}
