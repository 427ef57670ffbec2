/**
 * Ends a conflict as the user chose. The user's file is never lost: it goes to the kept files before the incoming
 * one takes its place.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { PeerfoldError } from '../../common/errors'
import { openTarget } from '../copy/copy'
import { stated } from '../copy/marks'
import type { CopyOptions } from '../copy/options'
import { Ownership } from '../copy/ownership'
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
    const [segments, copy] = [segmentsOf(place), segmentsOf(conflict.path)]
    const incoming = writer.stat(copy)
    let record: CopiedFile = rest
    if (take === 'theirs') {
      if (incoming?.kind !== 'file') throw new PeerfoldError('no-conflict', join(folder, place))
      const local = writer.stat(segments)
      if (local?.kind === 'file') {
        const taken = { share: id, folder, path: place, executable: local.executable }
        await kept.take(writer, segments, local, taken)
      }
      record = { ...rest, ...stated(await writer.move(copy, segments, incoming)) }
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

/** Whether the incoming file still lies there. */
export function liesThere(folder: string, copy: string): boolean {
  return lstatSync(join(folder, copy), { throwIfNoEntry: false }) !== undefined
}
