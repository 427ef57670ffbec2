/**
 * The addresses under which this window shows the files of shares. If a share is a workspace folder, its files are
 * opened under the address of that folder, so that the Explorer and the tree open the same tab. Otherwise the address
 * has the noted name. Addresses of other forms, in tabs and workspaces of earlier versions, stay good.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import type { PeerModel } from '../peerModel'
import { type ShareAddress, type ShownName, shownName } from './shareAddress'
import { openFilesOf } from './shareTabs'
import { fromShareUri, nameInUri, toShareUri } from './shareUri'
import { ShownNames } from './shownNames'

/** Without a name: the form of earlier versions. */
type Form = ShownName | undefined

export class ShareAddresses {
  /** What VS Code watches; one entry for each time it does. */
  private readonly watched = new Set<{ readonly id: ShareId; readonly form: Form }>()

  private readonly names: ShownNames

  constructor(memory: vscode.Memento, model: Pick<PeerModel, 'state'>) {
    this.names = new ShownNames(memory, model, vscode.l10n.t('Shared file'))
  }

  /** Where this window shows an entry. */
  uriOf(address: ShareAddress): vscode.Uri {
    const { id, version } = address
    if (version !== undefined) {
      const name = this.names.of(id) ?? ''
      return toShareUri(address, shownName(name, ` (${vscode.l10n.t('version {0}', String(version))})`))
    }
    const [folder] = workspaceFoldersOf(address.id)
    return toShareUri(address, folder === undefined ? this.names.of(address.id) : nameInUri(folder))
  }

  /** Every address under which this window may show an entry, as a function of its path. */
  urisOf(id: ShareId): (path: ShareAddress['path']) => readonly vscode.Uri[] {
    const forms = this.formsOf(id)
    return path => forms.map(form => toShareUri({ id, path }, form))
  }

  /** The names that a share has in this window's addresses. */
  namesOf(id: ShareId): readonly ShownName[] {
    return this.formsOf(id).filter(form => form !== undefined)
  }

  /** Notes that VS Code watches `uri`, until the result is disposed. */
  watch(uri: vscode.Uri): vscode.Disposable {
    const { id, version } = fromShareUri(uri) ?? {}
    if (id === undefined || version !== undefined) return new vscode.Disposable(() => undefined)
    const entry = { id, form: nameInUri(uri) }
    this.watched.add(entry)
    return new vscode.Disposable(() => this.watched.delete(entry))
  }

  private formsOf(id: ShareId): readonly Form[] {
    const forms = new Set<Form>()
    const noted = this.names.noted(id)
    if (noted !== undefined) forms.add(noted)
    for (const uri of [...workspaceFoldersOf(id), ...openFilesOf(id)]) forms.add(nameInUri(uri))
    for (const entry of this.watched) if (entry.id === id) forms.add(entry.form)
    return [...forms]
  }
}

function workspaceFoldersOf(id: ShareId): readonly vscode.Uri[] {
  const folders = vscode.workspace.workspaceFolders ?? []
  return folders
    .map(({ uri }) => uri)
    .filter(uri => {
      const address = fromShareUri(uri)
      return address?.id === id && address.version === undefined
    })
}
