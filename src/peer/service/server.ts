/**
 * The server of the peer process: a local socket, the clients behind it, and when to end.
 *
 * The state is pushed to every client, whole, at most four times a second, and to a slow client only the latest. The
 * process ends when its last client is gone: at once if only commands used it, after a grace period if a window did
 * (the restart of an extension host leaves a gap of about four seconds), not at all while the user asked it to keep
 * sharing.
 */

import { chmodSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { type Params, PROTOCOL_VERSION, type Result } from '../../common/protocol'
import { isSameProof, newNonce, proofOf } from '../../wire/challenge'
import { acceptConnection, type Connection } from '../../wire/connection'
import { partsOf } from './changeParts'
import { handlersFor } from './rpc'
import type { PeerService } from './service'

const STATE_EVERY = 250
/** Milliseconds in which changes that belong together are gathered. */
const STATE_AFTER = 40
/** A flow of fewer bytes a second is not shown as it changes: the next look is when it is over. */
const SLOW_FLOW = 64 * 1024
/** Milliseconds after the last byte when a flow is over. */
const FLOW_OVER = 1_100
const WINDOW_GRACE = 10_000
/** A client that was started together with the process needs a moment to say hello. */
const FIRST_CLIENT_WITHIN = 15_000
const HELLO_WITHIN = 5_000
const MAX_CLIENTS = 256

interface Client {
  readonly connection: Connection
  /** Shares it added or opened: those that are not kept are served as long as one client holds them. */
  readonly held: Set<ShareId>
  kind: 'unknown' | 'window' | 'command'
  /** The proof that its hello must have; undefined before its challenge, 'spent' after its hello. */
  expected: Uint8Array | 'spent' | undefined
  sending: boolean
  behind: boolean
}

export interface ServerOptions {
  readonly service: PeerService
  readonly socket: string
  /** The secret that both ends prove to know. */
  readonly key: string
  readonly version: string
  readonly dataFolder: string
  readonly onIdle: () => void
  readonly log: (line: string) => void
}

export class PeerServer {
  private readonly clients = new Set<Client>()
  private readonly server: Server
  private ending: NodeJS.Timeout | undefined
  private pushing: NodeJS.Timeout | undefined
  private lookingAgain: NodeJS.Timeout | undefined
  private lastPush = 0
  private hadWindow = false
  private isEnding = false

  private constructor(private readonly options: ServerOptions) {
    this.server = createServer(socket => this.accept(socket))
    const { service } = options
    service.changed.on(() => this.pushSoon())
    // The client that asked for it may have gone before.
    for (const part of [service.parts.copies, service.parts.live]) part.over.on(() => this.releaseUnkept())
    service.entriesChanged.on(change => {
      for (const part of partsOf(change)) this.tellAll('changed', part)
    })
    service.parts.live.did.on(did => this.tellAll('live', did))
    service.notices.on(notice => this.tellAll('notice', notice))
  }

  static async listen(options: ServerOptions): Promise<PeerServer> {
    const server = new PeerServer(options)
    if (process.platform !== 'win32') await rm(options.socket, { force: true }) // stale: the lock is ours
    await new Promise<void>((resolve, reject) => {
      server.server.once('error', reject)
      server.server.listen(options.socket, () => resolve())
    })
    if (process.platform !== 'win32') chmodSync(options.socket, 0o600) // its folder is closed to others already
    server.endAfter(FIRST_CLIENT_WITHIN)
    return server
  }

  /**
   * Turns new clients away: to be called as soon as the end is decided. A client that is turned away starts the next
   * process. One that was welcomed would lose its connection, as if somebody had stopped the process under it.
   */
  refuseAll(): void {
    this.isEnding = true
  }

  async close(): Promise<void> {
    clearTimeout(this.ending)
    clearTimeout(this.pushing)
    for (const { connection } of this.clients) connection.close()
    await new Promise<void>(resolve => this.server.close(() => resolve()))
  }

  private accept(socket: Socket): void {
    if (this.clients.size >= MAX_CLIENTS) {
      socket.destroy()
      return
    }
    const client: Client = {
      connection: acceptConnection(socket),
      held: new Set(),
      kind: 'unknown',
      expected: undefined,
      sending: false,
      behind: false,
    }
    this.clients.add(client)
    const silent = setTimeout(() => {
      if (client.kind === 'unknown') client.connection.close()
    }, HELLO_WITHIN)
    client.connection.onClose(() => {
      clearTimeout(silent)
      this.clients.delete(client)
      this.afterClose(client)
    })
    client.connection.handle(
      handlersFor({
        service: this.options.service,
        dataFolder: this.options.dataFolder,
        challenge: params => this.challenge(client, params),
        hello: params => this.hello(client, params),
        assertWelcome: () => {
          if (client.kind !== 'unknown') return
          client.connection.close()
          throw new PeerfoldError('bad-request', 'say hello first')
        },
        holding: async work => {
          try {
            return await work(id => client.held.add(id))
          } finally {
            if (!this.clients.has(client)) this.releaseUnkept() // it went away meanwhile
          }
        },
        stop: successor => this.stop(successor),
      }),
    )
  }

  private challenge(client: Client, { protocol, nonce }: Params<'challenge'>): Result<'challenge'> {
    const { key, socket } = this.options
    if (this.isEnding) throw this.sendAway(client, 'it is ending')
    if (client.expected !== undefined) throw this.sendAway(client, 'it was challenged before')
    assertSameAge(protocol)
    const peerNonce = newNonce()
    const meeting = { protocol, socket, clientNonce: nonce, peerNonce }
    client.expected = proofOf('client', key, meeting)
    return { nonce: peerNonce, proof: proofOf('peer', key, meeting) }
  }

  private hello(
    client: Client,
    { protocol, proof, client: kind, bootstrap }: Params<'hello'>,
  ): Result<'hello'> {
    const { service, version } = this.options
    if (this.isEnding) throw this.sendAway(client, 'it is ending')
    assertSameAge(protocol)
    const { expected } = client
    client.expected = 'spent'
    if (proof === undefined || expected === undefined || expected === 'spent')
      throw this.sendAway(client, 'hello comes once, after a challenge')
    if (!isSameProof(proof, expected)) throw this.sendAway(client, 'the proof is wrong')
    if (bootstrap !== undefined && !sameNodes(bootstrap, service.parts.bootstrap)) {
      throw new PeerfoldError('bootstrap-differs', service.parts.bootstrap.join(', ') || 'the public ones')
    }
    client.kind = kind
    client.connection.trust()
    if (kind === 'window') this.hadWindow = true
    clearTimeout(this.ending)
    this.ending = undefined
    setImmediate(() => {
      for (const notice of service.takeEarlyNotices()) this.tellAll('notice', notice)
    })
    return { protocol: PROTOCOL_VERSION, version, pid: process.pid, state: service.state }
  }

  private stop(successor: string | undefined): void {
    const { log, onIdle } = this.options
    if (successor !== undefined) {
      log(`version ${successor} takes over`)
      this.tellAll('replaced', { version: successor })
    }
    onIdle()
  }

  /** Ends the connection as soon as the answer was given. → what to answer */
  private sendAway(client: Client, why: string): PeerfoldError {
    setImmediate(() => client.connection.close())
    return new PeerfoldError('bad-request', why)
  }

  private afterClose(client: Client): void {
    if (client.kind === 'unknown') return
    this.releaseUnkept()
    if ([...this.clients].some(({ kind }) => kind !== 'unknown') || this.options.service.keepRunning) return
    this.endAfter(this.hadWindow ? WINDOW_GRACE : 0)
  }

  private releaseUnkept(): void {
    const isHeld = (id: ShareId) => [...this.clients].some(({ held }) => held.has(id))
    this.options.service.releaseUnkept(isHeld).catch(error => this.options.log(`release: ${String(error)}`))
  }

  private endAfter(milliseconds: number): void {
    clearTimeout(this.ending)
    this.ending = setTimeout(() => {
      const known = [...this.clients].some(({ kind }) => kind !== 'unknown')
      if (!known && !this.options.service.keepRunning) this.options.onIdle()
    }, milliseconds)
  }

  private pushSoon(): void {
    if (this.pushing !== undefined) return
    const wait = Math.max(STATE_AFTER, this.lastPush + STATE_EVERY - performance.now())
    this.pushing = setTimeout(() => {
      this.pushing = undefined
      this.lastPush = performance.now()
      this.push()
    }, wait)
  }

  private push(): void {
    const { service } = this.options
    const { state } = service
    for (const client of this.clients) {
      if (client.kind === 'unknown') continue
      if (client.sending) client.behind = true
      else this.sendState(client, state)
    }
    // Rates fall to zero without any event, so look again while something moved.
    const flow = Math.max(...[state, ...state.peers].map(({ rates }) => Math.max(rates.down, rates.up)))
    if (flow === 0 && !service.parts.transfers.active) return
    const isSlow = flow < SLOW_FLOW && !service.parts.transfers.active
    clearTimeout(this.lookingAgain)
    this.lookingAgain = setTimeout(() => this.pushSoon(), isSlow ? FLOW_OVER : STATE_EVERY * 2).unref()
  }

  private sendState(client: Client, state = this.options.service.state): void {
    client.sending = true
    client.behind = false
    client.connection
      .notify('state', state)
      .catch(error => this.options.log(`state: ${String(error)}`))
      .finally(() => {
        client.sending = false
        if (client.behind) this.sendState(client)
      })
  }

  private tellAll: Tell = (name, value) => {
    for (const { connection, kind } of this.clients) {
      if (kind !== 'unknown')
        connection.notify(name, value).catch(error => this.options.log(`${name}: ${String(error)}`))
    }
  }
}

type Tell = <N extends 'changed' | 'live' | 'notice' | 'replaced'>(
  name: N,
  value: import('../../common/protocol').Notifications[N],
) => void

/** Answers clients that have proven nothing, too: they learn nothing else. */
function assertSameAge(protocol: number): void {
  if (protocol < PROTOCOL_VERSION) throw new PeerfoldError('peer-newer')
  if (protocol !== PROTOCOL_VERSION) throw new PeerfoldError('bad-request', 'the protocol is newer')
}

function sameNodes(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().every((node, at) => node === [...b].sort()[at])
}
