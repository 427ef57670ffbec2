/**
 * This window's side of the peer process: turns settings into a client (src/client), its events into VS Code's, and
 * cancellation tokens into signals. Nothing runs until the first request or `start()`. Another data folder in the
 * settings means another client; other bootstrap nodes mean that the running process has to be started again.
 *
 * The client's code is loaded on first need, which keeps it out of the time activate() takes.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { PeerClient } from '../client/peerClient'
import { PeerfoldError, type UserError } from '../common/errors'
import type { PeerState } from '../common/model'
import type { Method, Notifications, Params, Result } from '../common/protocol'
import { dataFolderPaths, defaultDataFolder } from '../wire/dataFolder'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { onSettingsChange, readSettings } from './settings'
import { isCancelled, offerCommand, tell, tellError, warn } from './tell'

export type PeerStatus =
  /** Not needed yet. */
  | { readonly kind: 'off' }
  /** Ended in order, from here or elsewhere (`peerfold stop`): nothing is shared until it is needed again. */
  | { readonly kind: 'ended' }
  /** Started or started again. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly error: UserError }

export interface AskOptions {
  /** Milliseconds until `peer-unreachable`; `Infinity` only for what may take as long as it takes. */
  readonly timeout?: number
  readonly token?: vscode.CancellationToken | undefined
}

/** For answers the peer process has at hand. */
const DEFAULT_TIMEOUT = 30_000

/** Requests that change nothing: asked again when the peer process crashed while it worked on them. */
const REPEATABLE: ReadonlySet<Method> = new Set<Method>([
  'state.get',
  'share.preview',
  'share.link',
  'share.skipped',
  'open.link',
  'open.ready',
  'fs.stat',
  'fs.list',
  'fs.read',
  'fs.readRange',
  'fs.find',
  'copy.start',
  'copy.wait',
])

export class PeerProcess extends Disposable {
  private readonly states = this.own(new vscode.EventEmitter<PeerState>())
  readonly onDidReceiveState = this.states.event
  private readonly statuses = this.own(new vscode.EventEmitter<void>())
  readonly onDidChangeStatus = this.statuses.event
  private readonly shareChanges = this.own(new vscode.EventEmitter<Notifications['changed']>())
  readonly onDidChangeShare = this.shareChanges.event

  private client: Promise<PeerClient> | undefined
  private current: PeerStatus = { kind: 'off' }
  private toldRestart = false

  constructor(
    private readonly extensionPath: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    super()
    this.own(onSettingsChange(['displayName', 'ignore', 'directTcp'], () => void this.sendSettings()))
    this.own(onSettingsChange(['storageFolder'], () => void this.useOtherFolder()))
    this.own(onSettingsChange(['bootstrap'], () => this.offerRestart()))
  }

  get status(): PeerStatus {
    return this.current
  }

  /** Absolute path of the data folder. */
  get dataFolder(): string {
    return readSettings().storageFolder ?? defaultDataFolder()
  }

  /** Where the peer process remembers what is shared and opened; there once anything was. */
  get catalogPath(): string {
    return dataFolderPaths(this.dataFolder).catalog
  }

  /** There while a peer process runs on the data folder. */
  get endpointPath(): string {
    return dataFolderPaths(this.dataFolder).endpoint
  }

  /** Starts or joins the peer process. Throws `PeerfoldError`; the status then says why, too. */
  async start(): Promise<void> {
    const client = await this.useClient()
    await client.connect()
  }

  /** Ends the peer process in order, for every window. Does nothing when none runs. */
  async stop(): Promise<void> {
    if (this.current.kind !== 'running') return
    await this.request('process.stop', {})
  }

  /** Starts the peer process when need be, then asks. Throws `PeerfoldError`. */
  async request<M extends Method>(
    method: M,
    params: Params<M>,
    options: AskOptions = {},
  ): Promise<Result<M>> {
    try {
      return await this.askOnce(method, params, options)
    } catch (error) {
      if (!this.worthRepeating(method, error)) throw error
      this.log.info(`${method} is asked again: the peer process went away meanwhile`)
      return this.askOnce(method, params, options)
    }
  }

  private worthRepeating(method: Method, error: unknown): boolean {
    const lost = error instanceof PeerfoldError && error.code === 'peer-unreachable'
    return lost && REPEATABLE.has(method) && this.current.kind === 'starting' && !this.disposed
  }

  private async askOnce<M extends Method>(
    method: M,
    params: Params<M>,
    { timeout = DEFAULT_TIMEOUT, token }: AskOptions,
  ): Promise<Result<M>> {
    const cancelled = new AbortController()
    if (token?.isCancellationRequested) cancelled.abort()
    const subscription = token?.onCancellationRequested(() => cancelled.abort())
    try {
      const client = await this.useClient()
      return await client.request(method, params, { timeout, signal: cancelled.signal })
    } finally {
      subscription?.dispose()
    }
  }

  private useClient(): Promise<PeerClient> {
    if (this.disposed) return Promise.reject(new PeerfoldError('cancelled'))
    this.client ??= this.makeClient()
    return this.client
  }

  private async makeClient(): Promise<PeerClient> {
    const { PeerClient } = await import('../client/peerClient')
    const { bootstrap } = readSettings()
    const client = new PeerClient({
      storage: this.dataFolder,
      client: 'window',
      peerProgram: path.join(this.extensionPath, 'dist', 'peer.js'),
      ...(bootstrap.length === 0 ? {} : { bootstrap }),
    })
    client.on('status', status => {
      switch (status.kind) {
        case 'idle':
          return this.show({ kind: 'ended' })
        case 'restarting':
          return this.show({ kind: 'starting' })
        case 'running':
          this.log.info(`the peer process runs (${status.version}, process ${status.pid})`)
          this.show({ kind: 'running' })
          void this.sendSettings()
          return
        default:
          return this.show(status)
      }
    })
    client.on('state', state => this.states.fire(state))
    client.on('changed', change => this.shareChanges.fire(change))
    client.on('notice', notice => this.tellNotice(notice))
    client.on('log', ({ level, line }) => this.log[level](line))
    client.on('restarted', () => this.tellRestart())
    return client
  }

  private show(status: PeerStatus): void {
    if (this.disposed) return
    if (status.kind === 'failed') this.log.error(status.error.message)
    this.current = status
    this.statuses.fire()
  }

  private async sendSettings(): Promise<void> {
    if (this.current.kind !== 'running') return
    const { displayName, ignore, directTcp } = readSettings()
    try {
      await this.request('settings.set', { name: displayName, ignore, directTcp })
    } catch (error) {
      if (!isCancelled(error)) this.log.warn(`the settings could not be sent: ${String(error)}`)
    }
  }

  private async useOtherFolder(): Promise<void> {
    const wasUsed = this.client !== undefined
    await this.letGo()
    if (wasUsed) this.start().catch((error: unknown) => tellError(error))
  }

  private async letGo(): Promise<void> {
    const client = await this.client
    this.client = undefined
    client?.dispose()
    this.show({ kind: 'off' })
  }

  private offerRestart(): void {
    if (this.client === undefined) return
    tell(vscode.l10n.t('Peerfold uses the new bootstrap nodes after the peer process was started again.'), {
      label: vscode.l10n.t('Start Again Now'),
      run: () => this.restart().catch((error: unknown) => tellError(error)),
    })
  }

  private async restart(): Promise<void> {
    await this.stop()
    await this.letGo()
    await this.start()
  }

  /** Once per window: a process that keeps crashing is in the log, not in the user's face. */
  private tellRestart(): void {
    this.log.warn('the peer process crashed and was started again')
    if (this.toldRestart) return
    this.toldRestart = true
    warn(
      vscode.l10n.t('Peerfold’s peer process ended unexpectedly and was started again. Everything goes on.'),
      offerCommand(vscode.l10n.t('Show Log'), Commands.showLog),
    )
  }

  private tellNotice({ level, message }: Notifications['notice']): void {
    this.log[level === 'warning' ? 'warn' : level](message)
    if (level === 'info') tell(message)
    else warn(message, offerCommand(vscode.l10n.t('Show Log'), Commands.showLog))
  }

  override dispose(): void {
    super.dispose()
    this.client?.then(
      client => client.dispose(),
      () => undefined, // it was never made, so there is nothing to let go
    )
  }
}
