/**
 * Finds processes that a test run started and did not end. Every child inherits a marker in its environment, however
 * far it is removed from us and whatever group or session it made for itself.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export const markerVariable = 'PEERFOLD_TEST_RUN'

export interface RunningProcess {
  readonly pid: number
  readonly command: string
}

/** All marked processes but this one. Linux only; elsewhere none are found. */
export function markedProcesses(marker: string): RunningProcess[] {
  return processIds()
    .filter(pid => pid !== process.pid && readProc(pid, 'environ').includes(`${markerVariable}=${marker}`))
    .map(pid => ({ pid, command: readProc(pid, 'cmdline').join(' ') }))
}

/** Waits until no marked process is left, for `grace` ms at most. → those that still ran then, which are killed */
export async function endMarkedProcesses(marker: string, grace: number): Promise<RunningProcess[]> {
  const deadline = Date.now() + grace
  let left = markedProcesses(marker)
  while (left.length > 0 && Date.now() < deadline) {
    await delay(200)
    left = markedProcesses(marker)
  }
  killMarkedProcesses(marker)
  return left
}

/** Kills all marked processes at once. */
export function killMarkedProcesses(marker: string): void {
  for (const { pid } of markedProcesses(marker)) kill(pid)
}

function processIds(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isInteger(pid))
}

/** The zero-terminated strings of a file in /proc; none for a process that is gone, a zombie, or not ours. */
function readProc(pid: number, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0')
  } catch {
    return [] // it ended meanwhile, or belongs to someone else: nothing that this run started
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended since the last look, as it should.
  }
}
