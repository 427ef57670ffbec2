/**
 * Follows what the watch on a folder does not see: files outside of it that decide what is shared (inputs.ts), and
 * places where other disks are mounted in it. There are few, so they are looked at every two seconds.
 */
import { lookOf } from '../scan/inputs'

const INTERVAL = 2_000

export class OuterWatch {
  private looks: ReadonlyMap<string, string> = new Map()
  private timer: NodeJS.Timeout | undefined
  private looking = false

  constructor(private readonly onChange: () => void) {}

  /** @param looks absolute paths, and how each looked when it was read; in place of those before */
  follow(looks: ReadonlyMap<string, string>): void {
    this.looks = looks
    this.timer ??= setInterval(() => void this.look(), INTERVAL).unref()
  }

  close(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.looks = new Map()
  }

  private async look(): Promise<void> {
    if (this.looking) return // a disk that hangs
    this.looking = true
    const { looks } = this
    const now = await Promise.all([...looks].map(async ([path, look]) => (await lookOf(path)) === look))
    this.looking = false
    if (this.looks !== looks || now.every(Boolean)) return
    this.looks = new Map() // told once; the scan that follows brings new ones
    this.onChange()
  }
}
