/**
 * The reader of a command's output may go away while the command runs. Commands that do something continue without it:
 * `peerfold share . | head -1` keeps serving. Commands that only print end quietly, with the exit code of a program that
 * the closed pipe ended.
 */
import { outliveReader } from '../wire/lostReaders'
import type { CommandName } from './arguments'
import { FAILED, READER_GONE } from './exitCodes'

const ONLY_SAY: readonly (CommandName | undefined)[] = ['ls', 'cat', 'status', undefined]

/** @param command undefined for the help and the version */
export function watchForReaders(command: CommandName | undefined): void {
  outliveReader(process.stderr)
  let isTold = false
  outliveReader(process.stdout, error => {
    const isGone = error.code === 'EPIPE'
    if (!isGone && !isTold) console.error(`peerfold: standard output cannot be written: ${error.message}`)
    isTold = true
    if (ONLY_SAY.includes(command)) process.exit(isGone ? READER_GONE : FAILED)
  })
}
