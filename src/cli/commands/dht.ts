/** `peerfold dht`: a private DHT of ten nodes in this process. Its code is loaded only here: it is the network's. */
import { PeerfoldError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'
import type { Context } from '../context'
import { INTERRUPTED } from '../exitCodes'

/** What dist/dht.js, built from src/peer/network/privateDht.ts, exports. */
interface PrivateDhtModule {
  startPrivateDht(options: { port: number; host: string }): Promise<{
    readonly host: string
    readonly port: number
    stop(): Promise<void>
  }>
}

export async function dht({ arguments: { port, host }, output, signal }: Context): Promise<number> {
  const { startPrivateDht }: PrivateDhtModule = require('./dht.js')
  const running = await startPrivateDht({ port, host }).catch(error => {
    throw isTaken(error) ? new PeerfoldError('port-taken', String(port)) : error
  })
  const address = `${running.host}:${running.port}`
  output.line(address)
  output.event('listening', { address })
  output.note(`Ten nodes run. Use --bootstrap ${address} with every command. Press Ctrl-C to stop.`)
  await new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await running.stop()
  return INTERRUPTED
}

function isTaken(error: unknown): boolean {
  return systemCode(error) === 'EADDRINUSE'
}
