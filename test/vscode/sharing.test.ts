import { strict as assert } from 'node:assert'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as vscode from 'vscode'
import type { ShareId } from '../../src/common/brand'
import { parseLink, shareIdOf } from '../../src/common/link'
import type { SkippedEntry } from '../../src/common/model'
import { makeTree, temporaryFolder } from '../support/folders'
import { run, untilState } from './otherPeer'

interface Published {
  readonly id: ShareId
  readonly link: string
}

describe('sharing a folder from the editor', () => {
  let folder: string
  let published: Published

  before(async () => {
    folder = await makeTree(join(temporaryFolder('mine'), 'my notes'), {
      'one.txt': 'first\n',
      '.env': 'TOKEN=abc\n',
      '.gitignore': 'ignored.log\n',
      'ignored.log': 'noise\n',
      sub: { 'two.txt': 'second\n' },
    })
    published = await run<Published>('peerfold.shareFolder', { source: folder, ask: false })
  })

  after(async () => {
    await vscode.commands.executeCommand('peerfold.removeShare', { id: published.id, ask: false })
  })

  it('gives a link that this editor opens, and puts it on the clipboard', async () => {
    const parsed = parseLink(published.link)
    assert.ok(parsed.ok)
    assert.equal(shareIdOf(parsed.link.key), published.id)
    assert.equal(parsed.link.name, 'my notes')
    assert.notEqual(parsed.link.encryptionKey, undefined, 'private by default')
    assert.ok(published.link.startsWith(`${vscode.env.uriScheme}://peerfold.peerfold/open/pf`))
    assert.equal(await vscode.env.clipboard.readText(), published.link)
  })

  it('leaves out what is ignored or looks like a secret, and says so', async () => {
    const skipped = await run<readonly SkippedEntry[]>('peerfold.showSkipped', {
      id: published.id,
      ask: false,
    })
    const reasons = Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))
    assert.equal(reasons['/.env'], 'secret-name')
    assert.equal(reasons['/ignored.log'], 'gitignore')
    const state = await untilState(
      ({ shares }) => shares.some(({ id }) => id === published.id),
      'it is shared',
    )
    const share = state.shares.find(({ id }) => id === published.id)
    assert.equal(share?.files, 3)
    assert.equal(share?.isPublic, false)
  })

  it('gives the same link when the folder is shared again', async () => {
    const again = await run<Published>('peerfold.shareFolder', { source: folder, ask: false })
    assert.deepEqual(again, published)
    assert.equal(await run<string>('peerfold.copyLink', { id: published.id, ask: false }), published.link)
  })

  it('stops and starts a share', async () => {
    const is = (kind: string) =>
      untilState(
        ({ shares }) => shares.some(({ id, status }) => id === published.id && status.kind === kind),
        `the share is ${kind}`,
      )
    await vscode.commands.executeCommand('peerfold.stopShare', published.id)
    await is('stopped')
    await vscode.commands.executeCommand('peerfold.startShare', published.id)
    await is('sharing')
  })

  it('says that a link of its own is shared from here', async () => {
    const opened = await run<{ id: ShareId; own: boolean }>('peerfold.openLink', {
      link: published.link,
      ask: false,
    })
    assert.deepEqual(opened, { id: published.id, own: true })
  })

  it('shows an own share’s files like anybody else’s', async () => {
    const uri = vscode.Uri.from({ scheme: 'peerfold', authority: published.id, path: '/sub/two.txt' })
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(uri)).toString(), 'second\n')
  })

  it('refuses a folder that is not on disk, naming the reason', async () => {
    const elsewhere = vscode.Uri.parse('memfs:/some/folder')
    await assert.rejects(
      run('peerfold.shareFolder', { source: elsewhere, ask: false }),
      /not on this machine’s disk \(it comes from “memfs:”\)/,
    )
  })

  it('refuses a folder that does not exist', async () => {
    const missing = join(temporaryFolder('mine'), 'nothing here')
    await assert.rejects(
      run('peerfold.shareFolder', { source: missing, ask: false }),
      /There is no folder or file to share/,
    )
  })

  it('shares a single file, and lets a secret in only by name', async () => {
    const secrets = temporaryFolder('mine')
    mkdirSync(join(secrets, 'app'))
    writeFileSync(join(secrets, 'app', '.env'), 'A=1\n')
    writeFileSync(join(secrets, 'app', 'main.txt'), 'x\n')
    const source = join(secrets, 'app')
    const withSecret = await run<Published>('peerfold.shareFolder', { source, allow: ['.env'], ask: false })
    const file = await run<Published>('peerfold.shareFile', { source: join(source, 'main.txt'), ask: false })
    const { shares } = await untilState(state => state.shares.length >= 3, 'both are shared')
    assert.equal(shares.find(({ id }) => id === withSecret.id)?.files, 2)
    assert.equal(shares.find(({ id }) => id === file.id)?.isFile, true)
    for (const { id } of [withSecret, file]) {
      await vscode.commands.executeCommand('peerfold.removeShare', { id, ask: false })
    }
  })
})
