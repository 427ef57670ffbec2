/**
 * Clears unused blocks from one share's log of bytes, on the publisher's side and on the reader's.
 *
 * Used blocks are those that the newest version names, those of the newest listing, and those that kept former versions
 * name (past.ts). Every look counts references again from the entries themselves. Nothing about them is stored, so a
 * kill leaves nothing wrong.
 *
 * Unused blocks are noted, and cleared if still unused after the grace period: readers may be in the midst of the
 * former version. So a block goes one to two grace periods after it was superseded. A restart begins the grace period
 * again.
 */
import type Hypercore from 'hypercore'
import { BlockReferences } from '../drive/blockReferences'
import type { DriveEntry } from '../drive/format/entry'
import type { ShareDrive } from '../drive/shareDrive'
import { type BlockRuns, intersectRuns, isInRuns, unusedRuns } from '../hypercore/blockRuns'
import { clearBlocks } from '../hypercore/clearBlocks'
import { piecesIn } from '../hypercore/pieces'
import { breathe, delay, slicer } from '../time'
import type { Past } from './past'

/** Superseded bytes stay here this long (milliseconds) for those who are fetching them. */
export const GRACE = 10 * 60_000

/** Milliseconds from a new version to the look at it: by then those that asked for it have it. */
const LOOK_AFTER = 5_000
/** Milliseconds between looks at new versions. A look counts all entries, so versions in quick succession share one. */
const LOOKS_APART = 60_000

const LOOK_EVERY = 60 * 60_000

/** Something that names blocks. */
export type Named = Pick<DriveEntry, 'blob' | 'pack'>

export interface ClearingOptions {
  readonly share: ShareDrive
  readonly past: Past
  /** Milliseconds. */
  readonly grace: number
  /** What is in use besides the entries of the index; undefined while that is not known. */
  readonly entries: () => Iterable<Named> | undefined
  /** Does the work when nothing else changes the share. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  /** Called before bytes are cleared, with all blocks that stay in use. */
  readonly beforeClear: (used: BlockRuns) => void
  /** Called with the number of bytes that were cleared. */
  readonly onCleared: (bytes: number) => Promise<void>
  readonly signal: AbortSignal
  readonly onError: (error: unknown) => void
}

export class Clearing {
  /** Blocks unused at the last look; cleared if still unused after the grace period. */
  private noted: BlockRuns = []
  private running: Promise<void> | undefined
  /** When the last look at a new version began, milliseconds of `performance.now()`. */
  private lookedAt = Number.NEGATIVE_INFINITY
  /** Another version came while one was looked through. */
  private again = false

  constructor(private readonly options: ClearingOptions) {
    // Kept versions expire with time, without a new version.
    const timer = setInterval(() => this.look(), LOOK_EVERY).unref()
    options.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** To be called whenever there is a new version. */
  look(): void {
    this.again = true
    if (this.running !== undefined || this.options.signal.aborted) return
    this.running = this.run()
      .catch(error => {
        if (!this.options.signal.aborted) this.options.onError(error)
      })
      .finally(() => {
        this.running = undefined
        if (this.again) this.look() // told just after the last look
      })
  }

  /** Resolves when nothing is under way; soon, once the signal is aborted. */
  async settle(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  /** Looks and clears until no block here is unused. */
  private async run(): Promise<void> {
    const { grace, signal, inTurn } = this.options
    while (this.again) {
      const apart = this.lookedAt + LOOKS_APART - performance.now()
      await delay(Math.min(grace, Math.max(LOOK_AFTER, apart)), signal)
      this.again = false
      this.lookedAt = performance.now()
      this.noted = (await this.unused())?.unused ?? []
      while (this.noted.length > 0) {
        await delay(grace, signal)
        await inTurn(() => this.clearNoted())
      }
    }
  }

  private async clearNoted(): Promise<void> {
    const { share, beforeClear, onCleared, signal } = this.options
    const now = await this.unused()
    if (now === undefined) return // not known now: tried again after the next grace period
    const over = intersectRuns(this.noted, now.unused)
    if (over.length > 0) {
      beforeClear(now.used)
      const log = await share.bytesReady(signal)
      const bytes = await clearBlocks(log, over, signal, () => share.isNewest)
      await onCleared(bytes)
    }
    this.noted = (await this.unused())?.unused ?? this.noted
  }

  /** Undefined when what is in use is not known. */
  private async unused(): Promise<{ used: BlockRuns; unused: BlockRuns } | undefined> {
    const { share, entries, past } = this.options
    const { version, bytes } = share
    const more = entries()
    if (version === undefined || bytes === undefined || more === undefined) return undefined
    if (!share.isNewest || !share.ownsBytes) return undefined
    const references = new BlockReferences()
    const due = slicer()
    for (const some of [version.index.entries(), more]) {
      for (const entry of some) {
        references.add(entry)
        if (due()) await breathe()
      }
    }
    if (version.listing !== undefined) references.addBlob(version.listing.chunks)
    const hasUnused = () => unusedRuns(bytes.core.bitfield, bytes.length, references.runs()).length > 0
    if (hasUnused()) await past.addTo(references, version)
    if (hasUnused()) await addPacks(references, bytes)
    // A version that came meanwhile may name more blocks.
    const isSame = share.version === version && share.isNewest
    if (references.isIncomplete || !isSame) return undefined
    const used = references.runs()
    return { used, unused: unusedRuns(bytes.core.bitfield, bytes.length, used) }
  }
}

/** A block that is in use can be a piece of a pack that no entry names any more (hypercore/pieces.ts). */
async function addPacks(references: BlockReferences, bytes: Hypercore): Promise<void> {
  const used = references.runs()
  for await (const [index, { block }] of piecesIn(bytes)?.all() ?? [])
    if (isInRuns(used, index, 1)) references.addBlock(block)
}
