/**
 * This window's side of the peer process: turns settings into a client (src/client), its events into VS Code's, and
 * cancellation tokens into signals. Nothing runs until the first request or `start()`. A look into a share does not
 * start a process that was ended on purpose. Another data folder or other bootstrap nodes in the settings are used at
 * once while no process is in use. Otherwise they are used when the user says so, since settings pass through many
 * values while they are edited.
 *
 * The client's code is loaded on first need, which keeps it out of the time activate() takes.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { PeerClient } from '../client/peerClient'
import { PeerfoldError, type UserError } from '../common/errors'
import type { PeerState } from '../common/model'
import { type Method, type Notifications, type Params, REPEATABLE, type Result } from '../common/protocol'
import { defaultBootstrap } from '../wire/bootstrap'
import { catalogOf, dataFolderPaths, defaultDataFolder } from '../wire/dataFolder'
import type { SettingName } from './contributions'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { sentSettings } from './sentSettings'
import { onSettingsChange, readSettings } from './settings'
import { isCancelled, type Offer, offerCommand, tell, tellUntilAnswered, warn } from './tell'

export type PeerProcessStatus =
  /** Not needed yet. */
  | { readonly kind: 'off' }
  /** Ended in order, from here or elsewhere (`peerfold stop`): nothing is shared until it is needed again. */
  | { readonly kind: 'ended' }
  /** Started or started again. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly error: UserError }

export interface AskOptions {
  /** Milliseconds until `peer-unreachable`; `Infinity` only for work of unknown length. */
  readonly timeout?: number
  readonly token?: vscode.CancellationToken | undefined
}

/** Settings that concern the peer process while it runs. */
const SENT: readonly SettingName[] = [
  'displayName',
  'ignore',
  'directTcp',
  'maxShareEntries',
  'maxShareListSize',
  'maxShareSize',
  'maxStoreSize',
  'maxConnections',
  'keptFilesDays',
  'keptFilesSize',
]

/** For answers the peer process has at hand. */
const DEFAULT_TIMEOUT = 30_000

/** What a client is made with and cannot change. */
interface Place {
  /** Absolute path of the data folder. */
  readonly folder: string
  readonly bootstrap: readonly string[]
}

/** Editors send these by themselves, for instance when a window gets the focus: they start nothing that was ended. */
const UNASKED: ReadonlySet<Method> = new Set<Method>(['fs.stat', 'fs.list', 'fs.read', 'fs.readRange'])

export class PeerProcess extends Disposable {
  private readonly states = this.own(new vscode.EventEmitter<PeerState>())
  readonly onDidReceiveState = this.states.event
  private readonly statuses = this.own(new vscode.EventEmitter<void>())
  readonly onDidChangeStatus = this.statuses.event
  private readonly shareChanges = this.own(new vscode.EventEmitter<Notifications['changed']>())
  readonly onDidChangeShare = this.shareChanges.event

  private client: Promise<PeerClient> | undefined
  /** What `client` was made with. */
  private place: Place | undefined
  private offersPlace = false
  private toldProblems = ''
  private current: PeerProcessStatus = { kind: 'off' }
  private toldRestart = false

  constructor(
    private readonly extensionPath: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    super()
    this.own(onSettingsChange(SENT, () => void this.sendSettings()))
    this.own(onSettingsChange(['storageFolder', 'bootstrap'], () => this.offerPlace()))
  }

  get status(): PeerProcessStatus {
    return this.current
  }

  /** Absolute path of the data folder. */
  get dataFolder(): string {
    return this.place?.folder ?? chosenPlace().folder
  }

  /** Where the peer process remembers what is shared and opened. It is there once anything was. */
  get catalogPath(): string {
    return catalogOf(this.dataFolder)
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

  /** Joins the peer process when one runs; starts none. → whether it did. Throws `PeerfoldError`; nothing is shown. */
  async join(): Promise<boolean> {
    const client = await this.useClient()
    return client.join()
  }

  /** Ends the peer process in order, for every window, also one that this window cannot use. */
  async stop(): Promise<void> {
    if (this.current.kind === 'running') {
      await this.request('process.stop', {})
      return
    }
    const { endPeer } = await import('../client/endPeer')
    const ended = await endPeer({ storage: this.dataFolder, client: 'window' })
    if (ended !== undefined) this.show({ kind: 'ended' })
  }

  /** Starts the peer process when need be, then asks. Throws `PeerfoldError`. */
  async request<M extends Method>(
    method: M,
    params: Params<M>,
    options: AskOptions = {},
  ): Promise<Result<M>> {
    const client = await this.useClient()
    if (UNASKED.has(method)) {
      await client.judged()
      if (this.current.kind === 'ended') throw new PeerfoldError('process-ended')
    }
    const { losses } = client
    try {
      return await this.askOnce(client, method, params, options)
    } catch (error) {
      const isLost = error instanceof PeerfoldError && error.code === 'peer-unreachable'
      // If no connection was lost, the process is there and silent: it would not answer the second time either.
      if (!isLost || !REPEATABLE[method] || client.losses === losses || this.disposed) throw error
      await client.judged()
      if (this.current.kind === 'ended') throw new PeerfoldError('process-ended')
      this.log.info(`${method} is asked again: the peer process went away meanwhile`)
      return this.askOnce(await this.useClient(), method, params, options)
    }
  }

  private async askOnce<M extends Method>(
    client: PeerClient,
    method: M,
    params: Params<M>,
    { timeout = DEFAULT_TIMEOUT, token }: AskOptions,
  ): Promise<Result<M>> {
    const cancelled = new AbortController()
    if (token?.isCancellationRequested) cancelled.abort()
    const subscription = token?.onCancellationRequested(() => cancelled.abort())
    try {
      return await client.request(method, params, { timeout, signal: cancelled.signal })
    } finally {
      subscription?.dispose()
    }
  }

  private useClient(): Promise<PeerClient> {
    if (this.disposed) return Promise.reject(new PeerfoldError('cancelled'))
    if (this.isOutdated && !this.isInUse) this.drop()
    if (this.client === undefined) {
      this.place = chosenPlace()
      this.client = this.makeClient(this.place)
    }
    return this.client
  }

  private async makeClient({ folder, bootstrap }: Place): Promise<PeerClient> {
    const { PeerClient } = await import('../client/peerClient')
    const client = new PeerClient({
      storage: folder,
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
    client.on('restarted', () => this.tellRestart())
    return client
  }

  private show(status: PeerProcessStatus): void {
    if (this.disposed) return
    if (status.kind === 'failed') this.log.error(status.error.message)
    this.current = status
    this.statuses.fire()
  }

  private async sendSettings(): Promise<void> {
    if (this.current.kind !== 'running') return
    const { requests, problems } = sentSettings(readSettings(), vscode.l10n)
    for (const change of requests) {
      try {
        await this.request('settings.set', change)
      } catch (error) {
        if (isCancelled(error)) return
        this.log.warn(`a setting was not taken (${Object.keys(change).join()}): ${String(error)}`)
      }
    }
    this.tellProblems(problems)
  }

  private tellProblems(problems: readonly string[]): void {
    const told = problems.join(' ')
    if (told === this.toldProblems) return
    this.toldProblems = told
    if (told !== '') warn(told, offerSettings())
  }

  private get isInUse(): boolean {
    return this.current.kind === 'running' || this.current.kind === 'starting'
  }

  /** The settings name another data folder or other bootstrap nodes than the client has. */
  private get isOutdated(): boolean {
    return this.place !== undefined && JSON.stringify(this.place) !== JSON.stringify(chosenPlace())
  }

  /** Offers to use the new settings, once at a time. While no process is in use, the next client has them anyway. */
  private offerPlace(): void {
    if (!this.isOutdated || !this.isInUse || this.offersPlace) return
    this.offersPlace = true
    const isOtherFolder = this.place?.folder !== chosenPlace().folder
    const told = isOtherFolder
      ? tellUntilAnswered(
          vscode.l10n.t('The new data folder is used when you say so. What is in the old one stays there.'),
          { label: vscode.l10n.t('Use It Now'), run: () => this.takePlace() },
        )
      : tellUntilAnswered(vscode.l10n.t('The new bootstrap nodes are used once Peerfold is started again.'), {
          label: vscode.l10n.t('Start Again Now'),
          run: () => this.takePlace(),
        })
    void told.finally(() => {
      this.offersPlace = false
    })
  }

  /** Does nothing if the new settings are in use meanwhile, for instance after another window ended the process. */
  private async takePlace(): Promise<void> {
    if (!this.isOutdated) return
    if (this.place?.folder === chosenPlace().folder) await this.stop()
    this.drop()
    this.show({ kind: 'off' })
    await this.start()
  }

  private drop(): void {
    const { client } = this
    this.client = undefined
    this.place = undefined
    client?.then(made => made.dispose(), neverMade)
  }

  /**
   * Tells once per window, and only in the one that is focused. The log has every crash, so one that repeats does not
   * bother the user again and again.
   */
  private tellRestart(): void {
    this.log.warn('the peer process crashed and was started again')
    if (this.toldRestart || !vscode.window.state.focused) return
    this.toldRestart = true
    warn(
      vscode.l10n.t('Peerfold ended unexpectedly and was started again. Everything continues.'),
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
    this.drop()
  }
}

/** What the settings say now. */
function chosenPlace(): Place {
  const { storageFolder, bootstrap } = readSettings()
  return {
    folder: storageFolder ?? defaultDataFolder(),
    bootstrap: bootstrap.length > 0 ? bootstrap : (defaultBootstrap() ?? []),
  }
}

function offerSettings(): Offer {
  return offerCommand(vscode.l10n.t('Open Settings'), 'workbench.action.openSettings', 'peerfold')
}

/** A client that was never made needs no `dispose`. */
function neverMade(): void {}
