/**
 * Blocks of one log, for one reader. A block is waited for as long as anything of its log still arrives, and be it a
 * part of a block: on a slow line one takes minutes without anything being wrong. What counts is silence: after `timeout`
 * milliseconds of it, or sooner when nobody is connected, reading fails with `offline`.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import { askAgain } from '../hypercore/haveUpdates'
import { setPatient } from '../hypercore/scheduling'
import { receivedBytes } from '../rate'
import { unlessAborted } from '../time'
import { absenceOfBlock } from './absentBytes'

export interface ReadOptions {
  /** Milliseconds without anything of the log arriving. */
  readonly timeout: number
  /** The same with nobody connected; 5 s by default, which is enough for a known peer to be found again. */
  readonly timeoutAlone?: number
  /** The same for a block that no connected peer has in its log yet; `timeout` by default. */
  readonly timeoutBeyond?: number
  readonly signal?: AbortSignal | undefined
  /** Throws when nothing may be fetched now; what is here can be read all the same. */
  readonly assertRoom?: () => void
  /** Whether the share has something else in place of what is read: what nobody has of it is not waited for. */
  readonly isSuperseded?: () => boolean
  /** Nobody waits for one block more than for the others that are asked for: they may come in any order. */
  readonly isPatient?: boolean
  /** Told of each block that has to come from peers, before they are asked. */
  readonly onAsk?: (index: number) => void
  /** Told of the bytes of each block that is read. */
  readonly onBlock?: (bytes: number) => void
}

/** Milliseconds, as all here. */
const ALONE_TIMEOUT = 5_000
const LOOK_EVERY = 250
/** After this much silence (milliseconds) peers are asked again. */
const ASK_AGAIN = 1_000
const MAX_PATIENCE = 30_000
/** Bytes from a peer that owes us a block; fewer may be no part of it. */
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

  /** As it is stored, with whatever encrypts it. Throws as `get` does. */
  getStored(index: number): Promise<Buffer> {
    return this.arrived(index, true)
  }

  /** Takes back what was asked for and has not come. */
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

  /** How long it may be silent, milliseconds. */
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
    let askedAgain = false // once: what cannot be stored, on a full disk, would come all the time
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
    failed.catch(() => {}) // whoever waited was told through the race
    return { failed, end: () => clearInterval(timer) }
  }
}

/** What Hypercore was asked for of a log; peers are asked again while nothing of it comes, less often the longer. */
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

/** Names Hypercore's errors in the words of the catalogue. */
export function inOurWords(error: unknown, path: string): unknown {
  if (error instanceof PeerfoldError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
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

/** When something of a log last arrived, milliseconds of `performance.now()`; 0: never. */
export function lastArrival(core: Hypercore): number {
  const arrival = arrivalOf(core)
  arrival.look()
  return arrival.at
}

/** When something of a log last arrived, whoever reads it. */
class Arrival {
  at = 0
  private readonly heard = new WeakMap<ReplicatorPeer, number>()

  constructor(private readonly core: Hypercore) {
    core.on('download', () => {
      this.at = performance.now()
    })
  }

  /** Parts of blocks raise no event: they show in what came from peers that owe some. */
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
