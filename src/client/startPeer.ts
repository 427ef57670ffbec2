/**
 * Starts a peer process that lives on by itself: not in our process group, not holding our terminal, working folder or
 * pipes. Its output goes to peer.log in the data folder; a link never stands in its arguments.
 */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { toUserError } from '../common/errors'
import { ensureDataFolder } from '../wire/dataFolder'

/** Bytes after which the log is set aside as peer.log.old at the next start. */
const LOG_LIMIT = 5_000_000
/** Bytes of the log's end in which the reason of an early end is looked for. */
const REASON_LENGTH = 2_000

/**
 * How V8 keeps a peer's memory, in megabytes.
 *
 * - V8 searches the whole heap for garbage at a limit that follows the heap's size. A peer's heap is small, and
 *   gigabytes of buffers pass through it. The usual limit makes a search for every eight megabytes, a quarter of all the
 *   work of a transfer. With a higher first limit the small searches of young objects suffice. In calm times
 *   peer/memory.ts asks for a search, by `gc`.
 * - Young objects get 1 MB at first; those still in use when it is full are copied. That delayed publishing a share of
 *   10,000 files by 6%. More than 8 MB helps nothing, and is never given back.
 */
export const PEER_FLAGS: readonly string[] = [
  '--expose-gc',
  '--initial-old-space-size=128',
  '--min-semi-space-size=8',
  '--max-semi-space-size=8',
]

/**
 * What a peer process gets besides its starter's environment. glibc gives each thread a pool of memory of its own and
 * rarely gives any back; one pool for all threads keeps a peer's peak 40 MB lower at the same speed.
 */
export const PEER_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' }

/** What a peer process exits with when another one holds the data folder. */
export const EXIT_LOCKED = 3
/** What it exits with when the store turned out to be damaged: the next process sets the store aside. */
export const EXIT_DAMAGED = 4

export interface StartOptions {
  readonly storage: string
  readonly bootstrap?: readonly string[] | undefined
  /** Path of dist/peer.js. */
  readonly peerProgram: string
  /** Environment of the peer process; this process's own when absent. */
  readonly env?: NodeJS.ProcessEnv | undefined
}

export interface StartedPeer {
  /** Set once the process has ended: its exit code (-1: killed or never started) and the last thing it said. */
  readonly ended: { readonly code: number; readonly reason: string } | undefined
}

export function startPeer({ storage, bootstrap, peerProgram, env }: StartOptions): StartedPeer {
  const { root, log } = ensureDataFolder(storage)
  setAsideLongLog(log)
  const output = openSync(log, 'a', 0o600)
  const before = statSync(log).size
  let ended: StartedPeer['ended']
  try {
    const args = ['--storage', root, ...(bootstrap ? ['--bootstrap', bootstrap.join(',')] : [])]
    const child = spawn(process.execPath, [...PEER_FLAGS, peerProgram, ...args], {
      cwd: root,
      detached: true,
      env: environment(env ?? process.env),
      stdio: ['ignore', output, output],
      windowsHide: true,
    })
    child.once('error', error => {
      ended = { code: -1, reason: toUserError(error).message }
    })
    child.once('exit', code => {
      ended ??= { code: code ?? -1, reason: lastLine(log, before) }
    })
    child.unref()
  } finally {
    closeSync(output)
  }
  return {
    get ended() {
      return ended
    },
  }
}

/** Without what ties a process to one window: the peer process outlives the window. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('VSCODE_'))
  const electron = process.versions.electron ? { ELECTRON_RUN_AS_NODE: '1' } : {}
  return { ...PEER_ENV, ...Object.fromEntries(kept), ...electron }
}

function setAsideLongLog(log: string): void {
  try {
    if (statSync(log).size > LOG_LIMIT) renameSync(log, `${log}.old`)
  } catch {
    // There is none yet, or another client just did the same: the log continues either way.
  }
}

/** The last line written to the log since it had `start` bytes. */
function lastLine(log: string, start: number): string {
  let file: number
  try {
    file = openSync(log, 'r')
  } catch {
    return 'its log is gone'
  }
  try {
    const from = Math.max(start, fstatSync(file).size - REASON_LENGTH)
    const buffer = Buffer.alloc(REASON_LENGTH)
    const text = buffer.toString('utf8', 0, readSync(file, buffer, 0, REASON_LENGTH, from))
    return text.trim().split('\n').at(-1) ?? ''
  } finally {
    closeSync(file)
  }
}
