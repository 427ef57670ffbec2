/**
 * The import: reads changed files and appends their bytes to the log, in path order.
 *
 *  - Small files are read whole and synchronously, a slice at a time, and go both into blocks of their own, at once or
 *    later, and into packs (drive/format/listing.ts). What is in a pack is kept once: the own block is a piece of it
 *    (hypercore/pieces.ts). Large files stream in bounded memory, and their bytes stay where they are (inPlace/).
 *  - Content that was published already, under whatever name, is not appended again.
 *  - Every byte passes the secrets filter before it is appended: no key reaches the log.
 */
import { join } from 'node:path'
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../../common/brand'
import type { BlobRef } from '../../drive/format/entry'
import { BLOCK_BYTES, isLarge } from '../../drive/format/largeFile'
import { PACK_BYTES, PACKED_FILE_BYTES } from '../../drive/format/listing'
import type { PublishedFile } from '../../store/catalog'
import { breathe, slicer, throwIfAborted } from '../../time'
import type { ScannedFile } from '../scan/scanned'
import type { SkippedFromShare } from '../scan/skipped'
import { errorCode } from '../scan/smallFile'
import { contentSecret, SecretContentFilter } from '../secrets/secrets'
import { BlockAppender, PREFIX_BYTES } from './appender'
import { WHOLE_FILE_BYTES } from './blockSize'
import type { SharedFiles } from './inPlace/sharedFiles'
import { DeferredBlocks } from './listingFirst/deferredBlocks'
import type { Published } from './published'
import { headOf, mayBeSame, PublishedContent } from './publishedContent'
import {
  FileBusyError,
  type NotedStats,
  readSmallStable,
  StableReader,
  UNTRUE_SIZE,
  UntrueSizeError,
} from './readStable'

/** With fewer small files than this, packs are not worth their bytes. */
export const MIN_PACKED_FILES = 64

/**
 * Where small files go: into a block of their own; into that and a pack; or into a pack first, and into their own block
 * later (listingFirst/deferredBlocks.ts).
 */
export type SmallFiles = 'own-block' | 'packed' | 'own-block-later'

export interface ImportOptions {
  readonly signal: AbortSignal
  /** Called with every file's bytes as they are read. */
  readonly onBytes: (bytes: number) => void
  readonly onFile: () => void
  /** See `VersionChanges`. */
  readonly mayGrow?: (path: DrivePath) => boolean
}

/** Reads files and appends what is new. One import at a time on one log. */
export class FileImport {
  /** Files that were not taken after all, with the reason. */
  readonly skipped: SkippedFromShare[] = []
  /** Files that kept changing: the next scan takes them. */
  readonly busy: ScannedFile[] = []
  readonly later = new DeferredBlocks()
  private readonly appender: BlockAppender
  private readonly content: PublishedContent
  private readonly packing: { file: Writable<PublishedFile>; bytes: Uint8Array }[] = []
  private packingBytes = 0
  /** Files with the same content as one whose pack is not closed yet. */
  private readonly awaitingPack: { file: Writable<PublishedFile>; of: PublishedFile }[] = []

  constructor(
    private readonly root: string,
    core: Hypercore,
    private readonly published: Published,
    private readonly options: ImportOptions,
    private readonly smallFiles: SmallFiles,
    /** Serves large files out of the folder; undefined: the store keeps them. */
    private readonly shared?: SharedFiles,
  ) {
    this.appender = new BlockAppender(core)
    this.content = new PublishedContent(core, shared)
  }

  /** Imports files (in path order) into `published`; yields each that is in. Call `finish()` afterwards. */
  async *run(files: readonly ScannedFile[]): AsyncGenerator<ScannedFile> {
    const due = slicer()
    for (const file of files) {
      throwIfAborted(this.options.signal)
      if (await this.tryImport(file)) yield file
      this.options.onFile()
      await this.writeWhenFull()
      if (due()) await breathe()
    }
  }

  /** Resolves when all bytes are in the log. */
  async finish(): Promise<void> {
    this.closePack()
    await this.appender.flush()
  }

  /** See `BlockAppender.settle`. */
  settle(): Promise<void> {
    return this.appender.settle()
  }

  /** See `BlockAppender.close`. */
  close(): Promise<void> {
    return this.appender.close()
  }

  async writeWhenFull(): Promise<void> {
    if (this.appender.full) await this.appender.write()
  }

  /** Appends blocks that belong to no file, for instance the listing's. */
  async append(blocks: AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const start = this.appender.position
    let blockLength = 0
    let byteLength = 0
    for await (const block of blocks) {
      this.appender.add(block)
      blockLength++
      byteLength += block.byteLength
    }
    return { ...start, blockLength, byteLength }
  }

  /** Puts a small file's bytes, which are in the log already, into a pack as well. */
  pack(file: PublishedFile, bytes: Uint8Array): void {
    this.packing.push({ file, bytes })
    this.packingBytes += bytes.byteLength
    if (this.packingBytes >= PACK_BYTES) this.closePack()
  }

  private async tryImport(file: ScannedFile): Promise<boolean> {
    try {
      if (file.kind === 'link') this.published.remember(file.path, linkOf(file))
      else if (file.size <= WHOLE_FILE_BYTES) return await this.importWhole(file)
      else return await this.importLarge(file)
      return true
    } catch (error) {
      if (error instanceof FileBusyError) this.busy.push(file)
      else if (error instanceof UntrueSizeError) this.skip(file, 'special-file', UNTRUE_SIZE)
      else if (isGone(error)) return false
      else if (error instanceof Error && 'syscall' in error)
        this.skip(file, 'unreadable', `It cannot be read (${errorCode(error)}).`)
      else throw error
      return false
    }
  }

  private async importWhole(file: ScannedFile): Promise<boolean> {
    const { bytes, stats } = readSmallStable(this.onDisk(file), WHOLE_FILE_BYTES, file)
    // Emptied since the scan: the next look tells whether it is about to be written (filesAtWork.ts).
    if (bytes.length === 0 && file.size > 0) throw new FileBusyError(file.path)
    const secret = file.allowed ? undefined : contentSecret(file.path, bytes)
    if (secret !== undefined) {
      this.skip(file, 'secret-content', secret)
      return false
    }
    this.options.onBytes(bytes.length)
    const base = { kind: 'file' as const, ...stats, executable: file.executable }
    if (bytes.length === 0) {
      this.published.remember(file.path, base)
      return true
    }
    const head = headOf(bytes)
    const same = await this.findSameContent(file, bytes.length, head, () => [bytes])
    if (same !== undefined) {
      const published: PublishedFile = { ...base, head, ...placesOf(same) }
      this.published.remember(file.path, published)
      this.serveAs(published, file.path)
      if (same.pack === undefined) this.awaitingPack.push({ file: published, of: same })
      return true
    }
    const isPacked = this.smallFiles !== 'own-block' && bytes.length <= PACKED_FILE_BYTES
    const isLater = isPacked && this.smallFiles === 'own-block-later'
    const blob = isLater ? this.later.add(bytes.length) : this.appendBlocks(file.path, bytes)
    const published: PublishedFile = { ...base, head, blob }
    this.published.remember(file.path, published)
    if (isPacked) this.pack(published, bytes)
    return true
  }

  private async importLarge(file: ScannedFile): Promise<boolean> {
    const reader = await StableReader.open(this.onDisk(file))
    const start = this.appender.position
    let isIn = false
    try {
      let staysInPlace = false
      let blockLength = 0
      let head = ''
      const secrets = new SecretContentFilter(file.path)
      for await (const piece of reader.pieces(BLOCK_BYTES, PREFIX_BYTES)) {
        throwIfAborted(this.options.signal)
        const secret = file.allowed ? undefined : secrets.push(piece)
        if (secret !== undefined) return this.skip(file, 'secret-content', secret)
        if (head === '') {
          head = headOf(piece)
          const same = await this.findSameContent(file, reader.stats.size, head, () => this.piecesOf(file))
          if (same !== undefined) {
            const stats = await reader.assertUnchanged()
            this.options.onBytes(reader.stats.size)
            const published: PublishedFile = { ...largeFile(file, stats), head, ...placesOf(same) }
            this.published.remember(file.path, published)
            this.serveAs(published, file.path)
            return true
          }
          staysInPlace = this.staysInPlace(file.path, reader.stats.size)
        }
        const block = this.appender.add(piece, PREFIX_BYTES)
        if (staysInPlace) this.appender.leaveOutside(block)
        blockLength++
        this.options.onBytes(piece.length)
        await this.writeWhenFull()
      }
      const stats = await reader.assertUnchanged(this.options.mayGrow?.(file.path))
      const secret = file.allowed ? undefined : secrets.end()
      if (secret !== undefined) return this.skip(file, 'secret-content', secret)
      const blob = { ...start, blockLength, byteLength: stats.size }
      this.published.remember(file.path, { ...largeFile(file, stats), head, blob })
      isIn = true
      return true
    } finally {
      if (!isIn) this.shared?.remove(start.blockOffset)
      await reader.close()
    }
  }

  /** What was published with the same content: of this very file first, since most often only its time has changed. */
  private async findSameContent(
    file: ScannedFile,
    size: number,
    head: string,
    pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<PublishedFile | undefined> {
    const own = this.published.own(file.path)
    const other = this.published.sameContent(size, head)
    for (const candidate of own === other ? [other] : [own, other]) {
      if (candidate === undefined || !mayBeSame(candidate, size, head)) continue
      if (size <= BLOCK_BYTES && candidate.head === head) return candidate
      await this.appender.flush()
      if (await this.content.isSame(candidate, pieces())) return candidate
    }
    return undefined
  }

  /** All of a large file, for a second reading. */
  private async *piecesOf(file: ScannedFile): AsyncGenerator<Uint8Array> {
    const reader = await StableReader.open(this.onDisk(file))
    try {
      for await (const piece of reader.pieces(BLOCK_BYTES)) {
        throwIfAborted(this.options.signal)
        yield piece
      }
    } finally {
      await reader.close()
    }
  }

  private appendBlocks(path: DrivePath, bytes: Buffer): BlobRef {
    const start = this.appender.position
    const staysInPlace = this.staysInPlace(path, bytes.length)
    let blockLength = 0
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = this.appender.add(bytes.subarray(at, at + BLOCK_BYTES))
      if (staysInPlace) this.appender.leaveOutside(block)
      blockLength++
    }
    return { ...start, blockLength, byteLength: bytes.length }
  }

  /** Whether the bytes of a file that is about to be appended stay in the file alone. */
  private staysInPlace(path: DrivePath, size: number): boolean {
    if (this.shared === undefined || size <= BLOCK_BYTES) return false
    if (this.published.get(path) !== undefined) this.shared.noteChanged(path)
    if (this.shared.isRestless(path)) return false
    this.shared.add(path, size, this.appender.position.blockOffset)
    return true
  }

  /** Serves blocks out of this file too, if it is a large one with the blocks of another. */
  private serveAs({ blob, size }: PublishedFile, path: DrivePath): void {
    if (blob !== undefined && isLarge(blob, size)) this.shared?.add(path, size, blob.blockOffset)
  }

  private closePack(): void {
    if (this.packing.length === 0) return
    const block = this.appender.add(Buffer.concat(this.packing.map(({ bytes }) => bytes)))
    let offset = 0
    for (const { file, bytes } of this.packing) {
      file.pack = { block, offset }
      const { blob } = file
      if (blob?.blockLength === 1 && !this.later.has(blob))
        this.appender.keepAsPiece(blob.blockOffset, { block, offset, length: bytes.byteLength })
      offset += bytes.byteLength
    }
    for (const { file, of } of this.awaitingPack) if (of.pack !== undefined) file.pack = of.pack
    this.awaitingPack.length = 0
    this.packing.length = 0
    this.packingBytes = 0
  }

  private skip(file: ScannedFile, reason: SkippedFromShare['reason'], detail: string): false {
    this.skipped.push({ path: file.path, reason, detail })
    return false
  }

  private onDisk(file: ScannedFile): string {
    return join(this.root, file.path)
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function linkOf(file: ScannedFile): PublishedFile {
  const { size, mtimeMs, ctimeMs, ino, linkTarget } = file
  return {
    kind: 'link',
    size,
    mtimeMs,
    ctimeMs,
    ino,
    executable: false,
    ...(linkTarget === undefined ? {} : { linkTarget }),
  }
}

function largeFile(file: ScannedFile, stats: NotedStats): PublishedFile {
  return { kind: 'file', ...stats, executable: file.executable }
}

function placesOf(file: PublishedFile): Pick<PublishedFile, 'blob' | 'pack'> {
  return {
    ...(file.blob === undefined ? {} : { blob: file.blob }),
    ...(file.pack === undefined ? {} : { pack: file.pack }),
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error))
}
