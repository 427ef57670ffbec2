/**
 * “Go to File in Share…”: a picker over all paths of a share. VS Code's own Go to File does not look into other file
 * systems. Every key press asks the peer process again, and cancels the request before.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { toUserError } from '../../common/errors'
import { safeText, withoutRoot } from '../../common/format'
import { nameOf } from '../files/drivePath'
import { onDisk } from '../files/ownFiles'
import { pickerText } from '../names'
import { isCancelled } from '../tell'
import { chooseShare } from './chooseShare'
import { givenShare, givenText } from './commandArguments'
import type { CommandParts } from './parts'

const { l10n } = vscode
const MAX_RESULTS = 200

interface PathItem extends vscode.QuickPickItem {
  /** Undefined: the row says why there is no path. */
  readonly path: DrivePath | undefined
}

/** A script that passes `{ id, query }` gets the paths; a person gets a picker, and the file in an editor. */
export async function findInShare(
  parts: CommandParts,
  given?: unknown,
): Promise<readonly DrivePath[] | undefined> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'any', l10n.t('Go to File in Share')))
  if (id === undefined) return undefined
  const query = givenText(given, 'query')
  await parts.peer.start()
  if (query !== undefined) return parts.peer.request('fs.find', { id, query, limit: MAX_RESULTS })
  const path = await pickPath(parts, id)
  if (path === undefined) return undefined
  await vscode.commands.executeCommand('vscode.open', uriOf(parts, id, path))
  return [path]
}

/** Own files as they lie on the disk, where they can be edited. */
function uriOf({ model, addresses }: CommandParts, id: ShareId, path: DrivePath): vscode.Uri {
  const own = model.share(id)
  return own === undefined ? addresses.uriOf({ id, path }) : onDisk(own, path)
}

function pickPath({ peer, model }: CommandParts, id: ShareId): Promise<DrivePath | undefined> {
  const picker = vscode.window.createQuickPick<PathItem>()
  let question = new vscode.CancellationTokenSource()
  const ask = async (query: string) => {
    question.cancel()
    question.dispose()
    question = new vscode.CancellationTokenSource()
    const { token } = question
    picker.busy = true
    try {
      const paths = await peer.request('fs.find', { id, query, limit: MAX_RESULTS }, { token })
      picker.items = paths.map(toItem)
    } catch (error) {
      // Not a toast, which would come with every key press.
      if (!isCancelled(error)) picker.items = [toReason(error)]
    }
    if (!token.isCancellationRequested) picker.busy = false
  }
  picker.title = l10n.t('Go to File in {0}', safeText(model.nameOf(id), 60))
  picker.placeholder = l10n.t('Type parts of the path, in any order')
  return new Promise(resolve => {
    picker.onDidChangeValue(ask)
    picker.onDidAccept(() => {
      resolve(picker.selectedItems[0]?.path)
      picker.hide()
    })
    picker.onDidHide(() => {
      question.cancel()
      question.dispose()
      picker.dispose()
      resolve(undefined)
    })
    picker.show()
    void ask('')
  })
}

function toReason(error: unknown): PathItem {
  const label = `$(info) ${pickerText(toUserError(error).message)}`
  return { label, path: undefined, alwaysShow: true }
}

/** Always shown: the peer process has decided what matches. */
function toItem(path: DrivePath): PathItem {
  return {
    label: pickerText(nameOf(path)),
    description: pickerText(withoutRoot(path)),
    path,
    alwaysShow: true,
  }
}
