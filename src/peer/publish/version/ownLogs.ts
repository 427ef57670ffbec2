/**
 * The two logs of an own share, before and while something is appended to them.
 *
 * The store does not wait for the disk, so a loss of power may take the last blocks of a log, and a store may be put
 * back as it was earlier. Readers can have what is missing here, and a writer that appended something else in its
 * place would begin a second history under one key, which ends the share for every reader. So before every publish
 * both logs are compared with what connected peers have. What a peer says of its length proves nothing; a proof with
 * this log's own signature does, so it is asked for, and what is proven is taken over. But a peer with few blocks
 * cannot always prove how long the log is. So in doubt (after a loss of power, or once something was missing) every
 * peer is believed, and nothing is published as long as one says that it has more.
 *
 * The log of bytes is looked at by itself: bytes that no path names yet reach readers too.
 */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../../common/errors'
import type { ShareDrive } from '../../drive/shareDrive'
import { setEager } from '../../hypercore/proofs'
import type { ShareRecord } from '../../store/catalog'
import { delay, throwIfAborted, unlessAborted, within } from '../../time'

/** A peer that says it has more of a log has this long (milliseconds) to show it. */
const PROOF_WITHIN = 3_000
/** A peer that has just come has this long (milliseconds) to say what it has. */
const HEARD_WITHIN = 1_000
/** The same in doubt. */
const HEARD_IN_DOUBT = 5_000
/** Missing blocks are waited for while at least one comes in this time (milliseconds). */
const STALLED_AFTER = 5_000

export class OwnLogs {
  /** Peers that claimed more of a log than there is and could not show it. */
  private readonly unproven = new WeakSet<object>()
  /** Connections whose peer was given time to say what it has of the log of bytes. */
  private readonly heard = new WeakSet<object>()
  /** Length of the log of bytes as this machine wrote it; what peers gave back comes after. */
  private writtenBytes: number
  /** Length of the path log when this last looked at it. */
  private knownPaths: number

  constructor(
    private readonly share: ShareDrive,
    private readonly record: () => ShareRecord,
    private isInDoubt: boolean,
  ) {
    this.writtenBytes = share.bytes?.length ?? 0
    this.knownPaths = share.paths.length
  }

  /**
   * Takes over what peers have and this machine has lost. Afterwards the path log is whole. The log of bytes may lack
   * blocks that nobody could deliver. Throws `log-behind` as long as something may only be appended later.
   */
  async catchUp(signal: AbortSignal): Promise<void> {
    const { paths } = this.share
    const { length } = paths
    this.isInDoubt ||= length !== this.knownPaths || length < this.record().version
    await this.lengthen(paths, signal)
    this.isInDoubt ||= paths.length > length
    this.knownPaths = paths.length
    if (paths.length < this.record().version) throw this.behind()
    if (paths.length === 0) return
    await fetchBlocks(paths, paths.contiguousLength, signal)
    if (paths.contiguousLength < paths.length) throw this.behind()
    const bytes = await this.share.bytesReady(signal)
    await this.hear(bytes, signal)
    await this.lengthen(bytes, signal)
    if (bytes.length > this.writtenBytes) await fetchBlocks(bytes, this.writtenBytes, signal)
    this.writtenBytes = bytes.length
  }

  /** Runs what appends to the logs. Meanwhile they grow by nothing else. Throws `log-behind` when a peer has more. */
  async appending<T>(append: () => Promise<T>): Promise<T> {
    const bytes = await this.share.bytesReady()
    const cores = [this.share.paths, bytes]
    try {
      for (const core of cores) setEager(core, false)
      if (cores.some(core => this.claimants(core).length > 0)) throw this.behind()
      return await append()
    } finally {
      this.writtenBytes = bytes.length
      this.knownPaths = this.share.paths.length
      for (const core of cores) setEager(core, true)
    }
  }

  /** To be called right before a batch is written: its blocks name their own places in the log. */
  assertLength(expected: number): void {
    if (this.share.paths.length !== expected) throw this.behind()
  }

  /** Throws `log-behind` when the log of bytes is shorter than what the path log says of it. */
  assertBytes(length: number): void {
    if ((this.share.bytes?.length ?? 0) < length) throw this.behind()
  }

  /** Waits for peers that have just come: they tell what they have of the log of bytes a moment after the path log. */
  private async hear(bytes: Hypercore, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + (this.isInDoubt ? HEARD_IN_DOUBT : HEARD_WITHIN)
    const unheard = () =>
      this.share.paths.peers.filter(
        ({ stream }) =>
          !this.heard.has(stream) && !bytes.peers.some(peer => peer.stream === stream && peer.remoteSynced),
      )
    while (unheard().length > 0 && performance.now() < deadline) await delay(20, signal)
    for (const { stream } of this.share.paths.peers) this.heard.add(stream)
  }

  /** Takes over what peers have, until no connected peer can prove that it has more. */
  private async lengthen(core: Hypercore, signal: AbortSignal): Promise<void> {
    for (;;) {
      throwIfAborted(signal)
      const claimants = this.claimants(core)
      if (claimants.length === 0) return
      const { length } = core
      const session = core.session() // closing it cancels the request
      try {
        await unlessAborted(within(session.update({ force: true, wait: true }), PROOF_WITHIN), signal)
      } finally {
        await session.close()
      }
      if (core.length > length) continue
      if (this.isInDoubt) throw this.behind()
      for (const peer of claimants) this.unproven.add(peer)
    }
  }

  private claimants(core: Hypercore): Hypercore.ReplicatorPeer[] {
    return core.peers.filter(
      peer => peer.remoteFork === core.fork && peer.remoteLength > core.length && !this.unproven.has(peer),
    )
  }

  private behind(): PeerfoldError {
    return new PeerfoldError('log-behind', this.record().name)
  }
}

/** Asks peers for the blocks from `start` on; resolves when all are here or no more come. */
async function fetchBlocks(core: Hypercore, start: number, signal: AbortSignal): Promise<void> {
  if (start >= core.length || core.peers.length === 0) return
  const range = core.download({ start, end: core.length })
  const stop = new AbortController()
  let came = true
  const onDownload = () => {
    came = true
  }
  core.on('download', onDownload)
  const stalled = async () => {
    while (came && core.peers.length > 0) {
      came = false
      await delay(STALLED_AFTER, stop.signal)
    }
  }
  try {
    const stalling = stalled()
    stalling.catch(() => {}) // ended below
    await unlessAborted(Promise.race([range.done(), stalling]), signal)
  } finally {
    stop.abort()
    core.off('download', onDownload)
    range.destroy()
  }
}
