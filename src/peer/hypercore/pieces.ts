/**
 * Blocks of a log whose bytes are not in the database, because they lie somewhere else already.
 *
 * - Pieces of packs. The small files of a share lie in packs, and other Hyperdrive clients need a block of its own
 *   for each. In place of such a block the database has a record that says in which pack it lies and where.
 * - Pieces of files. A large file's blocks lie in the file alone (`Outside`): in the shared folder, or in a copy.
 *   Anybody may change the file at any time.
 *
 * All reads of blocks from Hypercore's storage go through here. A block that is not in the database is read where
 * it lies, encrypted, and compared with its hash in the tree, every time. So only content that was appended is ever
 * read here or sent out. For a private share that also keeps its secrets: the cipher's nonce is the block's number,
 * and two texts under one nonce give each other away.
 *
 * Records and bits are written in the same batch as the block's hashes, so after a kill there are all of them or
 * none.
 *
 * Read in hypercore-storage 3.3.2: lib/tx.js; the database keeps `local` records beside each log, and Hypercore
 * uses none. Read in hypercore 11.39.5: blocks are read by `getBlock` and written by `putBlock` of
 * lib/session-state.js, lib/core.js and lib/replicator.js, and each way begins at `read` or `write` of the log's
 * one storage.
 */
import type Hypercore from 'hypercore'
import { isBlock, storedBlock } from './leaf'

/** A part of a block, in bytes of its content. */
export interface Piece {
  readonly block: number
  readonly offset: number
  readonly length: number
}

/** How many packs are kept in memory, and for how long after the last piece was asked for (milliseconds). */
const OPEN_PACKS = 4
const OPEN_FOR = 1_000

/** Begins the key of each record. */
const PIECE = 'p'.charCodeAt(0)
/** `PIECE` and the block's number, big-endian, so that records lie in the order of their blocks. */
const KEY_BYTES = 1 + 6
const VALUE_BYTES = 6 + 4 + 4

const byCore = new WeakMap<Hypercore['core'], Pieces>()

/**
 * Lets blocks of this log be kept as pieces from now on. The log must be opened. Packs are read through this
 * session.
 */
export function keepPieces(log: Hypercore): void {
  const known = byCore.get(log.core)
  if (known === undefined) byCore.set(log.core, new Pieces(log))
  else known.log = log
}

/** Undefined for a log whose blocks are all in the database. */
export function piecesIn(log: Hypercore): Pieces | undefined {
  return byCore.get(log.core)
}

/** The blocks that the database does not get, and what they are pieces of. */
export type Kept = ReadonlyMap<number, Piece | 'outside'>

/** An append in progress, from its first block to its end (exclusive), and the blocks that are pieces from then on. */
interface Append {
  readonly first: number
  readonly end: number
  readonly pieces: Kept
}

/** Where blocks lie that are neither in the database nor pieces of packs. */
export interface Outside {
  /** All bytes that may be the content of a block, the likeliest first. */
  candidates(index: number): AsyncIterable<Uint8Array>
  /** A block that came from a peer and is on its way into a file, in its stored form. */
  onItsWay?(index: number): Uint8Array | undefined
  /** Whether a block from a peer goes into a file, and not into the database. If so, it is kept until then. */
  takes?(index: number, block: Uint8Array): boolean
  /** The log has this block, but nothing here holds it. Resolves when the block is cleared from the log. */
  lost(index: number): Promise<void>
}

export class Pieces {
  private readonly appends = new Set<Append>()
  /** Packs that were read lately, decrypted. */
  private readonly open = new Map<number, Promise<Uint8Array | null>>()
  private closing: NodeJS.Timeout | undefined
  private readonly readStored: Hypercore.Storage['read']
  outside: Outside | undefined

  constructor(public log: Hypercore) {
    const { storage } = log.core
    this.readStored = storage.read.bind(storage)
    this.enclose(storage)
  }

  /** Whether the database has a block itself. Reads all of it. */
  async isStored(index: number): Promise<boolean> {
    const reading = this.readStored()
    const block = reading.getBlock(index)
    reading.tryFlush()
    return (await block) !== null
  }

  /**
   * Runs an append of the blocks from `first` to `end` (exclusive). The blocks named in `pieces` are kept as pieces
   * from then on, new ones as well as older ones. Their packs are in the log, or in the same append.
   */
  async appending<T>(first: number, end: number, pieces: Kept, append: () => Promise<T>): Promise<T> {
    const under = { first, end, pieces }
    this.appends.add(under)
    try {
      return await append()
    } finally {
      this.appends.delete(under)
    }
  }

  /** All blocks that are kept as pieces of packs, in order, with their pieces. */
  async *all(): AsyncGenerator<[index: number, piece: Piece]> {
    const records = this.log.core.storage.createLocalStream({ gte: keyOf(0), lt: END })
    for await (const { key, value } of records) yield [key.readUIntBE(1, 6), decode(value)]
  }

  private enclose(storage: Hypercore.Storage): void {
    const { read, write } = storage
    storage.read = fork => {
      const reading = read.call(storage, fork)
      const { getBlock } = reading
      reading.getBlock = async index => (await getBlock.call(reading, index)) ?? this.cut(index)
      return reading
    }
    storage.write = () => {
      const writing = write.call(storage)
      const { putBlock, deleteBlock, deleteBlockRange } = writing
      writing.putBlock = (index, block) => {
        const append = this.appendOf(index)
        if (index === append?.first) {
          for (const [at, piece] of append.pieces) {
            if (piece === 'outside') continue
            if (at < index) deleteBlock.call(writing, at)
            writing.putLocal(keyOf(at), encode(piece))
          }
        }
        if (append?.pieces.has(index)) return
        if (append === undefined && this.outside?.takes?.(index, block) === true) return
        putBlock.call(writing, index, block)
      }
      writing.deleteBlock = index => {
        writing.deleteLocal(keyOf(index))
        deleteBlock.call(writing, index)
      }
      writing.deleteBlockRange = (start, end) => {
        writing.deleteLocalRange(keyOf(start), end === -1 ? END : keyOf(end))
        deleteBlockRange.call(writing, start, end)
      }
      return writing
    }
  }

  private appendOf(index: number): Append | undefined {
    for (const append of this.appends) if (append.first <= index && index < append.end) return append
    return undefined
  }

  /** The stored form of a block that is a piece; null when nothing here has its hash. */
  private async cut(index: number): Promise<Uint8Array | null> {
    const { log, outside } = this
    if (!log.core.bitfield.get(index)) return null
    const reading = log.core.storage.read()
    const record = reading.getLocal(keyOf(index))
    const leaf = reading.getTreeNode(2 * index)
    reading.tryFlush()
    const [value, known] = await Promise.all([record, leaf])
    if (known === null) return null
    const coming = outside?.onItsWay?.(index)
    if (coming !== undefined && isBlock(coming, known)) return coming
    const candidates = value === null ? outside?.candidates(index) : this.partOfPack(decode(value))
    for await (const bytes of candidates ?? []) {
      const block = await storedBlock(log, index, bytes, known)
      if (block !== undefined) return block
    }
    if (value === null && log.core.bitfield.get(index)) await outside?.lost(index)
    return null
  }

  private async *partOfPack({ block, offset, length }: Piece): AsyncGenerator<Uint8Array> {
    const pack = await this.packOf(block)
    if (pack !== null && offset + length <= pack.length) yield pack.subarray(offset, offset + length)
  }

  private packOf(block: number): Promise<Uint8Array | null> {
    const open = this.open.get(block) ?? this.log.get(block, { wait: false })
    this.open.delete(block)
    this.open.set(block, open) // now the last one, as the most recently used
    for (const oldest of this.open.keys()) {
      if (this.open.size <= OPEN_PACKS) break
      this.open.delete(oldest)
    }
    clearTimeout(this.closing)
    this.closing = setTimeout(() => this.open.clear(), OPEN_FOR).unref()
    open.catch(() => this.open.delete(block))
    return open
  }
}

const END = Buffer.of(PIECE + 1)

function keyOf(index: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key.writeUInt8(PIECE)
  key.writeUIntBE(index, 1, 6)
  return key
}

function encode({ block, offset, length }: Piece): Buffer {
  const value = Buffer.allocUnsafe(VALUE_BYTES)
  value.writeUIntLE(block, 0, 6)
  value.writeUInt32LE(offset, 6)
  value.writeUInt32LE(length, 10)
  return value
}

function decode(value: Buffer): Piece {
  return { block: value.readUIntLE(0, 6), offset: value.readUInt32LE(6), length: value.readUInt32LE(10) }
}
