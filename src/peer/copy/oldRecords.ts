/**
 * Records of an earlier version have no change time and no hash. When a copy is done, the files that they describe
 * are compared once, in the background, with the store. From then on, changes of any kind show.
 */
import { closeSync } from 'node:fs'
import type { OpenFile } from '../disk/fileInPlace'
import { WriteError } from '../disk/writeErrors'
import type { SafeWriter } from '../disk/writer'
import { contentId } from '../drive/format/entry'
import { readPack, sliceOfPack } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { breathe, slicer, throwIfAborted } from '../time'
import { HASHED_BYTES, hashToKeep, type Proof, proveContent, readAll } from './contentProof'
import type { CopyMarks } from './marks'
import type { PresentFile } from './planned'

/** Time limit (milliseconds) for a read from the store, which should take none. */
const PATIENCE = 10_000

/** Records that cannot be checked stay as they are. */
export async function checkOldRecords(
  files: readonly PresentFile[],
  share: ShareDrive,
  writer: SafeWriter,
  marks: CopyMarks,
  signal: AbortSignal,
): Promise<void> {
  const due = slicer()
  try {
    for (const file of files) {
      throwIfAborted(signal)
      const opened = openedAt(file, writer)
      if (opened === undefined) continue
      try {
        const proof = await proveOld(file, opened, share, signal)
        if (proof === 'same') marks.compared(file, file.mark, opened.mark, hashOf(opened))
        if (proof === 'other') marks.changed(file)
      } finally {
        closeSync(opened.fd)
      }
      if (due()) await breathe()
    }
  } finally {
    await marks.flush() // also what was checked before an error
  }
}

/** Undefined when there is no file that may be read. */
function openedAt({ segments }: PresentFile, writer: SafeWriter): OpenFile | undefined {
  try {
    return writer.openFile(segments)
  } catch (error) {
    if (error instanceof WriteError && error.code !== 'vanished') return undefined
    throw error
  }
}

function hashOf({ fd, mark }: OpenFile): Uint8Array | undefined {
  return mark.size > HASHED_BYTES ? undefined : hashToKeep(readAll(fd, mark.size))
}

async function proveOld(
  { entry }: PresentFile,
  { fd, mark }: OpenFile,
  share: ShareDrive,
  signal: AbortSignal,
): Promise<Proof> {
  const proof = await proveContent(share, fd, mark.size, { content: contentId(entry) })
  const { bytes } = share
  const { pack } = entry
  if (proof !== 'unknown' || pack === undefined || !bytes?.core.bitfield.get(pack.block)) return proof
  const packed = await readPack(bytes, pack.block, entry.path, { timeout: PATIENCE, signal })
  if (pack.offset + entry.size > packed.length) return 'unknown'
  return readAll(fd, mark.size).equals(sliceOfPack(packed, entry)) ? 'same' : 'other'
}
