/**
 * Decrypts the blocks of one log, one after the other, in the same memory. Hypercore decrypts each block in a copy
 * of its own. For 1 GB that is a gigabyte of fresh memory, which costs more than the cipher.
 *
 * Read in hypercore 11.39.5: lib/default-encryption.js, and `get` of index.js.
 */
import type Hypercore from 'hypercore'

export class Decrypter {
  private memory: Buffer = Buffer.alloc(0)

  private constructor(
    private readonly core: Hypercore,
    private readonly encryption: Hypercore.Encryption,
  ) {}

  /** Undefined for a log that is not encrypted. It must be opened. */
  static of(core: Hypercore): Decrypter | undefined {
    return core.encryption === null ? undefined : new Decrypter(core, core.encryption)
  }

  /**
   * @param stored the stored block, which stays unchanged, because others may read it too
   * @returns its content, valid until the next call
   */
  async decrypt(index: number, stored: Uint8Array): Promise<Buffer> {
    if (this.memory.length < stored.length) this.memory = Buffer.allocUnsafe(stored.length)
    const block = this.memory.subarray(0, stored.length)
    block.set(stored)
    const { core } = this.core
    await this.encryption.decrypt(index, block, core)
    return block.subarray(this.encryption.padding(core, index))
  }
}
