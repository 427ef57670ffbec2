/** Which version a command is about. */
import type { ShareId } from '../common/brand'
import type { ShareLink } from '../common/link'
import type { VersionSummary } from '../common/model'
import type { CommandPeer } from './commandPeer'
import type { Context } from './context'
import { MARGIN } from './openedShare'
import { timeText, type VersionWanted } from './versionText'

/** The version that a command is about: the one of `--at`, else that of the link. Undefined: the newest. */
export async function meantVersion(
  context: Context,
  peer: CommandPeer,
  id: ShareId,
  link: Pick<ShareLink, 'version'> | undefined,
): Promise<VersionSummary | undefined> {
  const wanted = context.arguments.at ?? (link?.version === undefined ? undefined : { version: link.version })
  return wanted === undefined ? undefined : versionAt(context, peer, id, wanted)
}

export function versionAt(
  { arguments: { timeout } }: Context,
  peer: CommandPeer,
  id: ShareId,
  wanted: VersionWanted,
): Promise<VersionSummary> {
  return peer.request('versions.at', { id, ...wanted, timeout }, timeout + MARGIN)
}

/** Says which version is read, if it is a former one. */
export function noteFormer({ output }: Context, version: VersionSummary | undefined): void {
  if (version !== undefined) output.note(`Version ${version.version}, of ${timeText(version.time)}.`)
}
