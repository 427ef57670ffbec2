import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { TransferResult } from '../../src/common/model'
import { WAITING_EDITOR } from '../../src/editor/contributions'
import { shownName } from '../../src/editor/files/shareAddress'
import { toShareUri } from '../../src/editor/files/shareUri'
import { compareTrees, randomBytes, symbolicLink, temporaryFolder } from '../support/folders'
import {
  codeOfFailure,
  nextEvent,
  type OtherPeer,
  openAndList,
  run,
  startOtherPeer,
  untilState,
  within,
} from './otherPeer'

const { fs } = vscode.workspace

describe('opening somebody’s share in the editor', () => {
  let other: OtherPeer
  let id: ShareId
  const at = (path: string) => toShareUri({ id, path: path as DrivePath })
  const big = randomBytes(700_000)
  /** Over the limit that editors get below, and more than comes in one answer. */
  const huge = Buffer.from(randomBytes(4_400_000, 1))
  const large = huge.subarray(0, 1_100_000)

  before(async () => {
    other = await startOtherPeer('field notes', {
      'hello.txt': 'Hello from the other side.\n',
      'name with spaces & ümläuts 🙂.md': '# Title\n',
      'later.txt': 'not looked at before it is too late\n',
      empty: '',
      large: { 'huge.bin': huge, more: { 'large.txt': large } },
      data: { 'big.bin': big, deep: { er: { 'leaf.txt': 'leaf\n' }, link: symbolicLink('er/leaf.txt') } },
    })
    id = await openAndList(other.link)
  })

  after(async () => {
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  it('lists its folders', async () => {
    const names = async (path: string) =>
      (await fs.readDirectory(at(path))).map(
        ([name, type]) => `${type === vscode.FileType.Directory ? '+' : ''}${name}`,
      )
    assert.deepEqual((await names('/')).sort(), [
      '+data',
      '+large',
      'empty',
      'hello.txt',
      'later.txt',
      'name with spaces & ümläuts 🙂.md',
    ])
    assert.deepEqual((await names('/data')).sort(), ['+deep', 'big.bin'])
    assert.deepEqual(await names('/data/deep/er'), ['leaf.txt'])
  })

  it('tells sizes and times', async () => {
    const stat = await fs.stat(at('/data/big.bin'))
    assert.equal(stat.size, big.length)
    assert.equal(stat.type, vscode.FileType.File)
    assert.ok(Math.abs(Date.now() - stat.mtime) < 10 * 60_000, `mtime ${stat.mtime}`)
    assert.equal((await fs.stat(at('/'))).type, vscode.FileType.Directory)
    assert.equal((await fs.stat(at('/empty'))).size, 0)
  })

  it('copies a folder whole, files over the limit of editors too, whether an editor refused them or not', async () => {
    const target = vscode.Uri.file(join(temporaryFolder('copies'), 'large'))
    const setting = vscode.workspace.getConfiguration('peerfold')
    await setting.update('maxEditorFileSize', 1, vscode.ConfigurationTarget.Global)
    try {
      await vscode.commands.executeCommand('vscode.open', at('/large/huge.bin')).then(undefined, () => {})
      const shown = vscode.workspace.textDocuments.map(({ uri }) => uri.toString())
      assert.ok(!shown.includes(at('/large/huge.bin').toString()), 'the editor has its limit')
      await fs.copy(at('/large'), target)
      assert.ok(readFileSync(join(target.fsPath, 'huge.bin')).equals(huge))
      assert.ok(readFileSync(join(target.fsPath, 'more', 'large.txt')).equals(large))
    } finally {
      await setting.update('maxEditorFileSize', undefined, vscode.ConfigurationTarget.Global)
      await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    }
  })

  it('finds a file by a name that is spelled otherwise', async () => {
    await fs.readDirectory(at('/'))
    const typed = at('/name with spaces & u\u0308mla\u0308uts 🙂.md')
    assert.equal((await fs.stat(typed)).type, vscode.FileType.File)
    assert.equal(Buffer.from(await fs.readFile(typed)).toString(), '# Title\n')
  })

  it('reads files byte for byte', async () => {
    assert.deepEqual(Buffer.from(await fs.readFile(at('/data/big.bin'))), Buffer.from(big))
    assert.equal((await fs.readFile(at('/empty'))).length, 0)
    const odd = await fs.readFile(at('/name with spaces & ümläuts 🙂.md'))
    assert.equal(Buffer.from(odd).toString(), '# Title\n')
  })

  it('shows text in an editor that cannot be changed', async () => {
    const document = await vscode.workspace.openTextDocument(at('/hello.txt'))
    const editor = await vscode.window.showTextDocument(document)
    assert.equal(document.getText(), 'Hello from the other side.\n')
    const edit = new vscode.WorkspaceEdit()
    edit.insert(document.uri, new vscode.Position(0, 0), 'x')
    await vscode.workspace.applyEdit(edit)
    assert.equal(
      await document.save().then(saved => saved && !document.isDirty && document.getText().startsWith('x')),
      false,
    )
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor')
    assert.ok(editor)
  })

  it('opens a link in it as the file that it names', async () => {
    assert.equal(Buffer.from(await fs.readFile(at('/data/deep/link'))).toString(), 'leaf\n')
    const document = await vscode.workspace.openTextDocument(at('/data/deep/link'))
    assert.equal(document.getText(), 'leaf\n')
  })

  it('refuses every write', async () => {
    assert.equal(await codeOfFailure(fs.writeFile(at('/new.txt'), new Uint8Array([1]))), 'NoPermissions')
    assert.equal(await codeOfFailure(fs.delete(at('/hello.txt'))), 'NoPermissions')
    assert.equal(await codeOfFailure(fs.createDirectory(at('/new'))), 'NoPermissions')
    assert.equal(await codeOfFailure(fs.rename(at('/hello.txt'), at('/b.txt'))), 'NoPermissions')
  })

  it('knows what is not there', async () => {
    for (const probe of ['/.vscode/settings.json', '/.git', '/package.json', '/data/none']) {
      assert.equal(await codeOfFailure(fs.stat(at(probe))), 'FileNotFound', probe)
    }
    assert.equal(await codeOfFailure(fs.readFile(at('/data'))), 'FileIsADirectory')
  })

  it('finds files by parts of their path', async () => {
    const found = await run<readonly string[]>('peerfold.findInShare', { id, query: 'leaf deep' })
    assert.deepEqual(found, ['/data/deep/er/leaf.txt'])
  })

  it('shows what the sharer saves, without being asked', async () => {
    const document = await vscode.workspace.openTextDocument(at('/hello.txt'))
    await vscode.window.showTextDocument(document)
    const before = await fs.stat(at('/hello.txt'))
    const changed = nextEvent(
      vscode.workspace.onDidChangeTextDocument,
      event => event.document === document && event.document.getText().startsWith('Changed'),
      'the open document changed',
    )
    await writeFile(join(other.folder, 'hello.txt'), 'Changed while you look.\n')
    await changed
    const after = await fs.stat(at('/hello.txt'))
    assert.equal(after.size, 24)
    assert.ok(after.mtime > before.mtime)
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor')
  })

  it('shows what the sharer saves under every address that a file has, also one of an earlier version', async () => {
    const named = toShareUri({ id, path: '/hello.txt' as DrivePath }, shownName('field notes'))
    const addresses = [at('/hello.txt'), named]
    const documents: vscode.TextDocument[] = []
    for (const uri of addresses) {
      const document = await vscode.workspace.openTextDocument(uri)
      await vscode.window.showTextDocument(document, { preview: false })
      documents.push(document)
    }
    const changed = documents.map(document =>
      nextEvent(
        vscode.workspace.onDidChangeTextDocument,
        event => event.document === document && document.getText().startsWith('Changed again'),
        `the document changed at ${document.uri.path}`,
      ),
    )
    await writeFile(join(other.folder, 'hello.txt'), 'Changed again.\n')
    await Promise.all(changed)
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
  })

  it('lies in a folder of its name, beside which nothing is', async () => {
    const root = toShareUri({ id, path: '/' as DrivePath }, shownName('field notes'))
    assert.equal(root.path, '/field notes')
    const above = root.with({ path: '/' })
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(root, '*'))
    assert.equal((await fs.stat(above)).type, vscode.FileType.Directory)
    assert.deepEqual(await fs.readDirectory(above), [['field notes', vscode.FileType.Directory]])
    watcher.dispose()
    for (const probe of ['/.git', '/hello.txt', '/field notes 2']) {
      assert.equal(await codeOfFailure(fs.stat(root.with({ path: probe }))), 'FileNotFound', probe)
    }
  })

  it('shows files that come and go', async () => {
    await writeFile(join(other.folder, 'fresh.txt'), 'new\n')
    await rm(join(other.folder, 'empty'))
    await untilState(
      ({ opened }) =>
        opened.some(
          share => share.id === id && (share.contents?.version ?? 0) > 0 && share.contents?.files === 9,
        ),
      'the new version is here',
    )
    await untilListed(at('/'), names => names.includes('fresh.txt') && !names.includes('empty'))
  })

  it('tells of folders that come and go with their files', async () => {
    const folder = at('/comes/and/goes')
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(at('/'), '**'))
    const isFolder = (uri: vscode.Uri) => uri.toString() === folder.toString()
    try {
      const came = nextEvent(watcher.onDidCreate, isFolder, 'the new folder is told')
      await mkdir(join(other.folder, 'comes', 'and', 'goes'), { recursive: true })
      await writeFile(join(other.folder, 'comes', 'and', 'goes', 'file.txt'), 'short-lived\n')
      await came
      const went = nextEvent(watcher.onDidDelete, isFolder, 'the end of the folder is told')
      await rm(join(other.folder, 'comes'), { recursive: true })
      await went
    } finally {
      watcher.dispose()
    }
  })

  it('saves a copy, which goes on where it was when asked again', async () => {
    const folder = join(temporaryFolder('copy'), 'field notes')
    const first = await run<TransferResult>('peerfold.saveCopy', { id, folder, ask: false })
    assert.equal(first.files, 9)
    assert.deepEqual(await compareTrees(other.folder, folder), [])
    const second = await run<TransferResult>('peerfold.saveCopy', { id, folder, ask: false })
    assert.equal(second.fetched, 0)
  })

  it('saves a folder or a file of it', async () => {
    const folder = temporaryFolder('copy')
    await run<TransferResult>('peerfold.saveCopy', { id, path: '/data/deep', folder, ask: false })
    await run<TransferResult>('peerfold.saveCopy', { id, path: '/hello.txt', folder, ask: false })
    assert.equal(readFileSync(join(folder, 'hello.txt'), 'utf8'), 'Changed again.\n')
    assert.equal(readFileSync(join(folder, 'deep', 'er', 'leaf.txt'), 'utf8'), 'leaf\n')
  })

  it('refuses text that is no link, saying what is wrong', async () => {
    await assert.rejects(
      run('peerfold.openLink', { link: 'https://example.com', ask: false }),
      /another kind/,
    )
    await assert.rejects(
      run('peerfold.openLink', { link: other.link.slice(0, -1), ask: false }),
      /typing error|cut off/,
    )
  })
})

describe('a share whose people are gone', () => {
  it('still serves what is here, and calls the rest unavailable, never absent', async () => {
    const other = await startOtherPeer('going away', {
      'seen.txt': 'fetched in time\n',
      'unseen.bin': randomBytes(300_000, 7),
    })
    const id = await openAndList(other.link)
    const at = (path: string) => toShareUri({ id, path: path as DrivePath })
    await fs.readFile(at('/seen.txt'))
    await other.stop()
    await untilState(
      ({ opened }) => opened.some(share => share.id === id && share.status.kind === 'offline'),
      'it counts as offline',
    )
    assert.equal(Buffer.from(await fs.readFile(at('/seen.txt'))).toString(), 'fetched in time\n')
    assert.equal((await fs.readDirectory(at('/'))).length, 2)
    assert.equal((await fs.stat(at('/unseen.bin'))).size, 300_000)
    assert.equal(await codeOfFailure(fs.readFile(at('/unseen.bin'))), 'Unavailable')
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
  })
})

describe('a share of ten thousand files', () => {
  it('is listed and looked at in seconds', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, number) => [`file ${number}.txt`, `${number}\n`]),
    )
    const other = await startOtherPeer('many', { many: files })
    const id = await openAndList(other.link)
    const folder = toShareUri({ id, path: '/many' as DrivePath })
    const startedAt = performance.now()
    const entries = await fs.readDirectory(folder)
    const listedIn = performance.now() - startedAt
    for (const [name] of entries.slice(0, 300)) await fs.stat(vscode.Uri.joinPath(folder, name))
    const lookedAtIn = performance.now() - startedAt - listedIn
    console.log(
      `10,000 entries listed in ${listedIn.toFixed(0)} ms, 300 of them looked at in ${lookedAtIn.toFixed(0)} ms`,
    )
    assert.equal(entries.length, 10_000)
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  }).timeout(120_000)
})

describe('links in somebody’s share', () => {
  const { Directory, File, SymbolicLink } = vscode.FileType
  let other: OtherPeer
  let id: ShareId
  const at = (path: string) => toShareUri({ id, path: path as DrivePath })
  const textOf = async (path: string) => Buffer.from(await fs.readFile(at(path))).toString()

  before(async () => {
    other = await startOtherPeer('trail', {
      docs: { 'a.txt': 'first\n', deep: { 'b.txt': 'second\n', over: symbolicLink('../../rings') } },
      rings: { 'x.txt': 'x\n', over: symbolicLink('../docs') },
      latest: symbolicLink('docs'),
      'first.txt': symbolicLink('latest/a.txt'),
    })
    id = await openAndList(other.link)
  })

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  it('show as what they point at', async () => {
    assert.deepEqual((await fs.readDirectory(at('/'))).sort(), [
      ['docs', Directory],
      ['first.txt', SymbolicLink | File],
      ['latest', SymbolicLink | Directory],
      ['rings', Directory],
    ])
    const { type, size } = await fs.stat(at('/first.txt'))
    assert.deepEqual([type, size], [SymbolicLink | File, 6])
    assert.equal((await fs.stat(at('/latest'))).type, SymbolicLink | Directory)
  })

  it('are followed to folders and files behind them', async () => {
    assert.deepEqual((await fs.readDirectory(at('/latest'))).sort(), [
      ['a.txt', File],
      ['deep', Directory],
    ])
    assert.equal(await textOf('/first.txt'), 'first\n')
    assert.equal(await textOf('/latest/deep/b.txt'), 'second\n')
    assert.equal(await textOf('/latest/deep/over/over/a.txt'), 'first\n')
    assert.equal(await codeOfFailure(fs.stat(at('/latest/none.txt'))), 'FileNotFound')
  })

  it('lead nobody on for ever who opens folder after folder', async () => {
    const seen: string[] = []
    const walk = async (folder: string): Promise<void> => {
      for (const [name, type] of await fs.readDirectory(at(folder))) {
        seen.push(`${folder}/${name}`)
        assert.ok(seen.length < 200, seen.join(' '))
        if ((type & Directory) !== 0) await walk(`${folder === '/' ? '' : folder}/${name}`)
      }
    }
    await walk('/')
    assert.ok(seen.includes('/latest/deep/over/x.txt'))
  })

  it('show what the sharer saves in the file that they point at', async () => {
    const documents = await Promise.all(
      ['/first.txt', '/latest/a.txt'].map(path => vscode.workspace.openTextDocument(at(path))),
    )
    for (const document of documents) await vscode.window.showTextDocument(document, { preview: false })
    const changed = documents.map(document =>
      nextEvent(
        vscode.workspace.onDidChangeTextDocument,
        event => event.document === document && document.getText() === 'changed\n',
        `${document.uri.path} changed`,
      ),
    )
    await writeFile(join(other.folder, 'docs', 'a.txt'), 'changed\n')
    await Promise.all(changed)
    const elsewhere = nextEvent(
      vscode.workspace.onDidChangeTextDocument,
      ({ document }) => document === documents[1] && document.getText() === 'x again\n',
      'the link leads elsewhere',
    )
    await writeFile(join(other.folder, 'rings', 'a.txt'), 'x again\n')
    await rm(join(other.folder, 'latest'))
    await symlink('rings', join(other.folder, 'latest'))
    await elsewhere
    await rm(join(other.folder, 'latest'))
    await symlink('docs', join(other.folder, 'latest'))
    await untilListed(at('/latest'), names => names.includes('deep'))
  })

  it('tell of what comes and goes in a folder that they show', async () => {
    await fs.readDirectory(at('/latest'))
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(at('/'), '**'))
    const told = (uri: vscode.Uri) => uri.toString() === at('/latest/deep/new.txt').toString()
    try {
      const came = nextEvent(watcher.onDidCreate, told, 'the new file is told')
      await writeFile(join(other.folder, 'docs', 'deep', 'new.txt'), 'short-lived\n')
      await came
      const went = nextEvent(watcher.onDidDelete, told, 'its end is told')
      await rm(join(other.folder, 'docs', 'deep', 'new.txt'))
      await went
      await untilListed(at('/latest/deep'), names => !names.includes('new.txt'))
    } finally {
      watcher.dispose()
    }
  })

  it('say in their tab that they lead to no file from where they are', async () => {
    vscode.commands.executeCommand('vscode.open', at('/docs/deep/over/over')).then(undefined, () => undefined)
    await untilTab(
      ({ input }) =>
        input instanceof vscode.TabInputCustom &&
        input.viewType === WAITING_EDITOR &&
        input.uri.path === '/docs/deep/over/over',
    )
  })
})

/** The tree of files follows the state by a moment: waits for its file events. */
async function untilListed(folder: vscode.Uri, holds: (names: readonly string[]) => boolean): Promise<void> {
  const share = folder.with({ path: '/' }) // a link to the folder may lie in any other
  const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(share, '**'))
  try {
    for (;;) {
      const again = Promise.race([
        nextEvent(watcher.onDidCreate, () => true, 'a file came'),
        nextEvent(watcher.onDidDelete, () => true, 'a file went'),
        nextEvent(watcher.onDidChange, () => true, 'a file changed'),
      ])
      again.catch(() => undefined) // not needed when the listing is right already
      if (holds((await fs.readDirectory(folder)).map(([name]) => name))) return
      await again
    }
  } finally {
    watcher.dispose()
  }
}

async function untilTab(holds: (tab: vscode.Tab) => boolean): Promise<void> {
  let subscription: vscode.Disposable | undefined
  const shown = new Promise<void>(resolve => {
    const look = () => {
      if (vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(holds))) resolve()
    }
    subscription = vscode.window.tabGroups.onDidChangeTabs(look)
    look()
  })
  await within(40_000, 'the tab is shown', shown).finally(() => subscription?.dispose())
}
