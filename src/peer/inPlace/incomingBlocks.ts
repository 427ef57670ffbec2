/**
 * Blocks that come from peers for files that are being written. They never pass through the store: from when one has come
 * until it is in its file it is kept here, and its hash was compared before. Only what a file has asked for is taken, so
 * memory holds no more than is asked for ahead.
 */

interface Expected {
  /** Bytes of the block, as it is stored. One of another length goes to the store. */
  readonly length: number
  /** Files that wait for it. */
  files: number
}

export class IncomingBlocks {
  private readonly expected = new Map<number, Expected>()
  private readonly here = new Map<number, Uint8Array>()
  /** Bytes that were taken and that nobody has subtracted from what came. */
  private notCounted = 0

  /** A file asks for a block. */
  expect(index: number, length: number): void {
    const known = this.expected.get(index)
    if (known === undefined) this.expected.set(index, { length, files: 1 })
    else known.files++
  }

  /** It does not wait for it any more. @returns whether others do */
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

  /** It is somewhere else by now. */
  release(index: number): void {
    this.here.delete(index)
  }

  /** This many bytes came. @returns how many of them went to the store */
  countStored(came: number): number {
    const taken = Math.min(came, this.notCounted)
    this.notCounted -= taken
    return came - taken
  }
}
