/**
 * Bases: for every file that was changed both here and by the sharer, the content that both started from. Its blocks
 * stay in use, so it can be read as long as the conflict lasts. It is forgotten when the incoming file is gone.
 */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../common/brand'
import { systemCode } from '../../common/fileErrors'
import { type BlobRef, contentId, type DriveEntry, type PackRef } from '../drive/format/entry'
import type { BaseContent, BaseRecord, Catalog } from './catalog'

/** Content of more bytes is not kept: nobody merges it. */
export const BASE_BYTES = 4 * 1024 * 1024
/** Codes of errors that say that there is no such file. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR'])

export class Bases {
  /** By the absolute path of the incoming file. */
  private readonly records = new Map<string, BaseRecord>()

  constructor(private readonly catalog: Catalog) {}

  async load(): Promise<void> {
    for await (const [key, record] of this.catalog.list('base')) this.records.set(key, record)
  }

  /** @param copy absolute path of the incoming file */
  get(copy: string): BaseRecord | undefined {
    return this.records.get(copy)
  }

  async put(record: BaseRecord): Promise<void> {
    const key = join(record.folder, record.copy)
    this.records.set(key, record)
    await this.catalog.put('base', key, record)
  }

  async forget(copy: string): Promise<void> {
    if (this.records.delete(copy)) await this.catalog.delete('base', copy)
  }

  async forgetAllOf(share: ShareId): Promise<void> {
    for (const [copy, record] of this.records) if (record.share === share) await this.forget(copy)
  }

  /** Those whose file has markers of a merge, as far as is known. */
  get merging(): BaseRecord[] {
    return [...this.records.values()].filter(({ merged }) => merged !== undefined)
  }

  /** The content of bases in a log of bytes: it has to stay there. */
  *inUse(share: ShareId, fork: number): Generator<Pick<DriveEntry, 'blob' | 'pack'>> {
    for (const record of this.records.values()) {
      if (record.share !== share || record.fork !== fork) continue
      for (const content of [record.base, record.merged]) {
        const entry = content === undefined ? undefined : entryOf(content, '/' as DrivePath)
        if (entry !== undefined) yield entry
      }
    }
  }

  /**
   * Forgets conflicts that the user ended by removing the incoming file. A folder that is gone with it may come back.
   */
  async sweep(): Promise<void> {
    for (const [copy, { folder }] of this.records)
      if (!(await isThere(copy)) && (await isThere(folder))) await this.forget(copy)
  }
}

/** Where the content of a file lies: its first block and how many, then the pack and the place in that, if any. */
export function placeOf({ blob, pack }: DriveEntry): readonly number[] | undefined {
  if (blob === undefined || blob.blockMap === true) return undefined
  const own = [blob.blockOffset, blob.blockLength]
  return pack === undefined ? own : [...own, pack.block, pack.offset]
}

/** Undefined for an entry without content, or with too much of it. */
export function contentOf(entry: DriveEntry): BaseContent | undefined {
  return knownContent({ content: contentId(entry), at: placeOf(entry) })
}

/** @param known of a record; earlier versions did not keep the place */
export function knownContent(known: {
  readonly content: string
  readonly at?: readonly number[] | undefined
}): BaseContent | undefined {
  const { content, at } = known
  if (content === 'empty') return { content, at: [] }
  const size = Number(/^blob:\d+\+(\d+)$/.exec(content)?.[1] ?? Number.POSITIVE_INFINITY)
  return at === undefined || size > BASE_BYTES ? undefined : { content, at }
}

/** The content as an entry of the share, to be read. */
export function entryOf({ content, at }: BaseContent, path: DrivePath): DriveEntry | undefined {
  const file = { path, kind: 'file', mtime: undefined, executable: false } as const
  if (content === 'empty') return { ...file, size: 0 }
  const match = /^blob:(\d+)\+(\d+)$/.exec(content)
  const [blockOffset, blockLength, block, offset] = at
  if (match === null || blockOffset === undefined || blockLength === undefined) return undefined
  const blob: BlobRef = {
    blockOffset,
    blockLength,
    byteOffset: Number(match[1]),
    byteLength: Number(match[2]),
  }
  const pack: PackRef | undefined =
    block === undefined || offset === undefined ? undefined : { block, offset }
  return { ...file, size: blob.byteLength, blob, ...(pack === undefined ? {} : { pack }) }
}

/** True where that cannot be seen now. */
function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    error => !ABSENT.has(systemCode(error)),
  )
}
