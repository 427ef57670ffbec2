/**
 * Tells a crash of the process from a loss of power. The store does not wait for the disk, so only when the machine
 * itself went down without an orderly end may its last writes be gone; what a killed process wrote is safe.
 */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** A text that changes with every start of the machine; except on Linux, it also changes when the clock is set. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return `booted ${Math.round((Date.now() / 1_000 - uptime()) / 60)}` // not Linux: the minute of the start
  }
}

/** How a run of the peer process ended, as the catalog knows it. */
export interface RunRecord {
  readonly boot: string
  readonly endedInOrder: boolean
}

/** Whether the machine went down in the middle of the run before this one. */
export function mayHaveLostWrites(last: RunRecord | undefined, boot: string): boolean {
  return last !== undefined && !last.endedInOrder && last.boot !== boot
}
