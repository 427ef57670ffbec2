/**
 * A file that the user changed keeps its place. The incoming one goes beside it under a name of its own, unless a
 * file with the same content lies there already, whoever wrote it.
 */
import { closeSync, read, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { conflictName, isConflictName } from '../disk/conflicts'
import type { SafeWriter } from '../disk/writer'
import type { TargetRules } from '../names/rules'
import type { FileBytes } from './fileBytes'
import type { FormerSearch } from './former/formerSearch'
import type { Ownership } from './ownership'
import type { Destination, PlannedFile } from './planned'

const readAsync = promisify(read)

export interface BesideOptions {
  readonly writer: SafeWriter
  readonly ownership: Ownership
  readonly rules: TargetRules
  readonly former: FormerSearch
  /** A newer version replaces the conflict copy of an earlier one, if nobody changed that copy. */
  readonly replacesConflicts: boolean
}

/** Whether a local file has the incoming content. */
export type Holds = (segments: readonly string[]) => boolean | Promise<boolean>

export class Beside {
  constructor(
    private readonly options: BesideOptions,
    private readonly bytes: FileBytes,
  ) {}

  /** Where a file goes: its own place, or beside. */
  async destination(file: PlannedFile): Promise<Destination> {
    const { rules, writer } = this.options
    const { segments, precondition } = file
    if (!file.conflict) return { segments, precondition }
    const earlier = await this.earlier(file)
    if (earlier !== undefined) return earlier
    const isTaken = (other: readonly string[]) => writer.stat(other) !== undefined
    return { segments: conflictName(segments, new Date(), rules, isTaken), precondition: 'absent' }
  }

  /** A conflict copy that holds the incoming bytes already. Another program made it, for a copy of its own. */
  async sameBeside(file: PlannedFile, holds: Holds): Promise<readonly string[] | undefined> {
    const { segments, entry, conflict } = file
    const { writer } = this.options
    if (!conflict) return undefined
    const folder = segments.slice(0, -1)
    const name = segments.at(-1) ?? ''
    for (const other of writer.namesIn(folder)) {
      if (!isConflictName(other, name)) continue
      const beside = [...folder, other]
      if (writer.stat(beside)?.size === entry.size && (await holds(beside))) return beside
    }
    return undefined
  }

  /** Whether a local file has these bytes. */
  holds(segments: readonly string[], bytes: Buffer): boolean {
    const opened = this.options.writer.openFile(segments)
    if (opened === undefined) return false
    try {
      return opened.mark.size === bytes.length && readFileSync(opened.fd).equals(bytes)
    } finally {
      closeSync(opened.fd)
    }
  }

  /** Whether a local file has the incoming content: by the hashes of its blocks, or else block by block. */
  async isSame(file: PlannedFile, segments: readonly string[]): Promise<boolean> {
    const { writer, former } = this.options
    const toProve = writer.openFile(segments)
    const proof =
      toProve === undefined ? 'other' : await former.prove(file.entry, toProve, this.bytes.readOf(file.entry))
    if (proof !== 'unknown') return proof === 'same'
    const opened = writer.openFile(segments)
    if (opened === undefined) return false
    try {
      let position = 0
      for await (const block of this.bytes.blocks(file)) {
        const local = Buffer.allocUnsafe(block.length)
        const { bytesRead } = await readAsync(opened.fd, local, 0, block.length, position)
        if (bytesRead !== block.length || !local.equals(block)) return false
        position += block.length
      }
      return position === file.entry.size
    } finally {
      closeSync(opened.fd)
    }
  }

  /** The conflict copy that was made for an earlier version of the same file, if nobody changed it. */
  private async earlier({ path }: PlannedFile): Promise<Destination | undefined> {
    const { replacesConflicts, ownership, writer } = this.options
    const known = ownership.record(path)
    if (!replacesConflicts || known?.conflict === undefined) return undefined
    const { content, path: copy } = known.conflict
    const segments = copy.slice(1).split('/')
    const local = writer.stat(segments)
    if (local?.kind !== 'file') return undefined
    const expected = { content, ...(known.hash === undefined ? {} : { hash: known.hash }) }
    const isAsLeft = (await ownership.prove(segments, expected)) === 'same'
    return isAsLeft ? { segments, precondition: local } : undefined
  }
}
