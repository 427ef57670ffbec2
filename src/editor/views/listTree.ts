/**
 * A flat tree view drawn from the model. On every change of the model the rows are worded again and compared with what
 * is shown: the same rows in the same order refresh only those that read differently, so selection, focus and screen
 * readers are left alone.
 */
import * as vscode from 'vscode'
import type { CommandId } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'

/** One row. The object stays the same as long as the row is there; commands get it from menus. */
export interface ListNode<T> {
  readonly kind: string
  /** Stable and unique in the view. */
  readonly id: string
  value: T
}

/** Everything a row shows but its tooltip. */
export interface Row {
  readonly label: string
  readonly description: string
  readonly icon: vscode.ThemeIcon
  readonly contextValue: string
  readonly accessibleLabel: string
  /** What a click and Enter do, given the row; absent: they only select it. */
  readonly command?: CommandId
}

export interface ListContent<T> {
  readonly kind: string
  values(): readonly T[]
  idOf(value: T): string
  row(value: T): Row
  /** Plain text, made only when somebody looks. */
  tooltip(value: T): string
}

export class ListTree<T> extends Disposable implements vscode.TreeDataProvider<ListNode<T>> {
  private readonly changed = this.own(new vscode.EventEmitter<ListNode<T> | undefined>())
  readonly onDidChangeTreeData = this.changed.event
  private nodes: readonly ListNode<T>[] = []
  private readonly shown = new Map<string, string>()

  constructor(
    model: PeerModel,
    private readonly content: ListContent<T>,
  ) {
    super()
    this.take()
    this.own(model.onDidChange(() => this.update()))
  }

  getChildren(node?: ListNode<T>): ListNode<T>[] {
    return node === undefined ? [...this.nodes] : []
  }

  getParent(): undefined {
    return undefined
  }

  find(id: string): ListNode<T> | undefined {
    return this.nodes.find(node => node.id === id)
  }

  getTreeItem(node: ListNode<T>): vscode.TreeItem {
    const row = this.content.row(node.value)
    this.shown.set(node.id, this.signatureOf(node.value))
    const item = toTreeItem(node.id, row, vscode.TreeItemCollapsibleState.None)
    if (row.command !== undefined)
      item.command = { command: row.command, title: row.label, arguments: [node] }
    return item
  }

  resolveTreeItem(item: vscode.TreeItem, node: ListNode<T>): vscode.TreeItem {
    item.tooltip = this.content.tooltip(node.value)
    return item
  }

  private update(): void {
    const before = this.nodes.map(node => node.id).join('\n')
    this.take()
    if (this.nodes.map(node => node.id).join('\n') !== before) {
      this.shown.clear()
      this.changed.fire(undefined)
      return
    }
    for (const node of this.nodes) {
      if (this.shown.get(node.id) === this.signatureOf(node.value)) continue
      this.changed.fire(node)
    }
  }

  /** A tooltip that was looked at is kept by VS Code until its row is refreshed. */
  private signatureOf(value: T): string {
    return `${signature(this.content.row(value))}\n${this.content.tooltip(value)}`
  }

  private take(): void {
    const known = new Map(this.nodes.map(node => [node.id, node]))
    this.nodes = this.content.values().map(value => {
      const id = this.content.idOf(value)
      const node = known.get(id) ?? { kind: this.content.kind, id, value }
      node.value = value
      return node
    })
  }
}

export function toTreeItem(
  id: string,
  row: Row,
  collapsible: vscode.TreeItemCollapsibleState,
): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, collapsible)
  item.id = id
  item.description = row.description
  item.iconPath = row.icon
  item.contextValue = row.contextValue
  item.accessibilityInformation = { label: row.accessibleLabel }
  return item
}

export function signature(row: Row): string {
  return JSON.stringify([row.label, row.description, row.icon.id, row.contextValue, row.accessibleLabel])
}
