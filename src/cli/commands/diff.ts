/** `peerfold diff`: what is different from one version of a share to another, one path a line. */
import type { DrivePath } from '../../common/brand'
import { formatBytes, plural } from '../../common/format'
import type { VersionDifference, VersionSummary } from '../../common/model'
import { UsageError } from '../arguments'
import { withPeer } from '../commandPeer'
import type { Context } from '../context'
import { relativePath } from '../drivePath'
import { DONE } from '../exitCodes'
import { meantShare } from '../meantShare'
import { noteDoubt } from '../openedShare'
import { versionAt } from '../versionArgument'
import { readVersion, type VersionWanted } from '../versionText'

/** Paths asked for at once. */
const PAGE = 5_000

const SIGNS = { added: '+', changed: '~', removed: '-' } as const satisfies Record<
  VersionDifference['type'],
  string
>

export async function diff(context: Context): Promise<number> {
  const { output } = context
  const [argument = '', first = '', second = ''] = context.arguments.operands
  const [before, now] = [wanted(first), wanted(second)]
  const find = await meantShare(context, argument, undefined)
  // Where the peer process has to be started again, the rest of the same difference is shown.
  let from: VersionSummary | undefined
  let to: VersionSummary | undefined
  let after: DrivePath | undefined
  await withPeer(context, async peer => {
    const { id, path, doubt } = await find(peer)
    from ??= await versionAt(context, peer, id, before)
    to ??= await versionAt(context, peer, id, now)
    for (;;) {
      const { changes, paths } = await peer.request(
        'versions.diff',
        {
          id,
          from: from.version,
          to: to.version,
          path,
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        },
        Number.POSITIVE_INFINITY,
      )
      for (const difference of paths) show(context, difference)
      after = paths.at(-1)?.path
      if (paths.length === PAGE) continue
      output.event('done', { from: from.version, to: to.version, ...changes })
      const { added, changed, removed, bytes } = changes
      if (from.version === to.version)
        output.note(`“${first}” and “${second}” are both in version ${to.version}, so nothing is different.`)
      else
        output.note(
          `${plural(added, 'file')} added, ${changed} changed, ${removed} removed, ${formatBytes(bytes)}, from version ${from.version} to ${to.version}.`,
        )
      noteDoubt(output, doubt)
      return
    }
  })
  return DONE
}

function wanted(text: string): VersionWanted {
  const version = readVersion(text)
  if (version === undefined)
    throw new UsageError(`“${text}” is no version: give a number, a date, or how long ago (2h, 3d).`, 'diff')
  return version
}

function show({ output }: Context, { path, type, before, now }: VersionDifference): void {
  const shown = relativePath(path)
  output.event('difference', { path: shown, type, before: before ?? null, now: now ?? null })
  output.line(`${SIGNS[type]} ${shown}`)
}
