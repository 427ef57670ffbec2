/**
 * Former versions of a share that are being browsed. Every folder and file that is looked at asks for the version
 * again, so the last few are kept for a while after the last question.
 */
import type { Version } from './version'

const MOST = 4
/** How long versions are kept (milliseconds). */
const KEPT_FOR = 60_000

interface Opening {
  readonly fork: number
  readonly version: Promise<Version>
  /** The version, once it was read. */
  known?: Version
}

export class OpenVersions {
  private readonly open = new Map<number, Opening>()
  private timer: NodeJS.Timeout | undefined

  /** @param read called with the nearest earlier version that is open */
  at(length: number, fork: number, read: (near: Version | undefined) => Promise<Version>): Promise<Version> {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.open.clear(), KEPT_FOR).unref()
    const before = this.open.get(length)
    const opening = before?.fork === fork ? before : this.begin(length, fork, read)
    this.open.delete(length)
    this.open.set(length, opening) // now the last one, as the most recently used
    for (const oldest of this.open.keys()) {
      if (this.open.size <= MOST) break
      this.open.delete(oldest)
    }
    return opening.version
  }

  close(): void {
    clearTimeout(this.timer)
    this.open.clear()
  }

  private begin(
    length: number,
    fork: number,
    read: (near: Version | undefined) => Promise<Version>,
  ): Opening {
    const opening: Opening = { fork, version: read(this.nearest(length, fork)) }
    opening.version.then(
      version => {
        opening.known = version
      },
      () => {
        if (this.open.get(length) === opening) this.open.delete(length) // the next question reads again
      },
    )
    return opening
  }

  private nearest(length: number, fork: number): Version | undefined {
    let nearest: Version | undefined
    for (const opening of this.open.values()) {
      const { known } = opening
      if (known === undefined || opening.fork !== fork || known.length > length) continue
      if (nearest === undefined || known.length > nearest.length) nearest = known
    }
    return nearest
  }
}
