/** Sets the context keys of when-clauses, each only when its value changed. */
import * as vscode from 'vscode'
import type { ContextKeys } from './contributions'

export class ContextKeySetter {
  private readonly last: Partial<ContextKeys> = {}

  set<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
    if (this.last[key] === value) return
    this.last[key] = value
    void vscode.commands.executeCommand('setContext', key, value)
  }
}
