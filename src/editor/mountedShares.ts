/**
 * Tells what VS Code cannot do with a share that is a folder of the workspace. Its search does not look into other file
 * systems, and says “No results found”. The folder has a mark that says so when the mouse rests on it. A message says it
 * once for each user, after the first share was added. If the window restarts right after it, the message is shown again.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../common/brand'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { fromShareUri, ROOT } from './files/shareUri'
import { offerCommand, tellError, tellUntilAnswered } from './tell'

const { l10n } = vscode

/** In globalState: the user was told. */
const MEMORY = 'peerfold.toldOfSearch'
/** Milliseconds before the message: adding a folder may restart all extensions, and older buttons do nothing then. */
const SETTLES = 5_000
/** Milliseconds that the message stands before the user counts as told without an answer. */
const STANDS = 20_000
/** One or two characters, shown at the right of the folder. */
const BADGE = '↔'

export class MountedShares extends Disposable implements vscode.FileDecorationProvider {
  private readonly changed = this.own(new vscode.EventEmitter<undefined>())
  readonly onDidChangeFileDecorations = this.changed.event
  private telling: NodeJS.Timeout | undefined
  private standing: NodeJS.Timeout | undefined

  constructor(private readonly memory: vscode.Memento) {
    super()
    this.own(vscode.window.registerFileDecorationProvider(this))
    this.own(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.changed.fire(undefined)
        this.tellSoon()
      }),
    )
    this.own({
      dispose: () => {
        clearTimeout(this.telling)
        clearTimeout(this.standing)
      },
    })
    this.tellSoon()
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const address = fromShareUri(uri)
    if (address?.path !== ROOT || !mounted().includes(address.id)) return undefined
    return new vscode.FileDecoration(
      BADGE,
      l10n.t(
        'Shared with you, read-only. Search does not look into it: use “Go to File in Share…”, or save a copy. Hold Ctrl (on a Mac: Option) to drag a file out of it.',
      ),
    )
  }

  private tellSoon(): void {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tellOnce(), SETTLES)
  }

  private tellOnce(): void {
    const [id] = mounted()
    if (id === undefined || this.standing !== undefined || this.memory.get(MEMORY) === true) return
    const remember = () => this.memory.update(MEMORY, true).then(undefined, tellError)
    this.standing = setTimeout(remember, STANDS)
    void tellUntilAnswered(
      l10n.t(
        'The editor’s search does not look into shares. Find files by name, or save a copy to search in it.',
      ),
      offerCommand(l10n.t('Go to File in Share…'), Commands.findInShare, id),
      offerCommand(l10n.t('Save a Copy…'), Commands.saveCopy, id),
    ).then(remember)
  }
}

function mounted(): readonly ShareId[] {
  return (vscode.workspace.workspaceFolders ?? []).flatMap(({ uri }) => fromShareUri(uri)?.id ?? [])
}
