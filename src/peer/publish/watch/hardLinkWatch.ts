/**
 * Looks now and then at files that have a second name. Written to by a name outside the watched folder, they change
 * without an event; their stats tell. At most `FILES_PER_LOOK` are looked at in one go, so that a folder full of them
 * (a package store, a snapshot) costs next to nothing. More of them take turns.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import type { ScannedFile } from '../scan/scanned'

const LOOK_EVERY = 5_000
const FILES_PER_LOOK = 500

export interface HardLinkWatchOptions {
  readonly onChange: (changed: readonly DrivePath[]) => void
  /** Milliseconds between looks; default 5,000. */
  readonly interval?: number
}

export class HardLinkWatch {
  private files: readonly ScannedFile[] = []
  private next = 0
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly root: string,
    private readonly options: HardLinkWatchOptions,
  ) {}

  /** From now on these files are looked at, as a scan found them. */
  follow(files: readonly ScannedFile[]): void {
    this.files = files
    if (files.length === 0) this.close()
    else this.timer ??= setInterval(() => this.look(), this.options.interval ?? LOOK_EVERY).unref()
  }

  close(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private look(): void {
    const count = Math.min(this.files.length, FILES_PER_LOOK)
    const changed: DrivePath[] = []
    for (let n = 0; n < count; n++) {
      const file = this.files[this.next++ % this.files.length]
      if (file !== undefined && this.hasChanged(file)) changed.push(file.path)
    }
    if (changed.length > 0) this.options.onChange(changed)
  }

  private hasChanged(file: ScannedFile): boolean {
    try {
      const now = lstatSync(join(this.root, file.path), { throwIfNoEntry: false })
      return now?.ctimeMs !== file.ctimeMs || now.mtimeMs !== file.mtimeMs || now.size !== file.size
    } catch {
      return false // the next scan says what is the matter with it
    }
  }
}
