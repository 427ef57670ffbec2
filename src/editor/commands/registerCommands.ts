/**
 * Registers every command. What a command throws is shown to the user, once, here; a script that asked for no
 * questions (`ask: false`) gets it thrown instead.
 */
import * as vscode from 'vscode'
import { toUserError } from '../../common/errors'
import { type CommandId, Commands } from '../contributions'
import { isCancelled, tellError } from '../tell'
import { addToWorkspace } from './addToWorkspace'
import { blockPeer, unblockPeer } from './blockPeer'
import { chooseSynced } from './chooseSynced'
import { isScripted } from './commandArguments'
import { compareVersion, compareWithNow, compareWithVersion } from './compareVersions'
import { startOpened, stopOpened } from './connectOpened'
import { copyLink, copySelectedLinks } from './copyLink'
import { decideSync } from './decideSync'
import { findInShare } from './findInShare'
import { keepInSync } from './keepInSync'
import { endKeepSharing, keepSharing } from './keepSharing'
import { keepVersions, pinVersion, unpinVersion } from './keepVersions'
import { openLink } from './openLink'
import type { CommandParts } from './parts'
import { removeOpened } from './removeOpened'
import { removeShare } from './removeShare'
import { restoreKept } from './restoreKept'
import { restoreVersion } from './restoreVersion'
import { retry } from './retry'
import { reveal } from './reveal'
import { reviewConflicts } from './reviewConflicts'
import { saveCopy } from './saveCopy'
import { saveSelected, selectionOf, shareSelected } from './selection'
import { shareFile } from './shareFile'
import { shareFolder } from './shareFolder'
import { olderVersions, openVersion, showHistory } from './showHistory'
import { showSkipped } from './showSkipped'
import { stopPeerProcess } from './stopPeerProcess'
import { startShare, stopShare } from './stopShare'
import { bringBack, pauseSync, resumeSync, stopSync } from './syncing'
import { cancelTransfer, clearTransfers } from './transfers'
import { updateCopy } from './updateCopy'

/** Commands that can be asked for several entries of the Explorer at once. */
const forSelection: Readonly<
  Record<string, ((parts: CommandParts, selected: readonly vscode.Uri[]) => Promise<void>) | undefined>
> = {
  [Commands.shareFolder]: shareSelected,
  [Commands.shareFile]: shareSelected,
  [Commands.saveCopy]: saveSelected,
  [Commands.copyLink]: copySelectedLinks,
}

type Command = (parts: CommandParts, given?: unknown) => unknown

export function registerCommands(parts: CommandParts, showDashboard: () => void): vscode.Disposable {
  const commands: Readonly<Record<CommandId, Command>> = {
    [Commands.shareFolder]: shareFolder,
    [Commands.shareFile]: shareFile,
    [Commands.openLink]: openLink,
    [Commands.copyLink]: copyLink,
    [Commands.stopShare]: stopShare,
    [Commands.startShare]: startShare,
    [Commands.removeShare]: removeShare,
    [Commands.showSkipped]: showSkipped,
    [Commands.saveCopy]: saveCopy,
    [Commands.updateCopy]: updateCopy,
    [Commands.keepInSync]: keepInSync,
    [Commands.chooseSynced]: chooseSynced,
    [Commands.pauseSync]: pauseSync,
    [Commands.resumeSync]: resumeSync,
    [Commands.decideSync]: decideSync,
    [Commands.stopSync]: stopSync,
    [Commands.bringBack]: bringBack,
    [Commands.restoreKept]: restoreKept,
    [Commands.addToWorkspace]: addToWorkspace,
    [Commands.findInShare]: findInShare,
    [Commands.stopOpened]: stopOpened,
    [Commands.startOpened]: startOpened,
    [Commands.removeOpened]: removeOpened,
    [Commands.showHistory]: showHistory,
    [Commands.olderVersions]: olderVersions,
    [Commands.openVersion]: openVersion,
    [Commands.compareVersion]: compareVersion,
    [Commands.compareWithVersion]: compareWithVersion,
    [Commands.compareWithNow]: compareWithNow,
    [Commands.restoreVersion]: restoreVersion,
    [Commands.pinVersion]: pinVersion,
    [Commands.unpinVersion]: unpinVersion,
    [Commands.keepVersions]: keepVersions,
    [Commands.reveal]: reveal,
    [Commands.retry]: retry,
    [Commands.reviewConflicts]: reviewConflicts,
    [Commands.cancelTransfer]: cancelTransfer,
    [Commands.clearTransfers]: clearTransfers,
    [Commands.blockPeer]: blockPeer,
    [Commands.unblockPeer]: unblockPeer,
    [Commands.keepSharing]: keepSharing,
    [Commands.endKeepSharing]: endKeepSharing,
    [Commands.openDashboard]: () => showDashboard(),
    [Commands.showLog]: ({ log }) => log.show(),
    [Commands.stopPeerProcess]: stopPeerProcess,
  }
  const registered = Object.entries(commands).map(([id, command]) =>
    vscode.commands.registerCommand(id, (...given: readonly unknown[]) => run(parts, id, command, given)),
  )
  return vscode.Disposable.from(...registered)
}

async function run(
  parts: CommandParts,
  id: string,
  command: Command,
  given: readonly unknown[],
): Promise<unknown> {
  try {
    const selected = selectionOf(given)
    const each = forSelection[id]
    if (selected.length > 0 && each !== undefined) return await each(parts, selected)
    return await command(parts, given[0])
  } catch (error) {
    if (isScripted(given)) throw error
    if (!isCancelled(error)) parts.log.error(`${id}: ${toUserError(error).message}`)
    tellError(error)
    return undefined
  }
}
