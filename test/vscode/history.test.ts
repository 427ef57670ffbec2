/** Former versions of somebody's share, in real VS Code: opened, compared, browsed, restored. */
import { strict as assert } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { formatLink, parseLink } from '../../src/common/link'
import type { TransferResult, VersionSummary } from '../../src/common/model'
import { Listings } from '../../src/editor/files/listings'
import { fromShareUri, toShareUri } from '../../src/editor/files/shareUri'
import { VersionListings } from '../../src/editor/files/versionListings'
import type { PeerProcess } from '../../src/editor/peerProcess'
import { HistoryTree } from '../../src/editor/views/historyTree'
import { temporaryFolder } from '../support/folders'
import { type OtherPeer, openAndList, run, startOtherPeer, untilState, within } from './otherPeer'

const PATH = '/README.md' as DrivePath

describe('the history of somebody’s share', () => {
  let other: OtherPeer
  let id: ShareId
  /** Of the path log: the first version, and the one in which README.md grew. */
  let [first, second] = [0, 0]

  before(async () => {
    other = await startOtherPeer('orchard', {
      'README.md': '# Orchard\n',
      trees: { 'apple.md': '# Apple\n' },
    })
    id = await openAndList(other.link)
    first = await newest()
    writeFileSync(join(other.folder, 'README.md'), '# Orchard, grown\n')
    second = await newer(first)
  })

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  const newest = () => newer(0)
  const newer = async (than: number): Promise<number> => {
    const of = (state: { readonly opened: readonly { id: ShareId; contents?: { version: number } }[] }) =>
      state.opened.find(share => share.id === id)?.contents?.version ?? 0
    return of(await untilState(state => of(state) > than, 'a newer version is here'))
  }
  const at = (version: number, path = PATH) => toShareUri({ id, path, version })
  const textOf = async (uri: vscode.Uri) => String(await vscode.workspace.fs.readFile(uri))

  it('opens a file as it was, beside the newest, and neither turns into the other', async () => {
    const link = parseLink(other.link)
    assert.ok(link.ok)
    await run('peerfold.openLink', formatLink({ ...link.link, path: PATH, version: first }))
    const former = await untilTab(
      tab => tab instanceof vscode.TabInputText && fromShareUri(tab.uri)?.version === first,
    )
    assert.ok(former instanceof vscode.TabInputText)
    const document = await vscode.workspace.openTextDocument(former.uri)
    assert.equal(document.getText(), '# Orchard\n')
    assert.match(
      former.uri.path,
      /^\/orchard \(version \d+\)\/README\.md$/,
      'the tab tells which version it is',
    )
    assert.equal(await textOf(toShareUri({ id, path: PATH })), '# Orchard, grown\n')

    writeFileSync(join(other.folder, 'README.md'), '# Orchard, grown tall\n')
    const third = await newer(second)
    assert.equal(await textOf(toShareUri({ id, path: PATH })), '# Orchard, grown tall\n')
    assert.deepEqual(await Promise.all([first, second, third].map(version => textOf(at(version)))), [
      '# Orchard\n',
      '# Orchard, grown\n',
      '# Orchard, grown tall\n',
    ])
    assert.equal(document.getText(), '# Orchard\n')
  })

  it('lists its versions in a view, and compares one with the version before and with what is there now', async () => {
    assert.equal(await run<boolean>('peerfold.showHistory', { id, path: PATH }), true)
    await vscode.commands.executeCommand('peerfold.compareVersion', { id, path: PATH, version: second })
    const compared = await untilTab(tab => tab instanceof vscode.TabInputTextDiff)
    assert.ok(compared instanceof vscode.TabInputTextDiff)
    assert.deepEqual(
      [fromShareUri(compared.original), fromShareUri(compared.modified)],
      [
        { id, path: PATH, version: first },
        { id, path: PATH, version: second },
      ],
    )
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.compareWithNow', { id, path: PATH, version: first })
    const withNow = await untilTab(tab => tab instanceof vscode.TabInputTextDiff)
    assert.ok(withNow instanceof vscode.TabInputTextDiff)
    assert.deepEqual(fromShareUri(withNow.modified), { id, path: PATH })
    assert.equal(await textOf(withNow.modified), '# Orchard, grown tall\n')
  })

  it('is browsed as it was, and changed by nobody', async () => {
    assert.deepEqual(await vscode.workspace.fs.readDirectory(at(first, '/' as DrivePath)), [
      ['README.md', vscode.FileType.File],
      ['trees', vscode.FileType.Directory],
    ])
    const stat = await vscode.workspace.fs.stat(at(first))
    assert.equal(stat.size, '# Orchard\n'.length)
    assert.equal(stat.permissions, vscode.FilePermission.Readonly)
    await assert.rejects(async () => vscode.workspace.fs.writeFile(at(first), Buffer.from('x')))
    await assert.rejects(async () => vscode.workspace.fs.stat(at(1_000_000)), /has no version 1000000/)
  })

  it('gives a file back to the disk, beside what is there, and a link to its version', async () => {
    const folder = temporaryFolder('restored')
    writeFileSync(join(folder, 'README.md'), 'my own')
    const version = { id, path: PATH, version: first, ask: false }
    const result = await run<TransferResult>('peerfold.restoreVersion', { ...version, folder })
    assert.equal(readFileSync(join(folder, 'README.md'), 'utf8'), 'my own')
    assert.equal(readFileSync(result.conflicts[0]?.copy ?? '', 'utf8'), '# Orchard\n')
    const link = parseLink(await run<string>('peerfold.copyLink', version))
    assert.ok(link.ok)
    assert.deepEqual([link.link.path, link.link.version], [PATH, first])
  })
})

describe('the view of a history', () => {
  it('loads a page of older versions once, however fast it is asked for twice', async () => {
    const asked: number[] = []
    const peer: Pick<PeerProcess, 'request'> = {
      // A hundred pages of one version each.
      request: async (_method, params) => {
        const from = 'from' in params && typeof params.from === 'number' ? params.from : 100
        asked.push(from)
        const versions: VersionSummary[] = [{ version: from }]
        return { versions, next: from - 1 } as never
      },
    }
    const nothing = { list: async () => [], listSoFar: async () => [], stat: async () => assert.fail() }
    const changes = new vscode.EventEmitter<ShareId>()
    const tree = new HistoryTree(
      peer,
      new VersionListings(peer, new Listings(nothing)),
      { uriOf: toShareUri },
      { onDidChangeShare: changes.event },
    )
    await tree.show({ id: 'y'.repeat(52) as ShareId, path: PATH })
    await Promise.all([tree.older(), tree.older()])
    await tree.older()
    tree.dispose()
    assert.deepEqual(asked, [100, 99, 98])
  })
})

async function untilTab(isMeant: (input: unknown) => boolean): Promise<unknown> {
  let subscription: vscode.Disposable | undefined
  const shown = new Promise<unknown>(resolve => {
    const look = () => {
      const input = vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .find(tab => isMeant(tab.input))?.input
      if (input !== undefined) resolve(input)
    }
    subscription = vscode.window.tabGroups.onDidChangeTabs(look)
    look()
  })
  return within(40_000, 'the tab is shown', shown).finally(() => subscription?.dispose())
}
