/** Links and special files planted where the writer has to go. Each case looks at what lies outside as well. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { temporaryNameOf } from '../../src/peer/disk/temporary'
import { WriteError, type WriteErrorCode } from '../../src/peer/disk/writeErrors'
import { SafeWriter } from '../../src/peer/disk/writer'
import { selectPaths } from '../../src/peer/names/pathSet'
import { checkPath } from '../../src/peer/names/paths'
import type { LinkRefusal } from '../../src/peer/names/refusals'
import { rulesFor } from '../../src/peer/names/rules'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { atOnce } from '../support/atOnce'
import { attackGroup } from '../support/attacks'
import { temporaryFolder } from '../support/folders'
import { holds } from '../support/fuzz'

const PLAIN = { executable: false }
const EVIL = Buffer.from('evil')
const rules = rulesFor(process.platform)
const failure = (code: WriteErrorCode) => (error: unknown) =>
  error instanceof WriteError && error.code === code

let place: string
let root: string
let outside: string
let writer: SafeWriter

/** Names and contents of everything outside the target folder. */
function lookOutside(): string {
  const files = readdirSync(outside, { recursive: true, encoding: 'utf8' }).sort()
  const contents = files.map(file => {
    const path = join(outside, file)
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8') : ''
  })
  return JSON.stringify([readdirSync(place).sort(), files, contents])
}

/** Everything below the target folder that is no folder. */
function filesInside(): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
}

/** Runs an attack in a fresh target folder, then looks for harm outside and sees that a good file still arrives. */
async function attack(run: () => void | Promise<void>): Promise<void> {
  for (const holdFolders of process.platform === 'linux' ? [true, false] : [false]) {
    place = temporaryFolder('hostile')
    root = join(place, 'copy')
    outside = join(place, 'outside')
    mkdirSync(root)
    mkdirSync(join(outside, 'sub'), { recursive: true })
    for (const name of ['victim', 'sub/victim']) writeFileSync(join(outside, name), 'precious')
    writer = SafeWriter.open(root, rules, { holdFolders, retryDelaysMs: [] })
    const before = lookOutside()
    await run()
    writer.writeSmallSync(['good', 'file.txt'], Buffer.from('good'), PLAIN)
    await writer.close()
    assert.equal(readFileSync(join(root, 'good', 'file.txt'), 'utf8'), 'good')
    assert.equal(lookOutside(), before)
    assert.deepEqual(
      filesInside().filter(name => isTemporaryName(name.split(sep).at(-1) ?? '')),
      [],
    )
  }
}

const plant = (name: string, target: string) => symlinkSync(target, join(root, name))

attackGroup('writing through links', () => {
  it('a file below a link to a folder outside is not written', () =>
    attack(() => {
      plant('a', outside)
      assert.throws(() => writer.writeSmallSync(['a', 'victim'], EVIL, PLAIN), failure('outside'))
      assert.throws(() => writer.writeSmallSync(['a', 'new', 'deep'], EVIL, PLAIN), failure('outside'))
    }))

  it('nor below a link to a folder inside, for what it means may change', () =>
    attack(() => {
      mkdirSync(join(root, 'real'))
      plant('a', 'real')
      assert.throws(() => writer.writeSmallSync(['a', 'x'], EVIL, PLAIN), failure('outside'))
      assert.deepEqual(readdirSync(join(root, 'real')), [])
    }))

  it('a link further down the way is seen as well', () =>
    attack(() => {
      mkdirSync(join(root, 'a', 'b'), { recursive: true })
      plant('a/b/c', '../../../outside')
      assert.throws(
        () => writer.writeSmallSync(['a', 'b', 'c', 'sub', 'victim'], EVIL, PLAIN),
        failure('outside'),
      )
    }))

  it('a link put in the place of a folder that was written to before is seen', () =>
    attack(() => {
      writer.writeSmallSync(['a', 'b', 'one'], EVIL, PLAIN)
      execFileSync('mv', [join(root, 'a'), join(root, 'was')])
      plant('a', outside)
      assert.throws(() => writer.writeSmallSync(['a', 'sub', 'victim'], EVIL, PLAIN), failure('outside'))
      assert.throws(() => writer.stat(['a', 'victim']), failure('outside'))
    }))

  it('a link under the file’s own name is neither followed nor replaced', () =>
    attack(async () => {
      plant('f', join(outside, 'victim'))
      plant('dangling', join(outside, 'new'))
      for (const name of ['f', 'dangling']) {
        assert.throws(() => writer.writeSmallSync([name], EVIL, PLAIN), failure('exists'))
        await assert.rejects(writer.openLarge([name], { size: 4, executable: false }), failure('exists'))
      }
      assert.equal(writer.stat(['f'])?.kind, 'link')
    }))

  it('a link that appears while a large file is written is not followed', () =>
    attack(async () => {
      const file = await writer.openLarge(['d', 'f'], { size: 4, executable: false })
      await file.write(0, EVIL)
      symlinkSync(join(outside, 'victim'), join(root, 'd', 'f'))
      await assert.rejects(file.commit(), failure('exists'))
      await file.abort()
    }))

  it('a folder swapped for a link while a large file is written takes none of it outside', () =>
    attack(async () => {
      const file = await writer.openLarge(['d', 'victim'], {
        size: 4,
        executable: false,
        precondition: 'absent',
      })
      execFileSync('mv', [join(root, 'd'), join(root, 'was')])
      plant('d', outside)
      await file.write(0, EVIL)
      await assert.rejects(file.commit(), failure('busy'))
      // Where folders are not held, their temporary is out of reach now, and is swept.
      await file.abort()
      await writer.sweep()
    }))

  it('a temporary’s name planted as a link is not written through', () =>
    attack(async () => {
      plant(temporaryNameOf('t'), join(outside, 'victim'))
      const file = await writer.openLarge(['f'], { size: 4, executable: false, resumeToken: 't' })
      assert.equal(file.resumedSize, 0)
      await file.write(0, EVIL)
      await file.commit()
      assert.ok(lstatSync(join(root, 'f')).isFile())
    }))

  it('a temporary’s name planted as a second name of a file outside is not written to', () =>
    attack(async () => {
      linkSync(join(outside, 'victim'), join(root, temporaryNameOf('t')))
      const file = await writer.openLarge(['f'], { size: 8, executable: false, resumeToken: 't' })
      await file.write(0, Buffer.from('evilevil'))
      await file.commit()
    }))

  it('a file with a second name outside is replaced, not written into', () =>
    attack(() => {
      linkSync(join(outside, 'victim'), join(root, 'f'))
      writer.writeSmallSync(['f'], EVIL, PLAIN)
      assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'evil')
    }))

  it('a FIFO is not opened, which would wait for ever', function () {
    if (process.platform === 'win32') this.skip()
    return attack(async () => {
      execFileSync('mkfifo', [join(root, 'fifo'), join(root, temporaryNameOf('t'))])
      assert.throws(() => writer.writeSmallSync(['fifo'], EVIL, PLAIN), failure('exists'))
      assert.throws(() => writer.writeSmallSync(['fifo', 'x'], EVIL, PLAIN), failure('exists'))
      await assert.rejects(writer.remove(['fifo']), failure('exists'))
      const file = await writer.openLarge(['f'], { size: 0, executable: false, resumeToken: 't' })
      await file.commit()
    })
  })

  it('components that lead upwards are refused by the writer itself', () =>
    attack(async () => {
      for (const segments of [
        ['..', 'outside', 'victim'],
        ['a', '..', '..', 'x'],
        ['../x'],
        ['.'],
        [''],
        [],
        ['a\0'],
      ]) {
        assert.throws(() => writer.writeSmallSync(segments, EVIL, PLAIN), failure('name'))
        await assert.rejects(writer.remove(segments), failure('name'))
        assert.throws(() => writer.stat(segments), failure('name'))
      }
    }))
})

attackGroup('removing through links', () => {
  it('a file below a link to a folder outside is not removed', () =>
    attack(async () => {
      plant('a', outside)
      await assert.rejects(writer.remove(['a', 'victim']), failure('outside'))
      await assert.rejects(writer.remove(['a', 'sub', 'victim']), failure('outside'))
    }))

  it('a link is removed itself, and not what it points to', () =>
    attack(async () => {
      plant('f', join(outside, 'victim'))
      plant('d', outside)
      assert.equal(await writer.remove(['f']), true)
      assert.equal(await writer.remove(['d']), true)
    }))

  it('empty folders outside stay when a link leads to them', () =>
    attack(async () => {
      mkdirSync(join(outside, 'empty'))
      plant('a', outside)
      await assert.rejects(writer.removeEmptyFolders(['a', 'empty']), failure('outside'))
      assert.ok(lstatSync(join(outside, 'empty')).isDirectory())
      execFileSync('rmdir', [join(outside, 'empty')])
    }))

  it('a sweep follows no link', () =>
    attack(async () => {
      const bait = join(outside, temporaryNameOf('bait'))
      writeFileSync(bait, 'precious')
      plant('a', outside)
      plant(temporaryNameOf('link'), outside)
      assert.equal(await writer.sweep([], ['bait', 'link']), 1)
      assert.equal(readFileSync(bait, 'utf8'), 'precious')
      execFileSync('rm', [bait])
    }))
})

attackGroup('links that a share brings', () => {
  const refused = (reason: LinkRefusal, target: string, at = ['d', 'link']) => {
    it(`${at.join('/')} → ${JSON.stringify(target.slice(0, 30))} is not made: ${reason}`, () =>
      attack(() => {
        writer.writeSmallSync(['d', 'file'], EVIL, PLAIN)
        plant('users-own', outside)
        plant('d/loop1', 'loop2')
        plant('d/loop2', 'loop1')
        plant('d/up', '../../outside')
        mkdirSync(join(root, 'x/outside'), { recursive: true })
        plant('d/deep', '../x/y/z/w')
        mkdirSync(join(root, 'x/y/z/w'), { recursive: true })
        assert.deepEqual(writer.makeLink(at, target), { ok: false, reason })
        assert.equal(writer.stat(at), undefined)
      }))
  }
  refused('link-empty', '')
  refused('link-absolute', '/etc/passwd')
  // Elsewhere these name a file beside the link, and there is none.
  const onWindows = process.platform === 'win32' ? 'link-absolute' : 'link-dangling'
  refused(onWindows, 'C:\\Windows')
  refused(onWindows, 'c:x')
  refused(onWindows, '\\\\srv\\share')
  refused(onWindows, '\\??\\C:\\x')
  refused('link-outside', '..', ['link'])
  refused('link-outside', '../../outside/victim')
  refused('link-outside', '../d/../../copy/d/file')
  refused('link-outside', '../users-own/victim')
  refused('link-outside', 'up/victim')
  refused('link-outside', 'up')
  refused('link-outside', 'deep/../../../outside') // Inside for the kernel, outside for who reckons with its text.
  refused('link-dangling', 'missing')
  refused('link-dangling', 'file/x')
  refused('link-dangling', '../d/missing/..')
  refused('link-loop', 'link')
  refused('link-loop', 'loop1')
  refused('link-loop', '.')
  refused('link-loop', '..')
  refused('link-loop', '../d')
  refused('link-loop', 'link/../file')
  refused('link-bad-target', 'a\0b')
  refused('link-bad-target', 'a\nb')
  refused('link-bad-target', `${'a/'.repeat(3000)}b`)
  refused('link-bad-target', '.peerfold-0123456789abcdef.part')

  it('a link below a link is not made', () =>
    attack(() => {
      plant('a', outside)
      writer.writeSmallSync(['file'], EVIL, PLAIN)
      assert.throws(() => writer.makeLink(['a', 'link'], '../file'), failure('outside'))
    }))

  it('the known attack, link first and file through it, writes nothing outside', () =>
    attack(() => {
      assert.equal(writer.makeLink(['a'], '../outside').ok, false)
      writer.writeSmallSync(['a', 'victim'], EVIL, PLAIN)
      assert.ok(lstatSync(join(root, 'a')).isDirectory())
    }))
})

attackGroup('made-up shares on a real disk', () => {
  it('whatever a path is made of, nothing appears outside and every accepted file arrives', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '...',
        'a',
        'A',
        'b',
        'link',
        '\\',
        'C:',
        '\0',
        '\u202e',
        '\ud800',
        'ü',
        'e\u0301',
      ),
      fc.constantFrom('%2e%2e', '..%2f', '~', '$HOME', '-rf', 'COM1 ', 'x:y', 'a.', '\u{1f600}', '__proto__'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    const path = fc
      .array(
        fc.array(piece, { maxLength: 2 }).map(pieces => pieces.join('')),
        { minLength: 1, maxLength: 4 },
      )
      .map(names => `/${names.join('/')}`)
    await attack(() => {
      plant('link', outside)
      plant('a', '../outside')
      let at = 0
      holds(
        'paths on disk',
        fc.property(path, drivePath => {
          const decision = checkPath(drivePath, rules)
          if (!decision.ok) return
          const segments = [`case${at++ % 50}`, ...decision.segments]
          try {
            writer.writeSmallSync(decision.segments, EVIL, PLAIN)
          } catch (error) {
            assert.ok(
              error instanceof WriteError && ['outside', 'exists'].includes(error.code),
              String(error),
            )
          }
          try {
            writer.writeSmallSync(segments, EVIL, PLAIN)
          } catch (error) {
            assert.ok(failure('exists')(error), String(error))
            return
          }
          assert.equal(readFileSync(join(root, ...segments), 'utf8'), 'evil')
        }),
        5000, // Once with folders held and once without.
      )
    })
  })

  it('the accepted paths of a share can all be written beside each other', () =>
    attack(() => {
      const name = fc.constantFrom('a', 'A', 'b', 'é', 'e\u0301', '..', 'CON', 'x ')
      const paths = fc.uniqueArray(
        fc.array(name, { minLength: 1, maxLength: 3 }).map(names => `/${names.join('/')}`),
        {
          maxLength: 8,
        },
      )
      let at = 0
      holds(
        'shares on disk',
        fc.property(paths, share => {
          const top = `share${at++}`
          for (const { segments } of atOnce(selectPaths(share, rules)).accepted) {
            writer.writeSmallSync([top, ...segments], EVIL, { ...PLAIN, precondition: 'absent' })
          }
        }),
        1000,
      )
    }))

  it('whatever a link says, what is made ends inside', () =>
    attack(() => {
      for (const segments of [['f'], ['d', 'f'], ['d', 'e', 'f']])
        writer.writeSmallSync(segments, EVIL, PLAIN)
      plant('own', '../outside')
      plant('d/own', outside)
      const inside = realpathSync(root) + sep
      const piece = fc.constantFrom(
        '..',
        '.',
        'd',
        'e',
        'f',
        'own',
        'l0',
        'l1',
        'l2',
        'l3',
        '',
        '/',
        'copy',
        'outside',
      )
      const folder = fc.constantFrom<string[]>([], ['d'], ['d', 'e'])
      let made = 0
      holds(
        'links on disk',
        fc.property(folder, fc.nat(3), fc.array(piece, { maxLength: 6 }), (above, number, pieces) => {
          const segments = [...above, `l${number}`]
          const old = writer.stat(segments)
          const result = writer.makeLink(segments, pieces.join('/'), old ?? 'absent')
          if (!result.ok) return
          made++
          const end = realpathSync.native(join(root, ...segments))
          assert.ok(end.startsWith(inside), `${segments.join('/')} → ${pieces.join('/')} ends at ${end}`)
          // Programs that reckon with the text of a link alone, as Node itself does, must not be led astray either.
          const reckoned = resolve(root, ...above, pieces.join('/')) + sep
          assert.ok(
            reckoned.startsWith(root + sep),
            `${segments.join('/')} → ${pieces.join('/')} by its text`,
          )
        }),
        5000,
      )
      assert.ok(made > 100, `only ${made} were made`)
    }))
})
