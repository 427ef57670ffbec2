/**
 * The tab of a file that cannot be shown yet. VS Code's own editor only speaks of an unexpected error, whatever a file
 * system answers. So its tab is replaced by one that says what it waits for. That tab becomes the file by itself when
 * somebody who has it comes, or when the limit is raised. Closing the tab gives up.
 *
 * A tab in the background becomes the file only when it is turned to, so that it does not push itself before another.
 */
import * as vscode from 'vscode'
import { type ErrorCode, toUserError } from '../../common/errors'
import { safeText } from '../../common/format'
import type { OpenedShareState } from '../../common/model'
import { Commands, EXTENSION_SCHEME, type SettingName, WAITING_EDITOR } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { nameOf } from './drivePath'
import { cameBack, type Reach, reachOf } from './reach'
import { allTabs, fileAddress, isWaitingTab, tabsOfFile, urisOfTab, withoutQuery } from './shareTabs'
import { fromShareUri, ROOT } from './shareUri'
import { waitingPage } from './waitingPage'

const { l10n } = vscode

/** Errors of links that lead to no file from where they are. Another version of the share may mend such a link. */
export const LINK_ERRORS: readonly ErrorCode[] = [
  'target-missing',
  'target-outside',
  'target-circle',
  'links-to-folder',
]

const LIMIT: SettingName = 'maxEditorFileSize'

interface Reason {
  readonly code: ErrorCode
  readonly message: string
  readonly reach: Reach
}

export class WaitingFiles extends Disposable implements vscode.CustomReadonlyEditorProvider {
  /** Why a file could not be shown the last time, by address. */
  private readonly reasons = new Map<string, Reason>()

  /** @param fetch brings the whole file to this machine, within the limits of editors; throws `PeerfoldError` */
  constructor(
    private readonly model: Pick<PeerModel, 'opened' | 'onDidChange'>,
    private readonly fetch: (uri: vscode.Uri) => Promise<unknown>,
  ) {
    super()
    const options = { supportsMultipleEditorsPerDocument: true }
    this.own(vscode.window.registerCustomEditorProvider(WAITING_EDITOR, this, options))
  }

  /** Puts waiting tabs in place of those that wanted to show this file alone. → whether there is a waiting tab now */
  async replace(shown: vscode.Uri, error: unknown): Promise<boolean> {
    const all = tabsOfFile(shown)
    if (all.length > 0 && all.every(isWaitingTab)) return true
    const tabs = all.filter(tab => tab.isActive && !isWaitingTab(tab) && urisOfTab(tab).length === 1)
    if (tabs.length === 0) return false
    this.note(shown, error)
    for (const tab of tabs) {
      const [uri = shown] = urisOfTab(tab).map(withoutQuery)
      const { viewColumn, isActive } = tab.group
      await vscode.commands.executeCommand('vscode.openWith', uri, WAITING_EDITOR, {
        viewColumn,
        preserveFocus: !isActive,
        preview: tab.isPreview,
      })
      // A preview is replaced by the next one.
      if (allTabs().includes(tab)) await vscode.window.tabGroups.close(tab, true)
    }
    return true
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined }
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    new Waiting(uri, panel, {
      reason: () => this.reasons.get(fileAddress(uri)),
      reach: () => this.reachOf(uri),
      version: () => this.shareOf(uri)?.contents?.version,
      fetch: () => this.fetch(uri),
      note: error => this.note(uri, error),
      forget: () => void this.reasons.delete(fileAddress(uri)),
      model: this.model,
    })
  }

  private note(uri: vscode.Uri, error: unknown): void {
    const { code, message } = toUserError(error)
    this.reasons.set(fileAddress(uri), { code, message, reach: this.reachOf(uri) })
  }

  private reachOf(uri: vscode.Uri): Reach {
    return reachOf(this.shareOf(uri))
  }

  private shareOf(uri: vscode.Uri): OpenedShareState | undefined {
    const id = fromShareUri(uri)?.id
    return id === undefined ? undefined : this.model.opened(id)
  }
}

interface WaitingParts {
  reason(): Reason | undefined
  reach(): Reach
  /** Of the share, as far as it is known. */
  version(): number | undefined
  fetch(): Promise<unknown>
  note(error: unknown): void
  /** The reason has passed: a tab that is made later tries at once. */
  forget(): void
  readonly model: Pick<PeerModel, 'onDidChange'>
}

/** One waiting tab. It ends with its panel. */
class Waiting extends Disposable {
  private reach: Reach
  private version: number | undefined
  private isTrying = false
  /** The file is here, and shown as soon as somebody looks. */
  private isHere = false

  constructor(
    private readonly uri: vscode.Uri,
    private readonly panel: vscode.WebviewPanel,
    private readonly parts: WaitingParts,
  ) {
    super()
    panel.onDidDispose(() => this.dispose())
    panel.webview.options = {
      enableScripts: false,
      enableCommandUris: [
        Commands.saveCopy,
        'workbench.action.closeActiveEditor',
        'workbench.action.openSettings',
      ],
    }
    const known = parts.reason()
    this.reach = known?.reach ?? parts.reach()
    this.version = parts.version()
    this.own(parts.model.onDidChange(() => this.look()))
    this.own(panel.onDidChangeViewState(() => this.show()))
    this.own(
      vscode.workspace.onDidChangeConfiguration(change => {
        if (change.affectsConfiguration(`${EXTENSION_SCHEME}.${LIMIT}`)) void this.tryAgain()
      }),
    )
    this.draw()
    // After a reload nothing is known: it may well be readable now.
    if (known === undefined) void this.tryAgain()
    else this.look()
  }

  private look(): void {
    const { reach, version } = this
    this.reach = this.parts.reach()
    this.version = this.parts.version()
    // A newer version may have mended a link.
    if (cameBack(reach, this.reach) || this.version !== version) void this.tryAgain()
  }

  /** Never rejects. */
  private async tryAgain(): Promise<void> {
    if (this.isTrying || this.isHere) return
    this.isTrying = true
    try {
      await this.parts.fetch()
      this.isHere = true
      this.parts.forget()
      this.show()
    } catch (error) {
      this.parts.note(error)
      if (!this.disposed) this.draw()
    } finally {
      this.isTrying = false
    }
  }

  private show(): void {
    if (!this.isHere || this.disposed || !this.panel.visible) return
    const { viewColumn, active } = this.panel
    const options = {
      preserveFocus: !active,
      preview: false,
      ...(viewColumn === undefined ? {} : { viewColumn }),
    }
    // Closed first: asked to open a file, VS Code turns to a tab that it has of it. Not by `openWith` and `default`,
    // which is the text editor, also for pictures and notebooks.
    this.panel.dispose()
    vscode.commands.executeCommand('vscode.open', this.uri, options).then(undefined, () => undefined) // said in the tab
  }

  private draw(): void {
    const reason = this.parts.reason()
    const address = fromShareUri(this.uri)
    const saveCopy = { label: l10n.t('Save a Copy…'), command: Commands.saveCopy, argument: address }
    const close = { label: l10n.t('Cancel'), command: 'workbench.action.closeActiveEditor' }
    const isLarge = reason?.code === 'too-large'
    const setting = {
      label: l10n.t('Open Settings'),
      command: 'workbench.action.openSettings',
      argument: `${EXTENSION_SCHEME}.${LIMIT}`,
    }
    const name = safeText(nameOf(address?.path ?? ROOT), 80)
    const page = { text: reason?.message ?? '', language: vscode.env.language }
    const nothing = reason === undefined ? undefined : titleOfNothing(reason.code, name)
    if (nothing !== undefined)
      this.panel.webview.html = waitingPage({
        ...page,
        title: nothing,
        hint: '',
        links: [{ label: l10n.t('Close'), command: close.command }],
      })
    else
      this.panel.webview.html = waitingPage({
        ...page,
        title: isLarge
          ? l10n.t('“{0}” is too large to open here', name)
          : l10n.t('Waiting for somebody who has “{0}”', name),
        // The text of `offline` itself says that the file opens later.
        hint:
          isLarge || reason?.code === 'offline'
            ? ''
            : l10n.t('This tab shows the file as soon as it is here.'),
        links: isLarge ? [saveCopy, setting] : [close, saveCopy],
      })
  }
}

/** The title where, as far as is known, there is no file to wait for. Undefined otherwise. */
function titleOfNothing(code: ErrorCode, name: string): string | undefined {
  if (LINK_ERRORS.includes(code)) return l10n.t('“{0}” is a link that leads to no file here', name)
  if (code === 'file-not-found') return l10n.t('There is no “{0}” in this share', name)
  return code === 'is-a-folder' ? l10n.t('“{0}” is a folder', name) : undefined
}
