/**
 * Blocks that come from peers for files that are being written. They never pass through the store. Each is kept
 * here, after its hash was compared, until it is in its file. Only blocks that a file asked for are taken, so
 * memory holds no more than is asked for ahead.
 */

interface Expected {
  /** Stored length of the block (bytes). One of another length goes to the store. */
  readonly length: number
  /** Files that wait for it. */
  files: number
}

export class IncomingBlocks {
  private readonly expected = new Map<number, Expected>()
  private readonly here = new Map<number, Uint8Array>()
  /** Bytes that were taken, and not yet subtracted from the received ones (see `countStored`). */
  private notCounted = 0

  /** A file asks for a block. */
  expect(index: number, length: number): void {
    const known = this.expected.get(index)
    if (known === undefined) this.expected.set(index, { length, files: 1 })
    else known.files++
  }

  /** A file stops waiting for a block. @returns whether others wait for it */
  forget(index: number): boolean {
    const known = this.expected.get(index)
    if (known === undefined) return false
    known.files--
    if (known.files > 0) return true
    this.expected.delete(index)
    return false
  }

  /** See `Outside`. */
  take(index: number, block: Uint8Array): boolean {
    if (this.expected.get(index)?.length !== block.length) return false
    this.here.set(index, block)
    this.notCounted += block.length
    return true
  }

  get(index: number): Uint8Array | undefined {
    return this.here.get(index)
  }

  /** Drops a block that is kept elsewhere by now. */
  release(index: number): void {
    this.here.delete(index)
  }

  /** @param came received bytes @returns how many of them went to the store */
  countStored(came: number): number {
    const taken = Math.min(came, this.notCounted)
    this.notCounted -= taken
    return came - taken
  }
}
