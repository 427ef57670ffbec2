import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { formatLink, parseLink } from '../../src/common/link'
import { fromShareUri, toShareUri } from '../../src/editor/files/shareUri'
import { makeTree, temporaryFolder } from '../support/folders'
import { type OtherPeer, openAndList, run, startOtherPeer, within } from './otherPeer'

describe('a link to a file or folder of somebody’s share', () => {
  let other: OtherPeer
  let id: ShareId

  before(async () => {
    other = await startOtherPeer('garden', {
      'README.md': '# Garden\n',
      beds: { 'tomatoes.md': '# Tomatoes\n', 'zoë’s [x](command:y) $(alert).md': '# Beds\n' },
    })
    id = await openAndList(other.link)
  })

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  it('is copied from its row, from the Explorer and from its tab', async () => {
    const path = '/beds/tomatoes.md' as DrivePath
    for (const given of [{ id, path, ask: false }, toShareUri({ id, path })]) {
      const link = await run<string>('peerfold.copyLink', given)
      assert.equal(await vscode.env.clipboard.readText(), link)
      assert.ok(link.startsWith(`${vscode.env.uriScheme}://peerfold.peerfold/open/pf`))
      assert.deepEqual(parseLink(link), { ok: true, link: { ...linkOf(other.link), path } })
    }
  })

  it('says of a folder that it is one, and of the whole share nothing', async () => {
    const folder = await run<string>('peerfold.copyLink', { id, path: '/beds', ask: false })
    assert.deepEqual(parseLink(folder), { ok: true, link: { ...linkOf(other.link), path: '/beds/' } })
    const share = await run<string>('peerfold.copyLink', { id, path: '/', ask: false })
    assert.deepEqual(parseLink(share), { ok: true, link: linkOf(other.link) })
  })

  it('opens the file in a tab, whatever it is called', async () => {
    for (const path of ['/beds/tomatoes.md', '/beds/zoë’s [x](command:y) $(alert).md']) {
      await run('peerfold.openLink', `Have a look: ${linkTo(other.link, path)}!`)
      await untilShown(uri => fromShareUri(uri)?.id === id && fromShareUri(uri)?.path === path)
    }
  })

  it('opens the file of the version that it means, of which any number in it tells', async () => {
    await run('peerfold.openLink', linkTo(other.link, '/README.md', 1))
    await untilShown(
      uri => fromShareUri(uri)?.path === '/README.md' && fromShareUri(uri)?.version !== undefined,
    )
  })

  it('opens nothing for a folder, or where the share has nothing of that name', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await run('peerfold.openLink', linkTo(other.link, '/beds/'))
    await run('peerfold.openLink', linkTo(other.link, '/beds/gone.md'))
    await run('peerfold.openLink', linkTo(other.link, '/README.md'))
    await untilShown(uri => fromShareUri(uri)?.path === '/README.md')
    assert.equal(vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length, 1)
  })

  it('is not made for what is not in the share', async () => {
    await assert.rejects(
      run('peerfold.copyLink', { id, path: '/beds/none.md', ask: false }),
      /“beds\/none\.md” is not in this share/,
    )
  })
})

describe('a link to a file or folder of a share of one’s own', () => {
  let folder: string
  let id: ShareId
  let link: string
  const at = (...path: readonly string[]) => vscode.Uri.file(join(folder, ...path))

  before(async () => {
    folder = await makeTree(join(temporaryFolder('mine'), 'cellar'), {
      'list.txt': 'jam\n',
      '.env': 'TOKEN=abc\n',
      shelves: { 'top.txt': 'honey\n' },
    })
    const published = await run<{ id: ShareId; link: string }>('peerfold.shareFolder', {
      source: folder,
      ask: false,
    })
    id = published.id
    link = published.link
  })

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await vscode.commands.executeCommand('peerfold.removeShare', { id, ask: false })
  })

  it('is copied from the file on the disk', async () => {
    const file = await run<string>('peerfold.copyLink', at('shelves', 'top.txt'))
    assert.deepEqual(parseLink(file), { ok: true, link: { ...linkOf(link), path: '/shelves/top.txt' } })
    const shelves = await run<string>('peerfold.copyLink', at('shelves'))
    assert.deepEqual(parseLink(shelves), { ok: true, link: { ...linkOf(link), path: '/shelves/' } })
    assert.equal(await run<string>('peerfold.copyLink', at()), link)
  })

  it('is copied of all that are selected, one a line', async () => {
    const selected = [at('list.txt'), at('shelves')]
    await vscode.commands.executeCommand('peerfold.copyLink', selected[0], selected)
    const links = (await vscode.env.clipboard.readText()).split('\n').map(text => linkOf(text).path)
    assert.deepEqual(links, ['/list.txt', '/shelves/'])
  })

  it('is not made for what is left out', async () => {
    await assert.rejects(
      run('peerfold.copyLink', { id, path: '/.env', ask: false }),
      /“\.env” is not in the share, so there is no link to it: it is left out/,
    )
  })

  it('opens the file on the disk, where it can be edited', async () => {
    await run('peerfold.openLink', linkTo(link, '/shelves/top.txt'))
    await untilShown(uri => uri.toString() === at('shelves', 'top.txt').toString())
  })

  it('opens no file that is left out of the share, though it lies there', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    await run('peerfold.openLink', linkTo(link, '/.env'))
    assert.deepEqual(
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs),
      [],
    )
  })
})

function linkOf(text: string) {
  const parsed = parseLink(text)
  assert.ok(parsed.ok)
  return parsed.link
}

function linkTo(share: string, path: string, version?: number): string {
  const link = { ...linkOf(share), path: path as DrivePath }
  return formatLink(version === undefined ? link : { ...link, version })
}

async function untilShown(isMeant: (uri: vscode.Uri) => boolean): Promise<void> {
  let subscription: vscode.Disposable | undefined
  const shown = new Promise<void>(resolve => {
    const look = () => {
      const uri = vscode.window.activeTextEditor?.document.uri
      if (uri !== undefined && isMeant(uri)) resolve()
    }
    subscription = vscode.window.onDidChangeActiveTextEditor(look)
    look()
  })
  await within(40_000, 'the file is shown', shown).finally(() => subscription?.dispose())
}
