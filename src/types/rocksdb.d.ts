declare module 'rocksdb-native' {
  interface ReadBatch {
    get(key: Uint8Array | string): Promise<Buffer | null>
    flush(): Promise<void>
    tryFlush(): void
    destroy(): void
  }
  interface WriteBatch {
    tryPut(key: Uint8Array | string, value: Uint8Array): void
    tryDelete(key: Uint8Array | string): void
    tryDeleteRange(start: Uint8Array | string, end: Uint8Array | string): void
    flush(): Promise<void>
    destroy(): void
  }
  interface Records extends AsyncIterable<{ key: Buffer; value: Buffer }> {
    on(event: 'data', listener: (record: { key: Buffer; value: Buffer }) => void): void
    once(event: 'error', listener: (error: Error) => void): void
    once(event: 'close', listener: () => void): void
    destroy(error: unknown): void
  }
  class RocksDB {
    constructor(folder: string, options?: Record<string, unknown>)
    ready(): Promise<void>
    close(): Promise<void>
    read(options?: { autoDestroy?: boolean }): ReadBatch
    write(options?: { autoDestroy?: boolean }): WriteBatch
    get(key: Uint8Array | string): Promise<Buffer | null>
    put(key: Uint8Array | string, value: Uint8Array): Promise<void>
    delete(key: Uint8Array | string): Promise<void>
    flush(): Promise<void>
    getProperty(name: string): Promise<string | null>
    iterator(range: {
      gt?: string
      gte?: string
      lt?: string | Uint8Array
      lte?: string
      capacity?: number
    }): Records
  }
  export default RocksDB
}

declare module 'fs-native-extensions' {
  /** False when another process holds it. The lock ends with the process that took it. */
  export function tryLock(fd: number): boolean
}

declare module 'hypercore-crypto' {
  /** BLAKE2b of 32 bytes. */
  export function hash(data: Uint8Array | readonly Uint8Array[]): Buffer
  /** The hash that a log's tree has for a block. */
  export function data(block: Uint8Array): Buffer
  /** Ed25519: 64 bytes. */
  export function sign(message: Uint8Array, secretKey: Uint8Array): Buffer
  export function verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
  export function randomBytes(length: number): Buffer
  export function discoveryKey(key: Uint8Array): Buffer
}
