/**
 * Child processes that never outlive their owner. Each leads a process group of its own, so that the processes it starts
 * end with it. `stop()` ends the group, and so does the end of this process, however that comes about, but for a
 * SIGKILL: test/support/leftBehind.ts finds what such a kill left.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface OwnedProcess {
  readonly pid: number
  readonly child: ChildProcess
  /** Whole lines, in order of arrival, without their line ends. They grow while the process runs. */
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  /** Settles when the process has ended and all its output was read; never rejects. */
  readonly ended: Promise<Ending>
  /** Resolves with the first line, past or future, for which `found` is true. Rejects when the process ends without one,
   *  or after `timeout` ms. */
  line(
    found: (line: string) => boolean,
    options?: { from?: 'stdout' | 'stderr'; timeout?: number },
  ): Promise<string>
  /** Sends a signal to the process alone. */
  kill(signal?: NodeJS.Signals): void
  /** Ends it and all it started: SIGTERM, and after `grace` ms (5 s) SIGKILL. May be called twice. */
  stop(grace?: number): Promise<Ending>
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface OwnedProcessOptions {
  readonly cwd?: string
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The id of another user to run as, for tests that root runs. */
  readonly user?: number
  /** Written to standard input, which is then closed. Without it there is no standard input. */
  readonly input?: string
  /** Called with every line as it arrives. */
  readonly onLine?: (line: string, from: 'stdout' | 'stderr') => void
}

/** Makes VS Code run as Node: in the extension host of desktop VS Code it is `process.execPath`. */
const AS_NODE = process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }

/** Starts a program. Failing to start shows as an ending with code 127 and the reason on `stderr`. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: OwnedProcessOptions = {},
): OwnedProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...AS_NODE, ...options.env },
    detached: true,
    ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  endWithThisProcess(child)
  const lines = { stdout: [] as string[], stderr: [] as string[] }
  const waiting = new Set<() => void>()
  const add = (line: string, from: 'stdout' | 'stderr') => {
    lines[from].push(line)
    options.onLine?.(line, from)
    for (const look of waiting) look()
  }
  let hasEnded = false
  const ended = new Promise<Ending>(resolve => {
    child.once('error', error => {
      add(error.message, 'stderr')
      if (child.pid === undefined) resolve({ code: 127, signal: null })
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  }).then(ending => {
    hasEnded = true
    running.delete(child)
    for (const look of waiting) look()
    return ending
  })
  for (const from of ['stdout', 'stderr'] as const) {
    const stream = child[from]
    if (stream !== null) createInterface({ input: stream }).on('line', line => add(line, from))
  }
  child.stdin?.on('error', ignoreClosedInput)
  child.stdin?.end(options.input)

  return {
    pid: child.pid ?? -1,
    child,
    stdout: lines.stdout,
    stderr: lines.stderr,
    ended,
    line: (found, { from = 'stdout', timeout = 60_000 } = {}) =>
      new Promise((resolve, reject) => {
        const settle = (done: () => void) => {
          clearTimeout(timer)
          waiting.delete(look)
          done()
        }
        const fail = (why: string) => {
          const output = [...lines.stdout.slice(-10), ...lines.stderr.slice(-20)].join('\n')
          settle(() => reject(new Error(`${command} ${args.join(' ')}: ${why}\n${output}`)))
        }
        const look = () => {
          const line = lines[from].find(found)
          if (line !== undefined) settle(() => resolve(line))
          else if (hasEnded) fail('ended before it printed the line waited for')
        }
        const timer = setTimeout(
          () => fail(`did not print the line waited for within ${timeout} ms`),
          timeout,
        )
        waiting.add(look)
        look()
      }),
    kill: signal => void child.kill(signal),
    stop: async (grace = 5000) => {
      signalGroup(child, 'SIGTERM')
      const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), grace)
      const ending = await ended
      clearTimeout(timer)
      signalGroup(child, 'SIGKILL') // what it started may still run
      return ending
    },
  }
}

const running = new Set<ChildProcess>()

function endWithThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (running.size === 0) hookExit()
  running.add(child)
}

let hooked = false

function hookExit(): void {
  if (hooked) return
  hooked = true
  // Before other listeners: they may want to remove what these processes write to.
  process.prependListener('exit', () => {
    for (const child of running) signalGroup(child, 'SIGKILL')
  })
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    // Another listener decides when this process ends. Without one it ends at once, and the hook above cleans up.
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(code)
    })
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    // Windows knows no groups: there what the child started ends by itself, or with the machine.
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** A process may end without reading its input: its exit code tells, not the broken pipe. */
function ignoreClosedInput(): void {}
