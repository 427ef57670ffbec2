/**
 * Runs of zeros in bytes to write. They are left out, so that a file with holes does not take its full size on a
 * disk that can have holes. On other disks the system fills them with zeros itself.
 */

/** The unit in which most file systems allocate (bytes). */
const PAGE = 4_096
/** Shorter runs are written, because each hole costs a call and an extent on the disk. */
const LEAST_PAGES = 8

const ZEROS = Buffer.alloc(PAGE)

/** A piece of a buffer, from `start` to `end` (exclusive). */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/** The pieces that have to be written, in order: all but long runs of zeros. */
export function piecesToWrite(bytes: Uint8Array): readonly Stretch[] {
  if (bytes.length < LEAST_PAGES * PAGE) return [{ start: 0, end: bytes.length }]
  const pieces: Stretch[] = []
  let start = 0
  for (let at = 0; at < bytes.length; ) {
    const hole = holeAt(bytes, at)
    if (hole === 0) {
      at += PAGE
      continue
    }
    if (at > start) pieces.push({ start, end: at })
    at += hole
    start = at
  }
  if (start < bytes.length) pieces.push({ start, end: bytes.length })
  return pieces
}

/** Length of the run of zeros that starts here; 0 for one that is too short to be left out. */
function holeAt(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && isZero(bytes, at)) at += PAGE
  const length = Math.min(at, bytes.length) - start
  return length >= LEAST_PAGES * PAGE ? length : 0
}

function isZero(bytes: Uint8Array, start: number): boolean {
  if (bytes[start] !== 0) return false
  const page = bytes.subarray(start, start + PAGE)
  return ZEROS.compare(page, 0, page.length, 0, page.length) === 0
}
