/** Ctrl-C: the first asks the command to end in order, the second ends it at once. */
import { INTERRUPTED } from './exitCodes'

/** Not SIGHUP: a command that was started with `nohup` is to continue. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export function watchForInterruption(): AbortSignal {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return controller.signal
}
