import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import * as vscode from 'vscode'
import type { DriveKey, DrivePath, EncryptionKey } from '../../src/common/brand'
import { formatLink, shareIdOf } from '../../src/common/link'
import { shownName } from '../../src/editor/files/shareAddress'
import { fromShareUri, nameInUri, toShareUri } from '../../src/editor/files/shareUri'
import { readLinkUri } from '../../src/editor/links/uriHandler'
import { holds } from '../support/fuzz'
import { run, within } from './otherPeer'

const key = '1f'.repeat(32) as DriveKey
const id = shareIdOf(key)

describe('addresses of files in shares', () => {
  it('survive the way there and back, whatever the name', () => {
    for (const path of ['/', '/a', '/ü/emoji 🙂/50%25 #1?.txt', '/a b/c\\d', '/ /x']) {
      const uri = toShareUri({ id, path: path as DrivePath })
      assert.deepEqual(fromShareUri(vscode.Uri.parse(uri.toString(), true)), { id, path })
    }
  })

  it('survive the way there and back under any name that a share has, and are written in one way', () => {
    const names = fc.string({ unit: 'binary', maxLength: 60 })
    const part = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(text => !/^\.\.?$|[/\0]/.test(text))
    const property = fc.property(names, fc.array(part, { maxLength: 3 }), (called, parts) => {
      const path = `/${parts.join('/')}` as DrivePath
      const uri = toShareUri({ id, path }, shownName(called))
      const again = vscode.Uri.parse(uri.toString(), true)
      assert.deepEqual(fromShareUri(again), { id, path })
      assert.equal(again.toString(), uri.toString())
      assert.equal(nameInUri(again), shownName(called))
    })
    holds('addresses in VS Code', property, 100)
  })

  it('tell nothing of the key that reads', () => {
    assert.ok(
      !toShareUri({ id, path: '/' as DrivePath })
        .toString()
        .includes(key.slice(0, 8)),
    )
  })

  it('are not read from other schemes, malformed ids, or paths that climb', () => {
    const { parse } = vscode.Uri
    for (const bad of [`file://${id}/a`, 'peerfold://short/a', `peerfold://${id}l/a`, 'peerfold:/a']) {
      assert.equal(fromShareUri(parse(bad)), undefined, bad)
    }
    for (const path of ['/a/../b', '/./a', '/a//b', '/..', '/a/\0']) {
      assert.equal(
        fromShareUri(vscode.Uri.from({ scheme: 'peerfold', authority: id, path })),
        undefined,
        path,
      )
    }
  })
})

describe('the address of a file in a share that was opened a moment ago', () => {
  it('carries the name of the share already, of which a tab would say nothing else for ever', async () => {
    const link = formatLink({ key, name: 'notes', isFile: false })
    await run('peerfold.openLink', { link, ask: false })
    try {
      const compared = tabThat(({ input }) => input instanceof vscode.TabInputTextDiff)
      const entry = { id, path: '/plan.md', version: 1 }
      // Nobody has it, so the tab stays empty.
      vscode.commands.executeCommand('peerfold.compareWithNow', entry).then(undefined, () => undefined)
      const { input } = await within(20_000, 'the comparison shows', compared)
      assert.ok(input instanceof vscode.TabInputTextDiff)
      assert.equal(nameInUri(input.modified), 'notes')
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors')
      await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    }
  })
})

describe('links that the editor is asked to open', () => {
  const link = formatLink({
    key,
    encryptionKey: '2e'.repeat(32) as EncryptionKey,
    name: 'notes',
    isFile: false,
  })

  it('are read with any editor’s scheme', () => {
    for (const scheme of ['vscode', 'vscode-insiders', 'code-oss']) {
      const read = readLinkUri(vscode.Uri.parse(link.replace(/^vscode/, scheme)))
      assert.ok(read.ok)
      assert.equal(read.link, link.replace(/^vscode/, scheme))
    }
  })

  it('keep what they point at', () => {
    const path = '/beds/zoë’s.md' as DrivePath
    const deep = formatLink({ key, name: 'notes', isFile: false, path, version: 7 })
    const read = readLinkUri(vscode.Uri.parse(`${deep}?utm_source=mail`))
    assert.deepEqual(read, { ok: true, link: deep })
  })

  it('are refused with a reason when they are anything else', () => {
    const paths = [
      '',
      '/',
      '/open',
      '/open/',
      '/open/pf',
      `/open/${'y'.repeat(100_000)}`,
      '/open/../../x',
      '/run/pfabc',
    ]
    for (const path of [...paths, link.slice(link.indexOf('/open'), -1)]) {
      const read = readLinkUri(vscode.Uri.from({ scheme: 'vscode', authority: 'peerfold.peerfold', path }))
      assert.ok(!read.ok && read.message.length > 20, path.slice(0, 40))
    }
  })
})

async function tabThat(isMeant: (tab: vscode.Tab) => boolean): Promise<vscode.Tab> {
  return new Promise(resolve => {
    const subscription = vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
      const found = opened.find(isMeant)
      if (found === undefined) return
      subscription.dispose()
      resolve(found)
    })
  })
}
