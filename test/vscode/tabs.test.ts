import { strict as assert } from 'node:assert'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as vscode from 'vscode'
import { waitForEnd } from '../../src/client/ended'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { WAITING_EDITOR } from '../../src/editor/contributions'
import { fromShareUri, toShareUri } from '../../src/editor/files/shareUri'
import { readEndpoint } from '../../src/wire/endpoint'
import { randomBytes } from '../support/folders'
import {
  bringWithoutWindow,
  nextEvent,
  type OtherPeer,
  openAndList,
  removeElsewhere,
  startOtherPeer,
  storageUnderTest,
  untilState,
  within,
} from './otherPeer'

/** Milliseconds: an editor waits five seconds for a peer before it gives up, and a peer is found in some. */
const PATIENCE = 40_000
/** Milliseconds for the peer process to end. */
const END_LIMIT = 20_000

const NOTEBOOK = JSON.stringify({
  cells: [{ cell_type: 'markdown', metadata: {}, source: ['# Yield'] }],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
})
/** One dot. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** Each kind of tab that shows one file, by a file that VS Code opens in it. */
const KINDS = [
  ['a text', '/notes.txt', vscode.TabInputText],
  ['a notebook', '/yield.ipynb', vscode.TabInputNotebook],
  ['a picture', '/dot.png', vscode.TabInputCustom],
] as const

/** Each kind of tab that compares two files. */
const COMPARISONS = [
  ['texts', ['/before.txt', '/after.txt'], vscode.TabInputTextDiff],
  ['notebooks', ['/last year.ipynb', '/this year.ipynb'], vscode.TabInputNotebookDiff],
] as const

describe('tabs of files that are not here', () => {
  let other: OtherPeer
  let id: ShareId
  const at = (path: string) => toShareUri({ id, path: path as DrivePath })

  beforeEach(async () => {
    other = await startOtherPeer('harvest', {
      'notes.txt': 'fetched at last\n',
      'yield.ipynb': NOTEBOOK,
      'before.txt': 'sown\n',
      'after.txt': 'grown\n',
      'last year.ipynb': NOTEBOOK,
      'this year.ipynb': NOTEBOOK.replace('Yield', 'Yield of this year'),
      'dot.png': PICTURE,
      'given up.txt': 'nobody wants it any more\n',
      'large.txt': Buffer.from(randomBytes(1_200_000, 3)).toString('hex'),
    })
    id = await openAndList(other.link)
  })

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  it('say that they wait, whatever shows them, and become the files when somebody comes', async () => {
    await goAway()
    for (const [kind, path] of KINDS) {
      open(at(path))
      await untilTabs(`${kind} waits`, tabs => tabs.length === 1 && tabs.every(isWaiting), at(path))
    }
    open(at('/given up.txt'))
    await untilTabs('the last one waits', tabs => tabs.some(isWaiting), at('/given up.txt'))
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor')
    await Promise.all(
      COMPARISONS.map(([, [left, right]], column) =>
        vscode.commands.executeCommand('vscode.diff', at(left), at(right), undefined, {
          viewColumn: vscode.ViewColumn.Two + column,
          preserveFocus: true,
        }),
      ),
    )
    const compared = COMPARISONS.flatMap(([, paths]) => paths.map(path => untilOpen(at(path))))
    await other.comeBack()
    await Promise.all(compared)
    for (const [kind, path, Input] of [...KINDS].reverse()) {
      // A tab in the background changes when it is turned to.
      await vscode.commands.executeCommand('vscode.openWith', at(path), WAITING_EDITOR)
      await untilTabs(
        `${kind} is shown`,
        tabs => tabs.length === 1 && tabs.every(tab => tab.input instanceof Input && !isWaiting(tab)),
        at(path),
      )
    }
    await untilText(at('/notes.txt'), 'fetched at last\n')
    assert.deepEqual(tabsOf(at('/given up.txt')), [], 'what was given up stays closed')
  }).timeout(120_000)

  it('say that a file is over the limit, and become it when the limit is raised', async () => {
    const setting = vscode.workspace.getConfiguration('peerfold')
    await setting.update('maxEditorFileSize', 1, vscode.ConfigurationTarget.Global)
    try {
      open(at('/large.txt'))
      await untilTabs('it is not shown', tabs => tabs.length === 1 && tabs.every(isWaiting), at('/large.txt'))
    } finally {
      await setting.update('maxEditorFileSize', undefined, vscode.ConfigurationTarget.Global)
    }
    await untilTabs(
      'it is shown',
      tabs => tabs.length === 1 && tabs.every(tab => tab.input instanceof vscode.TabInputText),
      at('/large.txt'),
    )
  })

  it('look again, of every kind, when nobody knows what changed, and close when another program removed the share', async () => {
    for (const [kind, path, Input] of KINDS) {
      open(at(path))
      await untilTabs(`${kind} is open`, tabs => tabs.some(tab => tab.input instanceof Input), at(path))
      await vscode.commands.executeCommand('workbench.action.keepEditor')
    }
    for (const [kind, paths, Input] of COMPARISONS) {
      const [left, right] = paths.map(at)
      await vscode.commands.executeCommand('vscode.diff', left, right, undefined, { preview: false })
      await untilTabs(
        `${kind} are compared`,
        tabs => tabs.some(tab => tab.input instanceof Input),
        at(paths[1]),
      )
    }
    await lookAgain()
    await removeElsewhere(id)
    await untilAllTabs('nothing of it is left', tabs =>
      tabs.every(tab => urisOf(tab).every(uri => fromShareUri(uri)?.id !== id)),
    )
  })

  /** The share gets a version while the window has no peer process: nothing tells it which paths that changed. */
  async function lookAgain(): Promise<void> {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(at('/'), '**'))
    const told = KINDS.map(([kind, path]) =>
      nextEvent(
        watcher.onDidChange,
        uri => uri.toString() === at(path).toString(),
        `${kind} is told to look again`,
      ),
    )
    try {
      const pid = (await readEndpoint(storageUnderTest()))?.pid ?? assert.fail('no peer process runs')
      await vscode.commands.executeCommand('peerfold.stopPeerProcess', { ask: false })
      assert.ok(await waitForEnd(pid, END_LIMIT))
      await writeFile(join(other.folder, 'more.txt'), 'more\n')
      assert.match(await bringWithoutWindow(other.link), /more\.txt/)
      await vscode.commands.executeCommand('peerfold.retry')
      await Promise.all(told)
    } finally {
      watcher.dispose()
    }
  }

  async function goAway(): Promise<void> {
    await other.stop()
    await untilState(
      ({ opened }) => opened.some(share => share.id === id && share.status.kind === 'offline'),
      'it counts as offline',
    )
  }
})

/** Not waited for: what fails to open shows in the tab. */
function open(uri: vscode.Uri): void {
  vscode.commands.executeCommand('vscode.open', uri, { preview: false }).then(undefined, () => undefined)
}

function isWaiting({ input }: vscode.Tab): boolean {
  return input instanceof vscode.TabInputCustom && input.viewType === WAITING_EDITOR
}

function urisOf({ input }: vscode.Tab): readonly vscode.Uri[] {
  if (input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff)
    return [input.original, input.modified]
  const isOne =
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputNotebook ||
    input instanceof vscode.TabInputCustom
  return isOne ? [input.uri] : []
}

function tabsOf(uri: vscode.Uri): readonly vscode.Tab[] {
  return allTabs().filter(tab => urisOf(tab).some(shown => shown.toString() === uri.toString()))
}

function allTabs(): readonly vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs)
}

function untilTabs(
  what: string,
  holds: (tabs: readonly vscode.Tab[]) => boolean,
  uri: vscode.Uri,
): Promise<void> {
  return untilAllTabs(what, () => holds(tabsOf(uri)))
}

/** What a comparison shows has no tab of its own, and is open only when it could be read. */
function untilOpen(uri: vscode.Uri): Promise<unknown> {
  const isIt = (document: { readonly uri: vscode.Uri }) => document.uri.toString() === uri.toString()
  const { onDidOpenTextDocument, onDidOpenNotebookDocument } = vscode.workspace
  return Promise.any([
    nextEvent(onDidOpenTextDocument, isIt, `${uri.path} is open`),
    nextEvent(onDidOpenNotebookDocument, isIt, `${uri.path} is open`),
  ])
}

/** The tab comes before its text. */
async function untilText(uri: vscode.Uri, text: string): Promise<void> {
  const isIt = (document: vscode.TextDocument) => document.uri.toString() === uri.toString()
  if (!vscode.workspace.textDocuments.some(isIt))
    await nextEvent(vscode.workspace.onDidOpenTextDocument, isIt, 'its text is shown')
  assert.equal(vscode.workspace.textDocuments.find(isIt)?.getText(), text)
}

async function untilAllTabs(what: string, holds: (tabs: readonly vscode.Tab[]) => boolean): Promise<void> {
  let subscription: vscode.Disposable | undefined
  const held = new Promise<void>(resolve => {
    const look = () => {
      if (holds(allTabs())) resolve()
    }
    subscription = vscode.window.tabGroups.onDidChangeTabs(look)
    look()
  })
  await within(PATIENCE, what, held).finally(() => subscription?.dispose())
}
