/**
 * When the times of a file can be trusted to show its next change.
 *
 * A file system notes times in ticks: of up to 10 ms on most disks, of a whole second or two on FAT, ext3 and some
 * network disks. Two changes within one tick look the same. So a file that is read within a tick of its last change is
 * noted as fresh, and its content is compared when it is met again, as git does with its index.
 */

/** Milliseconds: several ticks of a file system whose times have fractions of a millisecond. */
const FINE = 100
/** Milliseconds: a tick of two seconds, and what clocks differ by. */
const COARSE = 3_000
/** Milliseconds by which the clock of a network disk may be ahead of this machine's. */
const AHEAD = 600_000

export interface Times {
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/**
 * Whether a change after `readAt` (milliseconds since 1970) may leave these times as they are. Where a file system has
 * no time of change (FAT on Windows), that of the content decides.
 */
export function areFresh({ mtimeMs, ctimeMs }: Times, readAt: number): boolean {
  return isWithin(ctimeMs, readAt, AHEAD) || isWithin(mtimeMs, readAt, COARSE)
}

function isWithin(time: number, readAt: number, ahead: number): boolean {
  const age = readAt - time
  return age > -ahead && age < (time % 10 === 0 ? COARSE : FINE)
}
