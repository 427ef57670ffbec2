/**
 * What keeps the store from writing, in words that say what to do. RocksDB tells a full disk by its code. Every other
 * refusal of the system has the code of a damaged file, and the system's own words in the message. A batch that failed
 * hides both in its cause.
 */
import { PeerfoldError } from '../../common/errors'

const TROUBLES = {
  'store-full': /No space left on device/i,
  'store-quota': /Disk quota exceeded/i,
  'store-read-only': /Read-only file system|Permission denied|Operation not permitted/i,
} as const

export type StoreTrouble = keyof typeof TROUBLES | 'store-failing'

/** What keeps the store from writing; undefined for any other error, those of Node's file system included. */
export function storeTrouble(error: unknown): StoreTrouble | undefined {
  const causes = [...causesOf(error)]
  for (const { code, message } of causes) {
    if (code === 'ENOSPC') return 'store-full'
    for (const [trouble, words] of entriesOf(TROUBLES)) if (words.test(message)) return trouble
  }
  const isBatch = causes.some(({ message }) => message === BATCH_FAILED)
  return isBatch && causes.some(({ code }) => code === 'EIO') ? 'store-failing' : undefined
}

/** The error for people where the store could not write, any other as it is. @param folder the data folder */
export function explainStoreTrouble(error: unknown, folder: string): unknown {
  const trouble = storeTrouble(error)
  return trouble === undefined ? error : new PeerfoldError(trouble, folder)
}

/** What rocksdb-native says of a batch, whatever was the matter. */
const BATCH_FAILED = 'Batch was not applied'
const MAX_DEPTH = 5

interface Cause {
  readonly code: unknown
  readonly message: string
}

/** The error and what it came from, but nothing that names a system call: that is no error of the store. */
function* causesOf(error: unknown, depth = 0): Generator<Cause> {
  if (!(error instanceof Error) || error instanceof PeerfoldError || 'syscall' in error) return
  if (depth > MAX_DEPTH) return
  yield { code: 'code' in error ? error.code : undefined, message: error.message }
  yield* causesOf(error.cause, depth + 1)
  if (error instanceof AggregateError) for (const one of error.errors) yield* causesOf(one, depth + 1)
}

function entriesOf<K extends string, V>(table: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(table) as [K, V][]
}
