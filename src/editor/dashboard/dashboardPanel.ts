/**
 * The dashboard: one editor tab whose page is drawn from the peer model. On every change the whole state is sent again.
 * So a page that was hidden (VS Code discards it then) or restored after a restart only says that it is ready. While
 * the page is visible the state is also sent once a second, since the chart moves even when nothing happens.
 */
import * as vscode from 'vscode'
import { isFromDashboard, type ProcessKind, type ToDashboard } from '../../common/dashboardMessages'
import type { PeerState } from '../../common/model'
import { Disposable } from '../dispose'
import { type CommandCall, commandFor } from './actions'
import { dashboardHtml, makeNonce } from './html'
import { RateHistory } from './rateHistory'

const VIEW_TYPE = 'peerfold.dashboard'
const CHART_STEP = 1_000
const NO_RATES = { down: 0, up: 0 }

export interface DashboardParts {
  readonly extensionUri: vscode.Uri
  readonly model: {
    readonly state: PeerState | undefined
    readonly status: { readonly kind: ProcessKind }
    readonly onDidChange: vscode.Event<unknown>
  }
  /** Reports its own failures. */
  readonly runCommand: (command: CommandCall['command'], ...args: readonly unknown[]) => void
}

export class Dashboard extends Disposable {
  private readonly history = new RateHistory()
  private panel: vscode.WebviewPanel | undefined
  private listens = false

  constructor(private readonly parts: DashboardParts) {
    super()
    this.own(parts.model.onDidChange(() => this.update()))
    this.own(
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: async panel => this.adopt(panel),
      }),
    )
    this.own({ dispose: () => this.panel?.dispose() })
    this.remember()
  }

  /** Opens the dashboard, or brings the open one to the front. */
  show(): void {
    if (this.panel !== undefined) {
      this.panel.reveal()
      return
    }
    const title = vscode.l10n.t('Peerfold Dashboard')
    this.adopt(vscode.window.createWebviewPanel(VIEW_TYPE, title, vscode.ViewColumn.Active))
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel?.dispose()
    this.panel = panel
    this.listens = false
    const { webview } = panel
    const dist = vscode.Uri.joinPath(this.parts.extensionUri, 'dist')
    const media = vscode.Uri.joinPath(this.parts.extensionUri, 'media')
    panel.iconPath = {
      light: vscode.Uri.joinPath(media, 'dashboard-light.svg'),
      dark: vscode.Uri.joinPath(media, 'dashboard-dark.svg'),
    }
    webview.options = { enableScripts: true, enableForms: false, localResourceRoots: [dist, media] }

    const chart = setInterval(() => this.send(), CHART_STEP)
    webview.onDidReceiveMessage((message: unknown) => this.receive(message))
    panel.onDidChangeViewState(() => {
      // A page that is shown again is loaded again, and says so.
      if (!panel.visible) this.listens = false
    })
    panel.onDidDispose(() => {
      clearInterval(chart)
      if (this.panel === panel) this.panel = undefined
    })

    webview.html = dashboardHtml({
      script: webview.asWebviewUri(vscode.Uri.joinPath(dist, 'dashboard.js')).toString(),
      styles: webview.asWebviewUri(vscode.Uri.joinPath(dist, 'dashboard.css')).toString(),
      styleSource: webview.cspSource,
      nonce: makeNonce(),
      language: vscode.env.language,
    })
  }

  private receive(message: unknown): void {
    if (!isFromDashboard(message)) return
    if (message.type === 'ready') {
      this.listens = true
      if (vscode.l10n.bundle !== undefined) this.post({ type: 'texts', texts: vscode.l10n.bundle })
      this.send()
      return
    }
    const call = commandFor(message.action, this.parts.model.state)
    if (call !== undefined) this.parts.runCommand(call.command, ...call.args)
  }

  private update(): void {
    this.remember()
    this.send()
  }

  private remember(): void {
    this.history.record(performance.now(), this.parts.model.state?.rates ?? NO_RATES)
  }

  private send(): void {
    if (!this.listens) return
    this.post({
      type: 'state',
      process: this.parts.model.status.kind,
      state: this.parts.model.state ?? null,
      history: this.history.series(performance.now()),
    })
  }

  private post(message: ToDashboard): void {
    // Resolves to false when the page went away in between. The page says that it is ready when it is back.
    void this.panel?.webview.postMessage(message)
  }
}
