/**
 * Ends a conflict as the user chose. The user's file is never lost: it goes to the kept files before the incoming
 * one takes its place.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { openTarget } from '../copy/copy'
import { stated } from '../copy/marks'
import type { CopyOptions } from '../copy/options'
import { Ownership } from '../copy/ownership'
import type { FileMark, SafeWriter } from '../disk/writer'
import type { CopiedFile } from '../store/catalog'
import type { KeptFiles } from './keptFiles'
import { segmentsOf } from './leaving'

export interface ResolvingOptions extends CopyOptions {
  readonly target: string
  /** Of the user's file, inside the folder. */
  readonly place: string
  readonly take: 'mine' | 'theirs'
  readonly kept: KeptFiles
}

/** Throws `no-conflict` when the incoming file is not there any more, and WriteError. */
export async function resolveConflict(options: ResolvingOptions): Promise<void> {
  const { catalog, target, place, take, folder, share, kept, id } = options
  const known = await catalog.get('copied', target + place)
  if (known?.conflict === undefined) throw new PeerfoldError('no-conflict', join(folder, place))
  const { conflict, ...rest } = known
  const { writer } = openTarget(options, () => {})
  try {
    const copy = segmentsOf(conflict.path)
    const incoming = writer.stat(copy)
    let record: CopiedFile = rest
    if (take === 'theirs') {
      if (incoming?.kind !== 'file') throw new PeerfoldError('no-conflict', join(folder, place))
      const moved = await takeTheirs({ writer, kept, share: id, folder, place, copy, incoming })
      record = { ...rest, ...stated(moved) }
    } else if (incoming?.kind === 'file') {
      const ownership = new Ownership(share, writer, new Map())
      const expected = {
        content: conflict.content,
        ...(known.hash === undefined ? {} : { hash: known.hash }),
      }
      // A file that the user changed stays, as a file of theirs.
      if ((await ownership.prove(copy, expected)) === 'same') await writer.remove(copy, incoming)
    }
    await catalog.put('copied', target + place, record)
  } finally {
    await writer.close()
  }
}

export interface TakingTheirs {
  readonly writer: SafeWriter
  readonly kept: KeptFiles
  readonly share: ShareId
  /** Absolute. */
  readonly folder: string
  /** Of the user's file, inside the folder. */
  readonly place: string
  /** Of the incoming file. */
  readonly copy: readonly string[]
  readonly incoming: FileMark
}

/**
 * Lets the incoming file take the place of the user's. → its mark there. If that fails, the user's file is put back.
 * Throws WriteError.
 */
export async function takeTheirs(options: TakingTheirs): Promise<FileMark> {
  const { writer, kept, share, folder, place, copy, incoming } = options
  const segments = segmentsOf(place)
  const local = writer.stat(segments)
  const mine =
    local?.kind === 'file'
      ? await kept.hold(writer, segments, local, { share, folder, path: place, executable: local.executable })
      : undefined
  let moved: FileMark
  try {
    moved = await writer.move(copy, segments, incoming)
  } catch (error) {
    // Where this fails as well, the user's file stays among the kept ones.
    if (mine !== undefined) await kept.restore(mine).catch(() => {})
    throw error
  }
  await kept.prune()
  return moved
}

/** Whether the incoming file still lies there. True where that cannot be seen now. */
export function liesThere(folder: string, copy: string): boolean {
  try {
    return lstatSync(join(folder, copy), { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}
