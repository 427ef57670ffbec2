/** `peerfold get`: writes the newest version of a share, or a former one, into a folder, or brings that folder up to date. */
import { randomUUID } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { umaskParameter } from '../../client/umask'
import { PeerfoldError } from '../../common/errors'
import { describeChanges, explainFound, isUpdate } from '../../common/explain'
import { formatBytes, plural } from '../../common/format'
import { english } from '../../common/localizer'
import type { TransferResult, VersionSummary } from '../../common/model'
import type { Params } from '../../common/protocol'
import { makeFolders } from '../../wire/makeFolders'
import { type CommandPeer, withPeer } from '../commandPeer'
import type { Context } from '../context'
import { meantPath } from '../drivePath'
import { DONE, INCOMPLETE } from '../exitCodes'
import { readLink } from '../linkArgument'
import { noteDoubt, openShare } from '../openedShare'
import { transferProgress } from '../progressLine'
import { meantVersion, noteFormer } from '../versionArgument'
import { keepInSync } from './keepInSync'

export async function get(context: Context): Promise<number> {
  const { output } = context
  const [linkArgument = '', folderArgument = ''] = context.arguments.operands
  const link = await readLink(linkArgument)
  const path = meantPath(link, undefined)
  const wanted = resolve(folderArgument)
  await refuseFile(wanted)
  if (context.arguments.live) return keepInSync(context, link, path, wanted)
  let version: VersionSummary | undefined
  const result = await withPeer(context, async peer => {
    const { id } = await openShare(context, peer, link)
    version = await meantVersion(context, peer, id, link)
    makeFolders(wanted)
    const at = version === undefined ? {} : { version: version.version }
    return copy(context, peer, { id, path, folder: await realpath(wanted), ...at })
  })
  report(context, result, wanted)
  output.remarks(result)
  if (version === undefined) noteDoubt(output, result)
  noteFormer(context, version)
  if (isComplete(result)) return DONE
  output.note(
    `Not complete: ${plural(result.skippedCount, 'entry', 'entries')} of the share could not be written here.`,
  )
  return INCOMPLETE
}

/** A local change that was kept does not count: the incoming file lies beside it. */
function isComplete({ skippedCount }: TransferResult): boolean {
  return skippedCount === 0
}

/** Throws `file-in-the-way` before any peer is looked for. */
async function refuseFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined) // writing tells what is wrong
  if (found !== undefined && !found.isDirectory()) {
    throw new PeerfoldError('file-in-the-way', path)
  }
}

async function copy(
  { output, signal, arguments: { timeout } }: Context,
  peer: CommandPeer,
  what: Pick<Params<'copy.start'>, 'id' | 'path' | 'folder' | 'version'>,
): Promise<TransferResult> {
  const wanted = { ...what, job: randomUUID(), ...umaskParameter() }
  const { job } = await peer.request('copy.start', wanted)
  try {
    return await peer.watching(transferProgress(output, job), () =>
      peer.request('copy.wait', { job, timeout }, Number.POSITIVE_INFINITY),
    )
  } catch (error) {
    // The job would outlive this command. What is written stays, and the next `get` continues it.
    if (signal.aborted) await peer.lastRequest('transfer.cancel', { job })
    throw error
  } finally {
    output.clearProgress()
  }
}

function report({ output }: Context, result: TransferResult, folder: string): void {
  const { files, bytes, fetched, here, skipped, skippedCount, conflicts, warnings, changes, stale } = result
  const { silent = [] } = result
  const complete = isComplete(result)
  output.event('done', {
    complete,
    files,
    bytes,
    fetched,
    here,
    skipped,
    skippedCount,
    conflicts,
    warnings,
    changes,
    stale,
    silent,
  })
  const changed = isUpdate(result) ? describeChanges(result, english) || 'nothing changed' : ''
  const came = explainFound(result, english) || (fetched === 0 ? '' : `${formatBytes(fetched)} fetched`)
  const what = [changed, came].filter(part => part !== '').join('; ')
  const remark = what === '' ? '' : ` (${what})`
  output.line(`${plural(files, 'file')}, ${formatBytes(bytes)} in ${folder}${remark}`)
}
