/** The catalog's records of files that hold blocks of one share's log, also kept in memory. */
import type { ShareId } from '../../common/brand'
import type { Catalog, Write } from '../store/catalog'
import { type BlockHolder, BlockHolders } from './blockHolders'

export class HolderRecords {
  /** Complete once `load` has resolved. */
  readonly files = new BlockHolders()
  private readonly prefix: string

  constructor(
    private readonly catalog: Catalog,
    share: ShareId,
  ) {
    this.prefix = `${share}/`
  }

  load(): Promise<void> {
    return this.catalog.each('held', this.prefix, (key, file) => {
      this.files.put({ first: parseInt(key, 10), file })
    })
  }

  all(): BlockHolder[] {
    return this.files.firsts.flatMap(first => [...this.files.of(first)])
  }

  async put(holder: BlockHolder): Promise<void> {
    const forgotten = this.files.put(holder)
    await this.catalog.write([
      { table: 'held', key: this.keyOf(holder), value: holder.file },
      ...forgotten.map((other): Write => ({ table: 'held', key: this.keyOf(other), value: undefined })),
    ])
  }

  async forget(holder: BlockHolder): Promise<void> {
    if (this.files.remove(holder)) await this.catalog.delete('held', this.keyOf(holder))
  }

  async forgetAll(): Promise<void> {
    await this.catalog.deleteAll('held', this.prefix)
  }

  private keyOf({ first, file: { folder, path } }: BlockHolder): string {
    return `${this.prefix}${first}:${folder}${path}`
  }
}
