/**
 * Ownership: a class that extends `Disposable` hands everything it creates to `own`. Disposing it disposes all of that,
 * last first. A resource that is handed over too late is disposed at once, so that nothing outlives its owner.
 */
import type * as vscode from 'vscode'

export abstract class Disposable implements vscode.Disposable {
  private readonly owned: vscode.Disposable[] = []
  private isDisposed = false

  protected get disposed(): boolean {
    return this.isDisposed
  }

  protected own<T extends vscode.Disposable>(resource: T): T {
    if (this.isDisposed) resource.dispose()
    else this.owned.push(resource)
    return resource
  }

  dispose(): void {
    if (this.isDisposed) return
    this.isDisposed = true
    for (const resource of this.owned.splice(0).reverse()) resource.dispose()
  }
}
