/**
 * Finds the files that changed. The content of those that may have is compared; unchanged ones are noted as they look
 * now.
 */
import type { DrivePath } from '../../../common/brand'
import type { ShareDrive } from '../../drive/shareDrive'
import type { ScannedFile } from '../scan/scanned'
import { type Compared, compareDoubts, type Doubts } from './doubts'
import type { SharedFiles } from './inPlace/sharedFiles'
import { likeness, type Published } from './published'

/** Files in doubt are compared for this long (milliseconds) at a time, or as long as the scan took. */
const DOUBTS_AT_ONCE = 250

export interface ChangesQuestion {
  /** Absolute path of the folder that drive paths begin in. */
  readonly root: string
  readonly share: ShareDrive
  readonly published: Published
  /** Serves large files out of the folder; undefined: the store keeps them. */
  readonly inPlace: SharedFiles | undefined
  /** Drive paths that the watcher told. */
  readonly named: ReadonlySet<DrivePath>
  /** Milliseconds the scan took. */
  readonly scanned: number
}

/** @param looked what a scan found, in the order of paths, as is what comes back as `changed` */
export async function findChanged(
  looked: readonly ScannedFile[],
  { root, share, published, inPlace, named, scanned }: ChangesQuestion,
  signal: AbortSignal,
): Promise<Compared> {
  const sure = new Set<ScannedFile>()
  const doubts: Writable<Doubts> = { named: [], others: [] }
  inPlace?.look()
  for (const file of looked) {
    const like = likeness(file, published.get(file.path))
    if (like === 'changed') sure.add(file)
    else if (file.kind === 'file' && named.has(file.path)) doubts.named.push(file)
    else if (like === 'in-doubt' || inPlace?.isLost(file.path)) doubts.others.push(file)
  }
  if (doubts.named.length + doubts.others.length === 0) return { same: [], changed: [...sure], left: 0 }
  const log = await share.bytesReady(signal)
  const atOnce = Math.max(DOUBTS_AT_ONCE, scanned)
  const compared = await compareDoubts(root, doubts, published, log, atOnce, signal, inPlace)
  for (const file of compared.changed) sure.add(file)
  return { ...compared, changed: looked.filter(file => sure.has(file)) }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] }
