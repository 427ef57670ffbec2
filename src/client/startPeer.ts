/**
 * Starts a peer process that lives on by itself: not in our process group, not holding our terminal, working folder or
 * pipes. Its output goes to peer.log in the data folder; a link never stands in its arguments.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { toUserError } from '../common/errors'
import { ensureDataFolder } from '../wire/dataFolder'

/** Bytes after which the log is set aside as peer.log.old at the next start. */
const LOG_LIMIT = 5_000_000
/** Bytes of the log's end in which the reason of an early end is looked for. */
const REASON_LENGTH = 2_000

/** What a peer process exits with when another one holds the data folder. */
export const EXIT_LOCKED = 3
/** What it exits with when the store turned out to be damaged: the next one sets it aside. */
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
    const child = spawn(process.execPath, [peerProgram, ...args], {
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

/** Without what ties a process to one window: it outlives that. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('VSCODE_'))
  return { ...Object.fromEntries(kept), ...(process.versions.electron ? { ELECTRON_RUN_AS_NODE: '1' } : {}) }
}

function setAsideLongLog(log: string): void {
  try {
    if (statSync(log).size > LOG_LIMIT) renameSync(log, `${log}.old`)
  } catch {
    // There is none yet, or another client just did the same: the log goes on either way.
  }
}

/** The last line written to the log since it had `start` bytes. */
function lastLine(log: string, start: number): string {
  const file = openSync(log, 'r')
  try {
    const from = Math.max(start, statSync(log).size - REASON_LENGTH)
    const buffer = Buffer.alloc(REASON_LENGTH)
    const text = buffer.toString('utf8', 0, readSync(file, buffer, 0, REASON_LENGTH, from))
    return text.trim().split('\n').at(-1) ?? ''
  } finally {
    closeSync(file)
  }
}
