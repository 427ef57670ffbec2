/** The parts of the Hyper* packages that Peerfold uses. They ship no types of their own. */
declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'
  import type { NoiseStream } from '@hyperswarm/secret-stream'
  import type Protomux from 'protomux'

  namespace Hypercore {
    interface GetOptions {
      wait?: boolean
      /** Milliseconds; 0 waits for ever. */
      timeout?: number
      /** As it is stored: encrypted, with its padding. */
      raw?: boolean
    }

    interface Download {
      done(): Promise<boolean>
      destroy(): void
    }

    interface ReplicatorPeer {
      readonly stream: NoiseStream
      readonly protomux: Protomux
      readonly channel: { close(): void }
      readonly remoteOpened: boolean
      /** The peer is gone, or the log is closed. */
      readonly removed: boolean
      readonly remoteLength: number
      /** The peer has told which blocks it has. */
      readonly remoteSynced: boolean
      readonly remoteFork: number
      readonly remoteContiguousLength: number
      /** The peer has this many blocks from the first one on. Its bitfield tells which later ones it has. */
      _remoteContiguousLength: number
      readonly remoteBitfield: { get(index: number): boolean; firstUnset(position: number): number }
      /** Asks which of the blocks around `index` the peer has. */
      _maybeWant(index: number, handle: { addWant(want: object): void; removeWant(want: object): void }): void
      /** Blocks asked of this peer that have not come. */
      readonly inflight: number
      /** Sends a message of an extension. A peer that does not know the extension ignores it. */
      extension(name: string, message: Uint8Array): void
      /** Whether it said that it has a block. */
      _remoteHasBlock(index: number): boolean
      /** Whether it can prove a block of the log as it is known here. */
      _canRequest(index: number, force: boolean): boolean
      /** Whether anything may be asked of it. */
      isActive(): boolean
      /** The most requests that may be on their way to the peer. */
      getMaxInflight(): number
      /** Asks it for a block. False: it cannot be asked now. */
      _requestBlock(block: WantedBlock): boolean
      /** The same for a block of a range. */
      _requestRangeBlock(index: number, length: number): boolean
      /** Asks it for some block of a range. */
      _requestRange(range: WantedRange): boolean
      /** A request to be filled in and sent. Null: nothing can be asked now. */
      _makeRequest(needsUpgrade: boolean, priority: number, minLength: number): SentRequest | null
      _send(request: SentRequest): void
      _sendBlockRequest(request: SentRequest, block: WantedBlock): void
      /** Messages with data, sent and received. */
      readonly stats: {
        readonly wireData: { readonly tx: number; readonly rx: number }
        /** How often the peer lacked a block that it was asked for. */
        notAvailableBackoffs: number
        /** How often the peer called a request invalid. */
        readonly backoffs: number
      }
      /** Nothing is asked of the peer any more. */
      paused: boolean
      /** The peer gives what it is asked for. */
      remoteUploading: boolean
      /** The most blocks asked of this peer at a time that others were asked for already. */
      getMaxHotswapInflight(): number
      /** Requests of this peer that are not answered yet. */
      readonly remoteRequests: { readonly size: number }
      /** Those of them that wait until data already written has left. */
      readonly receiverQueue: { readonly length: number }
      /** Blocks that came from it and are being checked and stored. */
      readonly dataProcessing: number
      /** Called when a request was answered, before the answer is checked. */
      _onrequestroundtrip(request: SentRequest): void
      /** Withdraws a request that was sent to this peer. */
      _cancelRequest(request: SentRequest): void
      // Called with its messages.
      onrange(range: BlockRange & { readonly drop: boolean }): Promise<void>
      onbitfield(part: { readonly start: number; readonly bitfield: Uint32Array }): void
      onwant(range: BlockRange): void
      onunwant(range: BlockRange): void
      onrequest(request: BlockRequest): Promise<void>
      onsync(message: object): Promise<void>
      oncancel(cancel: { readonly request: number }): void
      onnodata(message: { readonly request: number; readonly reason: number }): void
      readonly wireRequest: { send(message: unknown): boolean }
    }

    interface BlockRequest {
      readonly id: number
      /** Null: it is for hashes alone. */
      readonly block: { readonly index: number } | null
      /** A proof of a longer log. */
      readonly upgrade: { readonly start: number; readonly length: number } | null
    }

    /** A block that is to be fetched. */
    interface WantedBlock {
      readonly index: number
      /** Its requests that are on their way. */
      readonly inflight: readonly SentRequest[]
      /** Whether it waits to be asked for. */
      queued: boolean
      addWant(want: object): void
      removeWant(want: object): void
    }

    interface WantedRange {
      readonly start: number
      /** -1: to the end of the log, however long it gets. */
      readonly end: number
      /** The only blocks wanted; `start` and `end` are places in this list then. Null: the whole range. */
      readonly blocks: readonly number[] | null
      readonly linear: boolean
    }

    interface SentRequest {
      readonly peer: ReplicatorPeer
      block: { readonly index: number } | null
      /** `index` is a place in the tree. `nodes`: levels above it that are unknown here; 0 has them counted. */
      hash: { readonly index: number; readonly nodes: number } | null
      /** A proof of a longer log. */
      readonly upgrade: { readonly start: number; readonly length: number } | null
    }

    /** A hash that is to be fetched without its block. */
    interface HashRequest {
      readonly inflight: SentRequest[]
      /** An answer is being checked. */
      readonly processing: boolean
      attach(session: RequestRef[]): RequestRef
      detach(ref: RequestRef): boolean
    }

    /** One waiter for the answer to a request. */
    interface RequestRef {
      /** Null: the request is over. */
      readonly context: HashRequest | null
      readonly promise: Promise<unknown>
    }

    /** A block and what proves it, as a peer sends them. */
    interface Proof {
      readonly fork: number
      readonly block: {
        readonly index: number
        readonly value: Uint8Array
        readonly nodes: readonly object[]
      }
      readonly hash: null
      readonly seek: null
      readonly upgrade: null
      readonly manifest: null
    }

    /** Data from a peer, in answer to a request or without one. */
    interface SentData {
      /** 0: there was no request. */
      readonly request: number
      readonly fork: number
      readonly block: Proof['block'] | null
      readonly hash: object | null
      readonly seek: object | null
      readonly upgrade: { readonly start: number; readonly length: number } | null
      readonly manifest: object | null
    }

    /** What is to be proven. */
    interface ProofOptions {
      /** `nodes`: the most levels above the block that the other side does not know. */
      readonly block: { readonly index: number; readonly nodes: number } | null
      readonly hash: null
      readonly seek: null
      readonly upgrade: { readonly start: number; readonly length: number } | null
    }

    interface BlockRange {
      readonly start: number
      readonly length: number
    }

    /** Encrypts blocks. It also writes the padding, which stands before the bytes. */
    interface Encryption {
      /** Bytes. */
      padding(core: object, index: number): number
      /** In place. */
      encrypt(index: number, block: Uint8Array, fork: number, core: object): void | Promise<void>
      /** In place. */
      decrypt(index: number, block: Uint8Array, core: object): void | Promise<void>
    }

    interface Hints {
      readonly contiguousLength: number
      readonly remoteContiguousLength: number
      readonly recovering: number
    }
    /** What the database holds of one log. */
    interface Storage {
      readonly core: { readonly corePointer: number; readonly dataPointer: number }
      read(fork?: number): StorageReading
      write(): StorageWriting
      /** Records kept beside the log on this machine alone, in the order of their keys. */
      createLocalStream(range?: {
        gte?: Uint8Array
        lt?: Uint8Array
      }): AsyncIterable<{ readonly key: Buffer; readonly value: Buffer }>
    }
    /** Reads that are done together, once `tryFlush` is called. */
    interface StorageReading {
      /** The block as it is stored. Null: it is not here. */
      getBlock(index: number): Promise<Uint8Array | null>
      /** The hash above blocks, by its place in the tree: that of block n is at 2n. */
      getTreeNode(index: number): Promise<{ readonly size: number; readonly hash: Buffer } | null>
      getBitfieldPage(page: number): Promise<Buffer | null>
      getLocal(key: Uint8Array): Promise<Buffer | null>
      tryFlush(): void
    }
    /** Changes that are written together, or not at all. */
    interface StorageWriting {
      putBlock(index: number, block: Uint8Array): void
      deleteBlock(index: number): void
      /** An `end` of -1 means the end of the log. */
      deleteBlockRange(start: number, end: number): void
      putBitfieldPage(page: number, bits: Uint8Array): void
      setHints(hints: Hypercore.Hints): void
      putLocal(key: Uint8Array, value: Uint8Array): void
      deleteLocal(key: Uint8Array): void
      deleteLocalRange(start: Uint8Array, end: Uint8Array): void
    }
    interface Bitfield {
      get(index: number): boolean
      count(start: number, length: number, value: boolean): number
      /** -1: there is none. */
      firstSet(position: number): number
      firstUnset(position: number): number
    }
  }
  class Hypercore extends EventEmitter {
    readonly key: Buffer
    readonly discoveryKey: Buffer
    /** Null, or without its secret key, where this machine cannot sign versions. */
    readonly keyPair: { readonly publicKey: Buffer; readonly secretKey: Buffer | null } | null
    /** Who may sign versions. Null until the first blocks of somebody else's log are here. */
    readonly manifest: { readonly signers: readonly { readonly publicKey: Buffer }[] } | null
    readonly id: string
    readonly length: number
    readonly byteLength: number
    readonly contiguousLength: number
    readonly fork: number
    readonly writable: boolean
    readonly opened: boolean
    readonly closing: Promise<void> | null
    readonly peers: readonly Hypercore.ReplicatorPeer[]
    /** How this session encrypts and decrypts. */
    readonly encryption: Hypercore.Encryption | null
    setEncryption(encryption: Hypercore.Encryption | null): Promise<void>
    readonly core: {
      readonly bitfield: Hypercore.Bitfield
      readonly storage: Hypercore.Storage
      closeAllSessions(error: Error | null): Promise<void>
      close(): Promise<void>
      readonly replicator: {
        attached(mux: Protomux): boolean
        attachTo(mux: Protomux): void
        detachFrom(mux: Protomux): void
        /** Whether a longer log of a peer is taken over without being asked for. */
        eagerUpgrade: boolean
        /** Lets changes of the tree by data of peers in one at a time. */
        readonly _rxLock: { lock(): Promise<void>; unlock(): void }
        /** Hands data that was checked and stored to those who wait for it. */
        _ondata(peer: Hypercore.ReplicatorPeer, request: null, data: Hypercore.SentData): void
        /** Tells listeners that a block was given. */
        _onupload(index: number, byteLength: number, peer: Hypercore.ReplicatorPeer): void
        /** Tells peers that blocks are here, or with `drop` that they are not any more. */
        onhave(start: number, length: number, drop: boolean): void
        readonly peers: readonly Hypercore.ReplicatorPeer[]
        /** The request for a proof of a longer log, to one peer at a time. Null: none is under way. */
        readonly _upgrade: {
          readonly inflight: readonly Hypercore.SentRequest[]
        } | null
        /** Blocks that wait to be asked for, and some that have ceased to wait. */
        readonly _queued: Hypercore.WantedBlock[]
        readonly _seeks: readonly object[]
        /** Every request that is on its way, to any peer. */
        readonly _inflight: Iterable<Hypercore.SentRequest>
        readonly _blocks: Iterable<Hypercore.WantedBlock> & {
          get(index: number): Hypercore.WantedBlock | null
        }
        readonly _hashes: { add(index: number, priority: number, force: boolean): Hypercore.HashRequest }
        /** Gives a block to those who wait for it. */
        _resolveBlockRequest(blocks: object, index: number, value: Uint8Array, request: null): boolean
        /** Checks which of the wanted ranges are here. */
        _updateNonPrimary(updateAll: boolean): void
        /** Forgets a request for a block. If somebody still wants the block, it waits again to be asked for. */
        _clearInflightBlock(blocks: object, request: Hypercore.SentRequest): void
        /** Asks a peer for one block that waits. False: no waiting block can be asked of it. */
        _updatePeer(peer: Hypercore.ReplicatorPeer): boolean
        /** Asks a peer for what others were asked for already. */
        _updateHotswap(peer: Hypercore.ReplicatorPeer): void
        /** Asks a peer for what is wanted. */
        updatePeer(peer: Hypercore.ReplicatorPeer): void
        /** Schedules a round in which each peer is asked for what is wanted. */
        queueUpdateAll(): void
        /** Tells a peer which blocks are here. */
        _onwant(peer: Hypercore.ReplicatorPeer, start: number, length: number, any: boolean): void
      }
      /** What changes a log, one change at a time. */
      readonly state: {
        readonly length: number
        readonly fork: number
        readonly mutex: { lock(): Promise<void> }
        readonly storage: Hypercore.Storage
        createWriteBatch(): Hypercore.StorageWriting
        flush(): Promise<boolean>
        _unlock(): void
      }
      readonly header: { readonly hints: Hypercore.Hints }
      /** Checks data of a peer, and stores it. False: it does not fit any more. Throws when it is wrong. */
      verify(proof: Hypercore.Proof | Hypercore.SentData, from?: Hypercore.ReplicatorPeer): Promise<boolean>
      /** What is known of the tree is damaged. */
      readonly _repairMode: boolean
      /** The log has no manifest, as logs of early Hypercore versions. */
      readonly compat: boolean
      updateContiguousLength(change: { start: number; length: number; drop: boolean }): void
      _setBitfieldRanges(start: number, end: number, value: boolean): void
      flushHints(): Promise<void>
    }
    ready(): Promise<void>
    close(): Promise<void>
    session(options?: { timeout?: number; wait?: boolean; weak?: boolean }): Hypercore
    get(index: number, options?: Hypercore.GetOptions): Promise<Buffer | null>
    has(start: number, end?: number): Promise<boolean>
    append(blocks: readonly Uint8Array[] | Uint8Array): Promise<{ length: number; byteLength: number }>
    update(options?: { wait?: boolean; force?: boolean }): Promise<boolean>
    /** The hash of the log when it was `length` blocks long. */
    treeHash(length?: number): Promise<Buffer>
    findingPeers(): () => void
    /** Proves what is wanted. A block that is not here comes without its bytes. */
    proof(wanted: Hypercore.ProofOptions): Promise<Omit<Hypercore.SentData, 'request' | 'manifest'>>
    /** Exchanges messages beside those of the log, with peers that registered the same name. */
    registerExtension(
      name: string,
      handlers: {
        /** `raw` of compact-encoding: bytes as they are. */
        encoding: unknown
        onmessage(message: Uint8Array, from: Hypercore.ReplicatorPeer): void
      },
    ): { destroy(): void }
    download(range: {
      start?: number
      end?: number
      blocks?: readonly number[]
      linear?: boolean
    }): Hypercore.Download
    /** Finds the block of a byte, and the byte in it. Null: what is here does not suffice to find it. */
    seek(bytes: number, options?: { wait?: boolean }): Promise<[number, number] | null>
    truncate(length: number): Promise<void>
    clear(start: number, end: number): Promise<unknown>
    /** Given `isInitiator`, makes a stream of its own. */
    replicate(isInitiator: boolean): import('node:stream').Duplex
    replicate(stream: NoiseStream | Protomux): unknown
    static createProtocolStream(
      stream: NoiseStream,
      options?: { ondiscoverykey?: (discoveryKey: Buffer) => void | Promise<void>; keepAlive?: boolean },
    ): NoiseStream
    static discoveryKey(key: Uint8Array): Buffer
  }
  export = Hypercore
}

declare module 'hypercore/lib/messages' {
  import type { SentData } from 'hypercore'

  export const wire: {
    readonly data: { encode(state: unknown, value: SentData): void; decode(state: never): SentData }
  }
}

declare module 'hypercore/lib/merkle-tree' {
  export const MerkleTree: {
    /** The most levels of the tree above `index` that a peer with a log of `length` blocks does not know. */
    maxMissingNodes(index: number, length: number): number
  }
}

declare module 'hypercore-storage' {
  /** The database under a Corestore. */
  class CorestoreStorage {
    constructor(
      folder: string,
      options: { writeBufferSize: number; blobGarbageCollectionAgeCutOff: number; maxOpenFiles: number },
    )
  }
  export = CorestoreStorage
}

declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'

  class Corestore extends EventEmitter {
    constructor(
      storage: string | import('hypercore-storage'),
      options?: { wait?: boolean; primaryKey?: Uint8Array; unsafe?: boolean },
    )
    ready(): Promise<void>
    close(): Promise<void>
    namespace(name: string | Uint8Array): Corestore
    session(): Corestore
    get(options: {
      key?: Uint8Array
      name?: string
      keyPair?: import('@hyperswarm/secret-stream').KeyPair
      encryptionKey?: Uint8Array | null
    }): Hypercore
    suspend(): Promise<void>
    resume(): Promise<void>
    /** Replicates every log that is open in this store. */
    replicate(stream: import('@hyperswarm/secret-stream').NoiseStream): unknown
    readonly storage: {
      readonly rocks: import('rocksdb-native').default
      readonly db: import('rocksdb-native').default
      compact(options?: Record<string, number>): Promise<void>
      deleteCore(core: { readonly corePointer: number; readonly dataPointer: number }): Promise<void>
    }
  }
  export = Corestore
}

declare module 'hyperbee' {
  import type Hypercore from 'hypercore'

  interface BeeNode {
    readonly seq: number
    readonly key: unknown
    readonly value: unknown
  }
  interface EncodingOptions {
    keyEncoding?: unknown
    valueEncoding?: unknown
  }
  interface BeeBatch {
    put(key: unknown, value: unknown, options?: EncodingOptions): Promise<void>
    del(key: unknown, options?: EncodingOptions): Promise<void>
    flush(): Promise<void>
    close(): Promise<void>
    readonly length: number
    /** Null for an empty tree; writes the log's header when asked to. */
    getRoot(ensureHeader: boolean): Promise<unknown>
  }
  namespace Hyperbee {
    /** Answers other peers' searches in the tree, and fetches what they say we will need. */
    interface BeeExtension {
      oncache(message: unknown, from: unknown): void
      onget(message: unknown, from: unknown): void
      oniterator(message: unknown, from: unknown): Promise<void>
    }
  }
  class Hyperbee {
    readonly core: Hypercore
    readonly version: number
    readonly extension: Hyperbee.BeeExtension | null
    constructor(core: Hypercore, options?: EncodingOptions)
    ready(): Promise<void>
    batch(options?: EncodingOptions): BeeBatch
    put(key: unknown, value: unknown, options?: EncodingOptions): Promise<void>
    del(key: unknown, options?: EncodingOptions): Promise<void>
    get(
      key: unknown,
      options?: EncodingOptions & { wait?: boolean; timeout?: number },
    ): Promise<BeeNode | null>
    getHeader(options?: { timeout?: number }): Promise<unknown>
    close(): Promise<void>
  }
  export = Hyperbee
}

declare module 'hyperbee/lib/messages.js' {
  /** A block of a Hyperbee. `decode` throws on anything else. */
  export const Node: {
    decode(block: Uint8Array): { readonly index: Buffer; readonly key: Buffer; readonly value: Buffer | null }
    encode(block: { index: Buffer; key: Buffer; value: Buffer | null }): Buffer
  }
  /** The search tree in a block. A node lists the blocks of its keys, and its children as pairs of block and place. */
  export const YoloIndex: {
    encode(index: { levels: readonly { keys: readonly number[]; children: readonly number[] }[] }): Buffer
  }
  /** The first block. */
  export const Header: {
    encode(header: { protocol: string; metadata: { contentFeed: Buffer } }): Buffer
    decode(block: Uint8Array): { readonly protocol: string }
  }
}

declare module 'hyperdrive' {
  import type { EventEmitter } from 'node:events'
  import type { Writable } from 'node:stream'
  import type Corestore from 'corestore'
  import type Hyperbee from 'hyperbee'
  import type Hypercore from 'hypercore'

  interface BlobId {
    blockOffset: number
    blockLength: number
    byteOffset: number
    byteLength: number
    blockMap?: boolean
  }
  interface Blobs {
    readonly core: Hypercore
    createReadStream(
      id: BlobId,
      options?: { start?: number; length?: number; timeout?: number; wait?: boolean },
    ): AsyncIterable<Buffer> & { destroy(error?: Error): void }
  }
  interface StockEntry {
    readonly key: string
    readonly value: {
      readonly executable: boolean
      readonly linkname: string | null
      readonly blob: BlobId | null
      readonly metadata: unknown
    }
  }
  class Hyperdrive extends EventEmitter {
    constructor(
      store: Corestore,
      key?: Uint8Array | null,
      options?: { encryptionKey?: Uint8Array | null; extension?: boolean },
    )
    constructor(store: Corestore, options?: { encryptionKey?: Uint8Array | null })
    readonly key: Buffer
    readonly discoveryKey: Buffer
    readonly version: number
    readonly writable: boolean
    readonly corestore: Corestore
    readonly core: Hypercore
    readonly db: Hyperbee
    readonly blobs: Blobs | null
    ready(): Promise<void>
    close(): Promise<void>
    getBlobs(): Promise<Blobs>
    update(options?: { wait?: boolean }): Promise<boolean>
    findingPeers(): () => void
    // What other clients do with a drive; our own code reads and writes the logs itself. Tests use these.
    get(path: string, options?: { follow?: boolean; timeout?: number }): Promise<Buffer | null>
    /** The drive as it was when its path log had `version` blocks. */
    checkout(version: number): Hyperdrive
    put(path: string, content: Uint8Array, options?: { executable?: boolean }): Promise<void>
    del(path: string): Promise<void>
    symlink(path: string, target: string): Promise<void>
    entry(path: string): Promise<StockEntry | null>
    list(folder?: string): AsyncIterable<StockEntry>
    createWriteStream(path: string, options?: { executable?: boolean; dedup?: boolean }): Writable
  }
  export = Hyperdrive
}

declare module 'sub-encoder' {
  class SubEncoder {
    constructor(prefix: string, encoding: string)
    encode(key: string): Buffer
    decode(key: Uint8Array): string
  }
  export = SubEncoder
}
