/** `peerfold get --live`: keeps a folder in step with a share, version after version, until Ctrl-C. */
import { realpath } from 'node:fs/promises'
import { umaskParameter } from '../../client/umask'
import type { DrivePath } from '../../common/brand'
import { plural } from '../../common/format'
import type { ShareLink } from '../../common/link'
import type { LiveCopyState, LiveStatus, PeerState } from '../../common/model'
import type { LiveChange, Notifications } from '../../common/protocol'
import { makeFolders } from '../../wire/makeFolders'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { DONE, INTERRUPTED } from '../exitCodes'
import { noteDoubt, openShare } from '../openedShare'
import type { Output } from '../output'
import { PeerStopped } from '../peerStopped'

/** Paths of one version that are shown to people; the rest is counted. */
const LISTED = 20
const SIGNS = { written: '+', removed: '-', conflict: '!' } as const

export async function keepInSync(
  context: Context,
  link: ShareLink,
  path: DrivePath,
  wanted: string,
): Promise<number> {
  const { output, signal } = context
  let isFollowing = false
  try {
    return await withPeer(context, async peer => {
      const opened = await openShare(context, peer, link)
      if (!isFollowing) noteDoubt(output, opened)
      if (!isFollowing && link.version !== undefined)
        output.note(`The link is of version ${link.version}; the folder follows the newest one.`)
      makeFolders(wanted)
      const told = new Told(output, wanted)
      const stop = peer.onLive(did => told.note(did))
      try {
        const { only, yes } = context.arguments
        const { live } = await peer.request('live.start', {
          id: opened.id,
          path,
          folder: await realpath(wanted),
          keep: false,
          ...(only.length === 0 ? {} : { only }),
          ...umaskParameter(),
        })
        if (!isFollowing) output.note('Press Ctrl-C to stop.')
        isFollowing = true
        told.begin(live)
        return await follow(peer, live, told, yes)
      } finally {
        stop()
        output.clearProgress()
      }
    })
  } catch (error) {
    if (isFollowing && signal.aborted) return INTERRUPTED // the usual end
    if (!(error instanceof PeerStopped) || !isFollowing) throw error
    output.note('Peerfold was stopped. The folder is not kept in sync any more.')
    return DONE
  }
}

/** Until Ctrl-C, or until it is stopped elsewhere. */
async function follow(peer: CommandPeer, live: string, told: Told, yes: boolean): Promise<number> {
  let isThere = false
  const find = (state: PeerState) => state.live?.find(({ id }) => id === live)
  const look = (state: PeerState) => {
    const copy = find(state)
    if (copy === undefined) return
    isThere = true
    told.look(copy)
    if (!yes || copy.status.kind !== 'asking') return
    const question = copy.status.question.kind
    peer.request('live.answer', { live, question, answer: 'go-on' }).catch(() => {}) // it is asked again
  }
  await peer.watching(look, () => peer.until(state => isThere && find(state) === undefined))
  return DONE
}

/** The output about one live copy: an event for each change, or a few lines for each version. */
class Told {
  private live: string | undefined
  private early: Notifications['live'][] = []
  private version = -1
  private changes: LiveChange[] = []
  private conflicts = 0
  private waiting = ''
  private leftOut = ''
  private isDoubtTold = false

  constructor(
    private readonly output: Output,
    private readonly folder: string,
  ) {}

  /** Names the live copy. Notifications that came before its name was known are told now. */
  begin(live: string): void {
    this.live = live
    for (const did of this.early.splice(0)) this.note(did)
  }

  note(did: Notifications['live']): void {
    if (this.live === undefined) this.early.push(did)
    if (did.live !== this.live) return
    if (did.version !== this.version) {
      this.version = did.version
      this.output.event('version', { version: did.version })
    }
    for (const { kind, ...change } of did.changes) {
      if (kind === 'in-step') this.inStep()
      else {
        if (kind === 'conflict') this.conflicts++
        this.changes.push({ kind, ...change })
        this.output.event(kind, inFolder(change))
      }
    }
  }

  look({ status, conflictCount, skippedCount, absentCount = 0 }: LiveCopyState): void {
    this.conflicts = conflictCount
    const { output } = this
    if (status.kind === 'updating' && output.showsProgress) {
      const { done, total } = status.files
      output.progress(total === undefined ? 'Looking…' : `Fetching ${done} of ${plural(total, 'file')}`)
    } else output.clearProgress()
    const error = status.kind === 'waiting' || status.kind === 'asking' ? status.error : undefined
    if (error !== undefined && error.message !== this.waiting) {
      output.event('waiting', { code: error.code, message: error.message })
      output.note(error.message)
      if (status.kind === 'asking') output.note('Run the command again with --yes to go on.')
    }
    this.waiting = error?.message ?? ''
    this.noteDoubt(status)
    if (status.kind === 'in-step') this.noteLeftOut(skippedCount - absentCount, absentCount)
  }

  /** Tells how many files are not in the folder, whenever that changes. */
  private noteLeftOut(unwritten: number, absent: number): void {
    const leftOut = unwritten + absent === 0 ? '' : `${unwritten} ${absent}`
    if (leftOut === this.leftOut) return
    this.leftOut = leftOut
    this.output.event('left-out', { unwritten, absent })
    if (unwritten > 0) this.output.note(`Cannot be written here: ${plural(unwritten, 'file')}.`)
    if (absent > 0)
      this.output.note(`Nobody online has ${plural(absent, 'file')}, not even who shares the folder.`)
  }

  /** Tells once when there may be a newer version than the one in the folder. */
  private noteDoubt(status: LiveStatus): void {
    if (status.kind !== 'in-step' || this.isDoubtTold === (status.doubt !== undefined)) return
    this.isDoubtTold = status.doubt !== undefined
    if (status.doubt === undefined) return
    this.output.event('unsure', { reason: status.doubt })
    this.output.note(
      status.doubt === 'stopped'
        ? 'The share is stopped here: newer versions do not come until it is started again.'
        : 'Nobody who has the share is online: there may be a newer version.',
    )
  }

  private inStep(): void {
    const { output, changes, conflicts, version } = this
    output.event('in-step', { version, conflicts })
    const count = (kind: LiveChange['kind']) => changes.filter(change => change.kind === kind).length
    const written = plural(count('written'), 'file')
    const removed = count('removed')
    output.line(`In sync: ${written} written, ${removed} removed in ${this.folder}`)
    for (const { kind, path = '' } of changes.slice(0, LISTED))
      if (kind !== 'in-step') output.line(`  ${SIGNS[kind]} ${path.slice(1)}`)
    if (changes.length > LISTED) output.line(`  … and ${changes.length - LISTED} more`)
    if (count('conflict') > 0)
      output.note('Files marked with ! were changed here as well: theirs lies beside.')
    this.changes = []
  }
}

/** Paths as commands take and list them: without the leading slash. */
function inFolder(change: Omit<LiveChange, 'kind'>): Record<string, string> {
  return Object.fromEntries(Object.entries(change).map(([name, path]) => [name, path.slice(1)]))
}
