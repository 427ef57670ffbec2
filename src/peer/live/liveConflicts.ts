/** The conflicts of one live copy: places where an incoming file still lies beside the user's. */
import { join, sep } from 'node:path'
import type { LiveConflict } from '../../common/model'
import type { PeerContext } from '../shares/context'
import { liesThere } from './resolving'
import type { StepResult } from './step'

/** Conflicts that the state lists. */
const TOLD = 50

export class LiveConflicts {
  /** Places of the user's files and of the incoming ones, both inside the folder. */
  private readonly copies = new Map<string, string>()
  /** Conflicts since the last finished step. */
  private readonly laid: { readonly path: string; readonly copy: string }[] = []

  constructor(
    /** Of the live copy; absolute. */
    private readonly folder: string,
    private readonly context: Pick<PeerContext, 'bases' | 'checkForDamage'>,
  ) {}

  get count(): number {
    return this.copies.size
  }

  /** The first conflicts, as last known. */
  get told(): LiveConflict[] {
    return [...this.copies].slice(0, TOLD).map(([place, copy]) => this.at(place, copy))
  }

  /** All conflicts whose incoming files still lie there. */
  list(): LiveConflict[] {
    for (const [place, copy] of this.copies) if (!liesThere(this.folder, copy)) this.forget(place)
    return [...this.copies].map(([place, copy]) => this.at(place, copy))
  }

  /** @param place of the user's file, inside the folder */
  has(place: string): boolean {
    return this.copies.has(place)
  }

  /** A step laid an incoming file beside the user's. */
  laidBeside(path: string, copy: string): void {
    this.laid.push({ path, copy })
  }

  /** Takes over the result of a finished step. */
  take({ isWhole, put, gone, conflicts }: Pick<StepResult, 'isWhole' | 'put' | 'gone' | 'conflicts'>): void {
    if (isWhole) this.copies.clear()
    else for (const path of [...put.keys(), ...gone]) this.copies.delete(path)
    for (const { path, copy } of [...conflicts, ...this.laid.splice(0)]) this.copies.set(path, copy)
  }

  /** Ends a conflict, and leaves its base alone: a merge forgets that itself. */
  delete(place: string): void {
    this.copies.delete(place)
  }

  /** Ends a conflict, and forgets its base. */
  forget(place: string): void {
    const copy = this.copies.get(place)
    this.copies.delete(place)
    if (copy === undefined) return
    this.context.bases.forget(join(this.folder, copy)).catch(this.context.checkForDamage)
  }

  private at(place: string, copy: string): LiveConflict {
    const { folder } = this
    const isMerging = this.context.bases.get(join(folder, copy))?.merged !== undefined
    return {
      path: folder + native(place),
      copy: folder + native(copy),
      ...(isMerging ? { merging: true } : {}),
    }
  }
}

function native(path: string): string {
  return path.split('/').join(sep)
}
