/**
 * The `peerfold` command: reads the arguments, runs one command, and turns its outcome into an exit code. Commands are
 * loaded when they are run, so that `--version` and a wrong option answer at once.
 */
import { version } from '../../package.json'
import { PeerfoldError, toUserError, type UserError } from '../common/errors'
import { toFileError } from '../common/fileErrors'
import { type CommandName, type Invocation, readArguments, UsageError } from './arguments'
import { type Command, connectOptions } from './context'
import { DONE, exitCodeOf, INTERRUPTED, USAGE } from './exitCodes'
import { helpText } from './help'
import { watchForInterruption } from './interruption'
import { Output } from './output'
import { PeerStopped } from './peerStopped'
import { watchForReaders } from './standardOutput'

const LOAD: Record<CommandName, () => Promise<Command>> = {
  share: async () => (await import('./commands/share')).share,
  get: async () => (await import('./commands/get')).get,
  ls: async () => (await import('./commands/ls')).ls,
  cat: async () => (await import('./commands/cat')).cat,
  log: async () => (await import('./commands/log')).log,
  diff: async () => (await import('./commands/diff')).diff,
  seed: async () => (await import('./commands/seed')).seed,
  status: async () => (await import('./commands/status')).status,
  stop: async () => (await import('./commands/stop')).stop,
  dht: async () => (await import('./commands/dht')).dht,
}

async function main(given: readonly string[]): Promise<number> {
  let invocation: Invocation
  try {
    invocation = readArguments(given)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    watchForReaders(undefined)
    // The name alone asks what there is.
    if (given.length === 0) {
      process.stderr.write(helpText())
      return USAGE
    }
    return reportUsage(new Output(given.includes('--json')), error)
  }
  watchForReaders(invocation.kind === 'run' ? invocation.arguments.command : undefined)
  if (invocation.kind === 'version') process.stdout.write(`${version}\n`)
  if (invocation.kind === 'help') process.stdout.write(helpText(invocation.command))
  if (invocation.kind !== 'run') return DONE

  const output = new Output(invocation.arguments.json)
  const signal = watchForInterruption()
  try {
    const run = await LOAD[invocation.arguments.command]()
    const connect = connectOptions(invocation.arguments, signal)
    return await run({ arguments: invocation.arguments, output, signal, connect })
  } catch (error) {
    return error instanceof UsageError ? reportUsage(output, error) : reportFailure(output, error, signal)
  }
}

function reportUsage(output: Output, { command, message }: UsageError): number {
  const help = command === undefined ? 'peerfold --help' : `peerfold ${command} --help`
  output.error({ code: 'usage', message: `${message} See “${help}”.` })
  return USAGE
}

function reportFailure(output: Output, error: unknown, signal: AbortSignal): number {
  if (signal.aborted) {
    output.error({ code: 'cancelled', message: 'Interrupted.' })
    return INTERRUPTED
  }
  const userError = describe(error)
  output.error(userError)
  if (userError.code === 'internal' && !(error instanceof PeerfoldError)) console.error(error)
  return exitCodeOf(userError.code)
}

function describe(error: unknown): UserError {
  if (error instanceof PeerStopped) {
    return { code: 'peer-unreachable', message: `${error.message} Run the command again to continue.` }
  }
  if (error instanceof PeerfoldError && error.code === 'stalled') {
    const message = 'Nobody online has the rest. What is here is kept: run the command again to continue.'
    return { code: 'stalled', message }
  }
  const isFileError = error instanceof Error && 'syscall' in error
  return toUserError(isFileError ? toFileError(error) : error)
}

void main(process.argv.slice(2)).then(code => {
  process.exitCode = code
})
