/** `peerfold log`: the versions of a share, or those that changed a file or folder of it, the newest first. */
import { PeerfoldError } from '../../common/errors'
import { formatBytes, plural } from '../../common/format'
import type { VersionSummary } from '../../common/model'
import { withPeer } from '../commandPeer'
import type { Context } from '../context'
import { DONE } from '../exitCodes'
import { meantShare } from '../meantShare'
import { noteDoubt } from '../openedShare'
import { versionAt } from '../versionArgument'
import { timeText } from '../versionText'

/** Versions asked for at once. */
const PAGE = 100

export async function log(context: Context): Promise<number> {
  const { output } = context
  const { operands, timeout, limit, at } = context.arguments
  const [argument = '', given] = operands
  const find = await meantShare(context, argument, given)
  let left = limit
  let from: number | undefined
  let foundAt = performance.now()
  let isCertain = true
  let shown = 0
  await withPeer(context, async peer => {
    const { id, path, doubt } = await find(peer)
    if (from === undefined && at !== undefined) from = (await versionAt(context, peer, id, at)).version
    while (left > 0) {
      const page = await peer.request(
        'versions.list',
        { id, path, limit: Math.min(PAGE, left), timeout, ...(from === undefined ? {} : { from }) },
        Number.POSITIVE_INFINITY,
      )
      for (const version of page.versions) show(context, version)
      shown += page.versions.length
      if (page.isCut) isCertain = false
      left -= page.versions.length
      from = page.next
      if (page.isCut) output.note('What is older is not known here, and nobody online gave it in time.')
      if (from === undefined || page.isCut) break
      if (page.versions.length > 0) foundAt = performance.now()
      else if (performance.now() - foundAt > timeout) {
        output.note(`No older version that changed it was found in time. To look further back: --at ${from}`)
        break
      }
    }
    if (from !== undefined) output.event('older', { next: from })
    else if (shown === 0 && isCertain && given !== undefined) throw new PeerfoldError('file-not-found', path)
    noteDoubt(output, doubt)
  })
  return DONE
}

function show({ output }: Context, version: VersionSummary): void {
  output.event('version', version)
  const { version: number, time, kept, pinned } = version
  const marks = [pinned ? 'pinned' : '', kept === false ? 'no longer kept' : ''].filter(mark => mark !== '')
  const rest = marks.length === 0 ? '' : ` (${marks.join(', ')})`
  output.line(`${String(number).padEnd(8)}${timeText(time)}  ${whatChanged(version)}${rest}`)
}

export function whatChanged({ change, size, changes }: VersionSummary): string {
  if (change === 'removed') return 'removed'
  if (change !== undefined) return size === undefined ? change : `${change}, ${formatBytes(size)}`
  if (changes === undefined) return ''
  const { added, changed, removed, bytes } = changes
  const counts = [
    added === 0 ? '' : `${plural(added, 'file')} added`,
    changed === 0 ? '' : `${plural(changed, 'file')} changed`,
    removed === 0 ? '' : `${plural(removed, 'file')} removed`,
    bytes === 0 ? '' : formatBytes(bytes),
  ].filter(part => part !== '')
  return counts.length === 0 ? 'nothing changed' : counts.join(', ')
}
