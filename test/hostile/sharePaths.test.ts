/**
 * Shares whose entries attack by their paths, links and values: made by hand, served by the stock swarm, received by
 * the real peer process and the real command. Nothing may happen outside the folder of the copy, and the good files
 * beside the bad ones must arrive.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { TransferResult } from '../../src/common/model'
import { attackGroup, shown } from '../support/attacks'
import { temporaryFolder } from '../support/folders'
import { type HostileDrive, HostilePublisher } from '../support/hostileDrive'
import type { PeerProcess } from '../support/peerProcess'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

/** What begins another tree on Windows. Elsewhere these are names, and stay below the target like all others. */
const OTHER_TREES_OF_WINDOWS: readonly (readonly [path: string, reason: string])[] = [
  ['/C:', 'drive-letter'],
  ['/D:/Windows/win.ini', 'drive-letter'],
  ['/C:x', 'drive-letter'],
  ['/\\\\server\\share\\x', 'network-path'],
  ['/\\\\?\\C:\\x', 'device-path'],
  ['/\\??\\C:\\x', 'device-path'],
]

/** Paths that this system may not take, with the reason that is told. */
const REFUSED: readonly (readonly [path: string, reason: string])[] = [
  ['/../outside.txt', 'parent-component'],
  ['/../../../../../../tmp/outside.txt', 'parent-component'],
  ['/inner/../../outside.txt', 'parent-component'],
  ['/inner/../dotted.txt', 'parent-component'],
  ['/..', 'parent-component'],
  ['//double.txt', 'empty-component'],
  ['/inner//double.txt', 'empty-component'],
  ['/./dot.txt', 'current-component'],
  ['/inner/./dot.txt', 'current-component'],
  ['/folder/', 'empty-component'],
  ...(process.platform === 'win32' ? OTHER_TREES_OF_WINDOWS : []),
  ['/nul\0.txt', 'control-character'],
  ['/new\nline.txt', 'control-character'],
  ['/es\u001b[2Jc.txt', 'control-character'],
  ['/csi\u009b31m.txt', 'control-character'],
  ['/bidi\u202Egpj.exe', 'bidi'],
  ['/isolate\u2066x', 'bidi'],
  [`/${'x'.repeat(300)}`, 'component-too-long'],
  [`/${'é'.repeat(200)}`, 'component-too-long'],
  [`/${'long/'.repeat(1_000)}x`, 'path-too-long'],
  [`/${'d/'.repeat(1_000)}x`, 'too-deep'],
  ['/clash/below.txt', 'file-beside-folder'],
]

/** Keys that are no path at all: left out before anything looks at them. */
const NO_PATHS = ['', '/', 'relative.txt', '../relative.txt', 'C:\\x', `/${'y'.repeat(20_000)}`]

/** Names that look strange and are good on this system. */
const GOOD = [
  '/good.txt',
  '/inner/good.txt',
  '/clash',
  '/__proto__',
  '/constructor/toString',
  '/…/...',
  '/-rf',
  '/%2e%2e/%2fetc',
  '/<img src=x onerror=alert(1)>',
  '/$(rm -rf ~)',
  '/`id`',
  '/family 👨‍👩‍👧‍👦.txt',
  '/سلام‌ها.txt',
  '/zero\u200bwidth.txt',
  ...(process.platform === 'linux'
    ? ['/aux.c', '/a\\b.txt', '/x.txt:stream', '/trailing. ', '/PROGRA~1', '/Case', '/case', '/ß', '/SS']
    : []),
  ...(process.platform === 'win32' ? [] : OTHER_TREES_OF_WINDOWS.map(([path]) => path)),
]

attackGroup('hostile paths', () => {
  const people = withPeople()
  let publisher: HostilePublisher
  let drive: HostileDrive
  let peer: PeerProcess
  let arena: string
  let id: ShareId
  let result: TransferResult

  before(async () => {
    publisher = await HostilePublisher.start(people.bootstrap)
    drive = await publisher.drive()
    for (const [path] of REFUSED) await drive.file(path, `evil ${path}`)
    for (const path of NO_PATHS) await drive.file(path, 'evil')
    await drive.bytesKey(Buffer.from([0x2f, 0xff, 0xfe, 0x2e]), { blob: await drive.blob('evil') })
    await drive.bytesKey(Buffer.from([0x2f, 0xed, 0xa0, 0x80]), { blob: await drive.blob('evil') })
    for (const path of GOOD) await drive.file(path, `good ${path}`)
    await publisher.serve(drive)

    arena = temporaryFolder('arena')
    writeFileSync(join(arena, 'outside.txt'), 'mine')
    writeFileSync(join(arena, 'dotted.txt'), 'mine')
    mkdirSync(join(arena, 'target'))
    peer = await people.process()
    id = await peer.open(drive.link)
    result = await peer.copy(id, join(arena, 'target'))
  })
  after(() => publisher?.close())

  const inTarget = (path: string) => join(arena, 'target', ...path.split('/'))

  it('leave everything outside the copy as it was', () => {
    assert.deepEqual(readdirSync(arena).sort(), ['dotted.txt', 'outside.txt', 'target'])
    assert.equal(readFileSync(join(arena, 'outside.txt'), 'utf8'), 'mine')
    assert.equal(readFileSync(join(arena, 'dotted.txt'), 'utf8'), 'mine')
    assert.throws(() => statSync('/tmp/outside.txt'))
  })

  for (const path of GOOD) {
    it(`let ${shown(path)} through`, () => {
      assert.equal(readFileSync(inTarget(path), 'utf8'), `good ${path}`)
    })
  }

  for (const [path, reason] of REFUSED) {
    it(`refuse ${shown(path)} as ${reason}`, () => {
      assert.equal(result.skipped.find(skipped => skipped.path === path)?.reason, reason)
    })
  }

  it('write nothing else', () => {
    const found = readdirSync(join(arena, 'target'), { recursive: true, withFileTypes: true })
    const files = found.filter(entry => !entry.isDirectory())
    const invalid = files.filter(({ name }) => name.includes('\ufffd'))
    assert.equal(files.length - invalid.length, GOOD.length)
    assert.equal(result.files, files.length)
  })

  it('are no way out of the listing of the editor', async () => {
    const children = await peer.request('fs.list', { id, path: '/' as DrivePath })
    const names = children.map(({ name }) => name)
    for (const name of ['', '.', '..', 'C:\\x', 'relative.txt']) assert.ok(!names.includes(name), name)
    for (const name of ['good.txt', '__proto__', 'constructor']) assert.ok(names.includes(name), name)
    for (const path of ['/../outside.txt', '/..', '//double.txt', '/inner/../dotted.txt', '/./dot.txt']) {
      const stat = peer.request('fs.stat', { id, path: path as DrivePath })
      await assert.rejects(stat, { code: 'file-not-found' }, path)
    }
  })

  it('come to a terminal as plain text', async () => {
    const listed = await peerfold(['ls', drive.link], peer.options)
    assert.equal(listed.code, 0, listed.stderr.join('\n'))
    assert.ok(listed.stdout.includes('good.txt'))
    for (const line of [...listed.stdout, ...listed.stderr])
      assert.doesNotMatch(line, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
  })

  it('are counted for scripts, and the command ends well', async () => {
    const copy = temporaryFolder('copy')
    const got = await peerfold(['get', drive.link, copy, '--json'], peer.options)
    assert.equal(got.code, 4, got.stderr.join('\n'))
    const done = got.events.at(-1)
    assert.equal(done?.event, 'done')
    assert.equal(done?.skippedCount, result.skippedCount)
    assert.equal(readFileSync(join(copy, 'good.txt'), 'utf8'), 'good /good.txt')
  })
})
