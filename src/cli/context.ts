/** What every command is given: its arguments, its output, the user's wish to end, and the way to the peer process. */
import { join, resolve } from 'node:path'
import type { ConnectOptions } from '../client/connect'
import { defaultBootstrap } from '../wire/bootstrap'
import { defaultDataFolder } from '../wire/dataFolder'
import type { Arguments } from './arguments'
import type { Output } from './output'

export interface Context {
  readonly arguments: Arguments
  readonly output: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  readonly connect: ConnectOptions
}

/** A command returns its exit code, or throws. */
export type Command = (context: Context) => Promise<number>

export function connectOptions(given: Arguments, signal: AbortSignal): ConnectOptions {
  return {
    storage: given.storage === undefined ? defaultDataFolder() : resolve(given.storage),
    client: 'command',
    bootstrap: given.bootstrap ?? defaultBootstrap(),
    peerProgram: join(__dirname, 'peer.js'),
    signal,
  }
}
