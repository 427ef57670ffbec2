/**
 * Blocks of one log, for one reader. A reader waits for a block while anything of its log still arrives, even parts
 * of blocks: on a slow line one block takes minutes without anything being wrong. Only silence ends the wait. After
 * `timeout` milliseconds of it, or sooner when no peer is connected, reading fails with `offline`.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'
import { askAgain } from '../hypercore/haveUpdates'
import { setPatient } from '../hypercore/scheduling'
import { receivedBytes } from '../rate'
import { unlessAborted } from '../time'
import { absenceOfBlock } from './absentBytes'

export interface ReadOptions {
  /** Milliseconds without anything of the log arriving, after which reading fails. */
  readonly timeout: number
  /** The same while no peer is connected; 5 s by default, which is enough to find a known peer again. */
  readonly timeoutAlone?: number
  /** The same for a block that no connected peer has in its log yet; `timeout` by default. */
  readonly timeoutBeyond?: number
  readonly signal?: AbortSignal | undefined
  /** Throws when nothing may be fetched now. Blocks that are here can still be read. */
  readonly assertRoom?: () => void
  /** Whether the share has other content in place of this. If so, blocks that no peer has are not waited for. */
  readonly isSuperseded?: () => boolean
  /** No block is more urgent than the others that are asked for: they may come in any order. */
  readonly isPatient?: boolean
  /** Called for each block that has to come from peers, before they are asked. */
  readonly onAsk?: (index: number) => void
  /** Called with the length (bytes) of each block that is read. */
  readonly onBlock?: (bytes: number) => void
}

/** Default of `timeoutAlone` (milliseconds). */
const ALONE_TIMEOUT = 5_000
const LOOK_EVERY = 250
/** After this much silence (milliseconds) peers are asked again. */
const ASK_AGAIN = 1_000
const MAX_PATIENCE = 30_000
/** Bytes from a peer that owes us a block. Fewer may be no part of it. */
const PART_OF_BLOCK = 8 * 1024

const arrivals = new WeakMap<Hypercore, Arrival>()

export class Blocks {
  private readonly session: Hypercore
  private readonly arrival: Arrival
  private closed = false

  /** @param path named in errors */
  constructor(
    private readonly core: Hypercore,
    private readonly path: string,
    private readonly options: ReadOptions,
  ) {
    this.session = core.session()
    this.arrival = arrivalOf(core)
  }

  /** Whether the block is on this machine. */
  has(index: number): boolean {
    return this.core.core.bitfield.get(index)
  }

  /** Throws PeerfoldError: `offline`, `bad-entry` (it cannot be decoded), `cancelled`, `store-limit`. */
  get(index: number): Promise<Buffer> {
    return this.arrived(index, false)
  }

  /** The block as it is stored, still encrypted. Throws as `get` does. */
  getStored(index: number): Promise<Buffer> {
    return this.arrived(index, true)
  }

  /** Cancels requests for blocks that have not come. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.session.close().catch(() => {}) // the log was closed before its reader
  }

  private async arrived(index: number, raw: boolean): Promise<Buffer> {
    if (this.has(index)) {
      const here = await this.checkedIfThere(this.session.get(index, { raw, wait: false }))
      if (here !== null) return here
    }
    this.options.assertRoom?.()
    this.options.onAsk?.(index)
    setPatient(this.core, index, this.options.isPatient === true)
    const block = this.session.get(index, { raw })
    const silence = this.silence(index)
    try {
      return await this.checked(Promise.race([block, silence.failed]))
    } finally {
      silence.end()
      setPatient(this.core, index, false)
    }
  }

  private async checked(block: Promise<Buffer | null>): Promise<Buffer> {
    const bytes = await this.checkedIfThere(block)
    if (bytes === null) throw new PeerfoldError('offline', this.path)
    return bytes
  }

  /** Null: it is not here after all. */
  private async checkedIfThere(block: Promise<Buffer | null>): Promise<Buffer | null> {
    try {
      const bytes = await unlessAborted(block, this.options.signal)
      if (bytes !== null) this.options.onBlock?.(bytes.length)
      return bytes
    } catch (error) {
      throw inOurWords(error, this.path)
    }
  }

  /** How long nothing may arrive (milliseconds). */
  private longest(index: number): number {
    const { timeout, timeoutAlone = Math.min(ALONE_TIMEOUT, timeout), timeoutBeyond = timeout } = this.options
    switch (absenceOfBlock(this.core, index, this.options.isSuperseded?.() === true)) {
      case 'superseded':
        return 0
      case 'nobody-is-there':
        return timeoutAlone
      case 'not-appended':
        return timeoutBeyond
      default:
        return timeout
    }
  }

  private silence(index: number): { failed: Promise<never>; end(): void } {
    const asked = performance.now()
    let timer: NodeJS.Timeout | undefined
    let askedAgain = false // once: on a full disk, blocks that cannot be stored would come again and again
    const failed = new Promise<never>((_, reject) => {
      timer = setInterval(() => {
        const limit = this.longest(index)
        this.arrival.look()
        if (!askedAgain && performance.now() - Math.max(asked, this.arrival.at) > ASK_AGAIN) {
          askedAgain = true
          askAgain(this.core)
        }
        if (performance.now() - Math.max(asked, this.arrival.at) < limit) return
        reject(new PeerfoldError('offline', this.path))
      }, LOOK_EVERY)
    })
    failed.catch(() => {}) // the reader is told through the race
    return { failed, end: () => clearInterval(timer) }
  }
}

/** Waits for an answer of Hypercore. Asks peers again while nothing of the log comes, less and less often. */
export async function askingAgain<T>(core: Hypercore, wanted: Promise<T>): Promise<T> {
  const arrival = arrivalOf(core)
  let since = performance.now()
  let patience = ASK_AGAIN
  const timer = setInterval(() => {
    arrival.look()
    const now = performance.now()
    if (core.peers.length === 0 || arrival.at > since) {
      since = now
      patience = ASK_AGAIN
    } else if (now - since > patience) {
      askAgain(core)
      since = now
      patience = Math.min(2 * patience, MAX_PATIENCE)
    }
  }, LOOK_EVERY)
  try {
    return await wanted
  } finally {
    clearInterval(timer)
  }
}

/** Translates Hypercore's errors into those of the catalogue. */
export function inOurWords(error: unknown, path: string): unknown {
  if (error instanceof PeerfoldError) return error
  switch (systemCode(error)) {
    case 'REQUEST_TIMEOUT':
    case 'REQUEST_CANCELLED':
    case 'SESSION_CLOSED':
    case 'BLOCK_NOT_AVAILABLE':
      return new PeerfoldError('offline', path)
    case 'DECODING_ERROR':
      return new PeerfoldError('bad-entry', path)
    default:
      return error
  }
}

/** When anything of a log last arrived, in milliseconds of `performance.now()`; 0: never. */
export function lastArrival(core: Hypercore): number {
  const arrival = arrivalOf(core)
  arrival.look()
  return arrival.at
}

/** When anything of a log last arrived, for any reader. */
class Arrival {
  at = 0
  private readonly heard = new WeakMap<ReplicatorPeer, number>()

  constructor(private readonly core: Hypercore) {
    core.on('download', () => {
      this.at = performance.now()
    })
  }

  /** Notices parts of blocks. They raise no event, but show in the bytes received from peers that owe some. */
  look(): void {
    for (const peer of this.core.peers) {
      const bytes = receivedBytes(peer.stream)
      const before = this.heard.get(peer)
      if (before !== undefined && bytes - before < PART_OF_BLOCK) continue
      this.heard.set(peer, bytes)
      if (before !== undefined && peer.inflight > 0) this.at = performance.now()
    }
  }
}

function arrivalOf(core: Hypercore): Arrival {
  let arrival = arrivals.get(core)
  if (arrival === undefined) {
    arrival = new Arrival(core)
    arrivals.set(core, arrival)
  }
  return arrival
}
