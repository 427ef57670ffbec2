import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { probeRules } from '../../src/peer/disk/probe'
import { Ranges } from '../../src/peer/disk/ranges'
import { freshTemporaryName, isOfToken, temporaryNameOf } from '../../src/peer/disk/temporary'
import { WriteError, type WriteErrorCode } from '../../src/peer/disk/writeErrors'
import { SafeWriter } from '../../src/peer/disk/writer'
import { rulesFor } from '../../src/peer/names/rules'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { temporaryFolder } from '../support/folders'
import { holds } from '../support/fuzz'

const PLAIN = { executable: false }
/** A number of seconds can be a little less than any of these. */
const milliseconds = Array.from({ length: 40 }, (_, at) => 1_795_401_234_001 + 3_333 * at)
const bytes = (text: string) => Buffer.from(text)
const failure = (code: WriteErrorCode) => (error: unknown) =>
  error instanceof WriteError && error.code === code

for (const holdFolders of process.platform === 'linux' ? [true, false] : [false]) {
  describe(`the safe writer, ${holdFolders ? 'holding folders open' : 'looking at folders before and after'}`, () => {
    let root: string
    let writer: SafeWriter
    const at = (...segments: string[]) => join(root, ...segments)
    const read = (...segments: string[]) => readFileSync(at(...segments), 'utf8')
    const open = () => SafeWriter.open(root, rulesFor(process.platform), { holdFolders, retryDelaysMs: [] })

    beforeEach(() => {
      root = temporaryFolder('writer')
      writer = open()
    })
    afterEach(() => writer.close())

    describe('small files', () => {
      it('are written with the folders above them, their time and their executable bit', () => {
        const mark = writer.writeSmallSync(['a', 'b', 'run.sh'], bytes('#!'), {
          executable: true,
          mtimeMs: 1.7e12,
        })
        writer.writeSmallSync(['a', 'b', 'empty'], bytes(''), PLAIN)
        assert.equal(read('a', 'b', 'run.sh'), '#!')
        assert.equal(Math.floor(mark.mtimeMs), 1.7e12)
        const {
          kind,
          executable,
          birthtimeMs: _,
          ...stat
        } = writer.stat(['a', 'b', 'run.sh']) ?? assert.fail()
        assert.deepEqual(stat, mark)
        assert.deepEqual([kind, executable], ['file', true])
        assert.equal(writer.stat(['a', 'b', 'empty'])?.executable, false)
        assert.deepEqual(readdirSync(at('a', 'b')).sort(), ['empty', 'run.sh'])
      })

      it('have the time of their entry to the millisecond, whichever that is: by it a copy knows them again', () => {
        for (const mtimeMs of milliseconds) {
          const mark = writer.writeSmallSync([`${mtimeMs}`], bytes('x'), { ...PLAIN, mtimeMs })
          assert.equal(Math.floor(mark.mtimeMs), mtimeMs)
        }
      })

      it('that are large are closed once they are whole, and placed later', async () => {
        const open = () => readdirSync('/proc/self/fd').length
        const large = (name: string) => writer.openLarge([name], { size: 1, executable: false })
        const whole = [await large('0')]
        const before = process.platform === 'linux' ? open() : 0
        for (let n = 1; n < 20; n++) whole.push(await large(`${n}`))
        for (const file of whole) {
          await file.write(0, bytes('x'))
          await file.finish()
        }
        if (process.platform === 'linux') assert.ok(open() < before, `${open()} are open, ${before} before`)
        for (const file of whole) await file.commit()
        assert.equal(read('19'), 'x')
      })

      it('of a name of 255 bytes are written, for temporaries have names of their own', () => {
        const name = `${'ü'.repeat(127)}x`
        writer.writeSmallSync([name], bytes('long'), PLAIN)
        assert.equal(read(name), 'long')
      })

      it('replace a file only if it is the one that is expected', () => {
        const mark = writer.writeSmallSync(['f'], bytes('one'), { ...PLAIN, precondition: 'absent' })
        const next = writer.writeSmallSync(['f'], bytes('two'), { ...PLAIN, precondition: mark })
        assert.equal(read('f'), 'two')
        writeFileSync(at('f'), 'mine')
        for (const precondition of ['absent', mark, next] as const) {
          assert.throws(
            () => writer.writeSmallSync(['f'], bytes('x'), { ...PLAIN, precondition }),
            failure('changed'),
          )
        }
        rmSync(at('f'))
        assert.throws(
          () => writer.writeSmallSync(['f'], bytes('x'), { ...PLAIN, precondition: next }),
          failure('changed'),
        )
        assert.deepEqual(readdirSync(root), [])
      })

      it('never widen who may read a file they replace', () => {
        writeFileSync(at('secret'), 'old')
        chmodSync(at('secret'), 0o600)
        writer.writeSmallSync(['secret'], bytes('new'), { executable: true })
        assert.equal(lstatSync(at('secret')).mode & 0o777, 0o700)
      })

      it('do not take the place of a folder, nor a folder that of a file', () => {
        mkdirSync(at('folder'))
        writeFileSync(at('file'), 'mine')
        assert.throws(() => writer.writeSmallSync(['folder'], bytes('x'), PLAIN), failure('exists'))
        assert.throws(() => writer.writeSmallSync(['file', 'x'], bytes('x'), PLAIN), failure('exists'))
        assert.equal(read('file'), 'mine')
      })

      it('come through when the user moves or removes their folder in between', () => {
        writer.writeSmallSync(['a', 'b', '1'], bytes('1'), PLAIN)
        renameSync(at('a'), at('moved'))
        writer.writeSmallSync(['a', 'b', '2'], bytes('2'), PLAIN)
        rmSync(at('a'), { recursive: true })
        writer.writeSmallSync(['a', 'b', '3'], bytes('3'), PLAIN)
        assert.deepEqual(readdirSync(at('a', 'b')), ['3'])
        assert.deepEqual(readdirSync(at('moved', 'b')), ['1'])
      })

      it('are not written into a target folder that is gone, even if another has its name', () => {
        writer.writeSmallSync(['a', '1'], bytes('1'), PLAIN)
        renameSync(root, `${root}-away`)
        assert.throws(() => writer.writeSmallSync(['a', '2'], bytes('2'), PLAIN), failure('vanished'))
        mkdirSync(root)
        assert.throws(() => writer.writeSmallSync(['b'], bytes('2'), PLAIN), failure('vanished'))
        assert.deepEqual(readdirSync(root), [])
        assert.deepEqual(readdirSync(`${root}-away/a`), ['1'])
        rmSync(`${root}-away`, { recursive: true })
      })
    })

    describe('large files', () => {
      it('are written in any order and appear whole or not at all', async () => {
        const content = bytes('0123456789'.repeat(100))
        const file = await writer.openLarge(['big', 'file.bin'], {
          size: 1000,
          executable: true,
          mtimeMs: 1.6e12,
        })
        await Promise.all([700, 0, 300].map(start => file.write(start, content.subarray(start, start + 300))))
        await assert.rejects(file.commit(), failure('length'))
        assert.equal(existsSync(at('big', 'file.bin')), false)
        await file.write(600, content.subarray(600, 700))
        const mark = await file.commit()
        assert.deepEqual(readFileSync(at('big', 'file.bin')), content)
        const { birthtimeMs: _, ...stat } = writer.stat(['big', 'file.bin']) ?? assert.fail()
        assert.deepEqual(stat, { ...mark, kind: 'file', executable: true })
      })

      it('have the time of their entry to the millisecond', async () => {
        for (const mtimeMs of milliseconds) {
          const file = await writer.openLarge([`${mtimeMs}`], { size: 1, executable: false, mtimeMs })
          await file.write(0, bytes('x'))
          assert.equal(Math.floor((await file.commit()).mtimeMs), mtimeMs)
        }
      })

      it('are not longer than announced, and not in two hands at once', async () => {
        const options = { size: 10, executable: false, resumeToken: 't' }
        const file = await writer.openLarge(['f'], options)
        await assert.rejects(file.write(8, bytes('abc')), failure('length'))
        await assert.rejects(file.write(-1, bytes('abc')), failure('length'))
        await assert.rejects(writer.openLarge(['f'], options), failure('busy'))
        await file.abort()
        assert.deepEqual(readdirSync(root), [])
      })

      it('go on where they stopped', async () => {
        const options = { size: 6, executable: true, resumeToken: 'share/path@7' }
        const first = await writer.openLarge(['f'], { ...options, executable: false })
        await first.write(0, bytes('abc'))
        await writer.close()
        assert.deepEqual(readdirSync(root), [temporaryNameOf('share/path@7')])

        writer = open()
        const second = await writer.openLarge(['f'], options)
        assert.equal(second.resumedSize, 3)
        assert.equal((await second.read(0, 6)).toString(), 'abc')
        assert.throws(() => second.markPresent(0, 4), failure('length'))
        second.markPresent(0, 3)
        await second.write(3, bytes('def'))
        await second.commit()
        assert.equal(read('f'), 'abcdef')
        assert.equal(writer.stat(['f'])?.executable, true)
      })

      it('start anew when what lies under their temporary’s name cannot be continued', async () => {
        const name = temporaryNameOf('t')
        writeFileSync(at(name), 'longer than announced')
        const file = await writer.openLarge(['f'], { size: 3, executable: false, resumeToken: 't' })
        assert.equal(file.resumedSize, 0)
        await file.write(0, bytes('abc'))
        await file.commit()
        assert.equal(read('f'), 'abc')
      })

      it('land beside a file that the user changed meanwhile, without being copied again', async () => {
        const precondition = writer.writeSmallSync(['d', 'f'], bytes('old'), PLAIN)
        const file = await writer.openLarge(['d', 'f'], { size: 3, executable: false, precondition })
        await file.write(0, bytes('new'))
        writeFileSync(at('d', 'f'), 'mine!')
        await assert.rejects(file.commit(), failure('changed'))
        await file.commit('f.conflict')
        assert.equal(read('d', 'f'), 'mine!')
        assert.equal(read('d', 'f.conflict'), 'new')
        assert.equal(readdirSync(at('d')).length, 2)
      })

      it('that the disk cannot hold are refused before a byte is written', async () => {
        const options = { size: Number.MAX_SAFE_INTEGER, executable: false }
        await assert.rejects(writer.openLarge(['f'], options), failure('no-space'))
        assert.deepEqual(readdirSync(root), [])
      })
    })

    describe('removing', () => {
      it('takes a file only if it is the one that is expected, and empty folders after it', async () => {
        const mark = writer.writeSmallSync(['a', 'b', 'f'], bytes('one'), PLAIN)
        writer.writeSmallSync(['a', 'kept'], bytes('x'), PLAIN)
        await assert.rejects(writer.remove(['a', 'b', 'f'], { ...mark, size: 4 }), failure('changed'))
        await assert.rejects(writer.remove(['a', 'b']), failure('exists'))
        assert.equal(await writer.remove(['a', 'b', 'f'], mark), true)
        assert.equal(await writer.remove(['a', 'b', 'f'], mark), false)
        assert.equal(await writer.remove(['no', 'such', 'file']), false)
        await writer.removeEmptyFolders(['a', 'b'])
        assert.deepEqual(readdirSync(at('a')), ['kept'])
      })
    })

    describe('links', () => {
      it('are made when they end inside the copy, also by way of other links', () => {
        writer.writeSmallSync(['lib', 'so.1.2'], bytes('x'), PLAIN)
        assert.deepEqual(writer.makeLink(['lib', 'so.1'], 'so.1.2'), { ok: true })
        assert.deepEqual(writer.makeLink(['lib', 'so'], 'so.1'), { ok: true })
        assert.deepEqual(writer.makeLink(['bin', 'so'], '../lib/./so'), { ok: true })
        assert.equal(readlinkSync(at('bin', 'so')), '../lib/./so')
        assert.equal(read('bin', 'so'), 'x')
        assert.deepEqual(writer.makeLink(['bin', 'so'], '../lib/./so'), { ok: true }, 'a second time')
      })

      it('replace only the link that is expected', () => {
        writer.writeSmallSync(['a'], bytes('a'), PLAIN)
        writer.writeSmallSync(['b'], bytes('b'), PLAIN)
        writer.makeLink(['l'], 'a')
        assert.throws(() => writer.makeLink(['l'], 'b'), failure('changed'))
        assert.throws(() => writer.makeLink(['a'], 'b'), failure('changed'))
        const mark = writer.stat(['l']) ?? assert.fail()
        assert.equal(mark.kind, 'link')
        assert.deepEqual(writer.makeLink(['l'], 'b', mark), { ok: true })
        assert.equal(read('l'), 'b')
        assert.deepEqual(readdirSync(root).sort(), ['a', 'b', 'l'])
      })
    })

    it('sweeps what a crashed run left, and nothing else', async () => {
      const [stale, probe] = [temporaryNameOf('stale'), ofProcess(endedProcess())]
      mkdirSync(at('deep', 'er'), { recursive: true })
      mkdirSync(at(probe))
      for (const name of [stale, 'a.part', '.peerfold-xyz.part']) writeFileSync(at('deep', 'er', name), '')
      writeFileSync(at(probe, 'probe'), '')
      writeFileSync(at(temporaryNameOf('kept')), 'half')
      const running = await writer.openLarge(['deep', 'f'], { size: 1, executable: false })
      assert.equal(await writer.sweep(['kept'], ['stale']), 2)
      assert.deepEqual(readdirSync(at('deep', 'er')).sort(), ['.peerfold-xyz.part', 'a.part'])
      assert.deepEqual(readdirSync(root).sort(), [temporaryNameOf('kept'), 'deep'])
      await running.write(0, bytes('x'))
      await running.commit()
    })

    it('sweeps past what cannot be removed', async () => {
      const [held, stale] = [range('held'), range('stale')]
      // A folder in such a folder is not Peerfold's, and not removed.
      for (const token of held) mkdirSync(at(temporaryNameOf(token), 'folder'), { recursive: true })
      for (const token of stale) writeFileSync(at(temporaryNameOf(token)), '')
      assert.equal(await writer.sweep([], [...held, ...stale]), stale.length)
      assert.deepEqual(readdirSync(root).sort(), held.map(temporaryNameOf).sort())
    })

    it('leaves what another peer process may be writing, for a day', async () => {
      const others = [ofProcess(process.ppid), temporaryNameOf('of another data folder')].sort()
      mkdirSync(at(others[0] ?? ''))
      writeFileSync(at(others[1] ?? ''), 'half')
      assert.equal(await writer.sweep(), 0)
      assert.deepEqual(readdirSync(root).sort(), others)
      const now = Date.now
      Date.now = () => now() + 25 * 60 * 60 * 1000
      try {
        assert.equal(await writer.sweep(), 2)
      } finally {
        Date.now = now
      }
      assert.deepEqual(readdirSync(root), [])
    })

    it('can be used with more folders than it keeps open', async () => {
      const pinned = await writer.openLarge(['d0', 'large'], { size: 1, executable: false })
      for (let index = 0; index < 300; index++) {
        writer.writeSmallSync([`d${index}`, 'sub', 'f'], bytes(String(index)), PLAIN)
      }
      const deep = Array.from({ length: 120 }, () => 'd')
      writer.writeSmallSync([...deep, 'f'], bytes('deep'), PLAIN)
      await pinned.write(0, bytes('x'))
      await pinned.commit()
      assert.equal(read('d299', 'sub', 'f'), '299')
      assert.equal(read('d0', 'large'), 'x')
      assert.equal(read(...deep, 'f'), 'deep')
    })

    it('refuses work after it was closed', async () => {
      await writer.close()
      await writer.close()
      assert.throws(() => writer.writeSmallSync(['a'], bytes('x'), PLAIN), /closed/)
    })
  })
}

/** A name that a process of this id may have made. */
function ofProcess(id: number): string {
  return freshTemporaryName().replace(/[0-9a-f]{6}(?=[0-9a-f]{8}\.part)/, id.toString(16).padStart(6, '0'))
}

function endedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid
}

describe('the target folder', () => {
  it('must exist unless it is to be made', async () => {
    const root = join(temporaryFolder('writer'), 'new', 'folder')
    assert.throws(() => SafeWriter.open(root, rulesFor('linux')), failure('vanished'))
    const writer = SafeWriter.open(root, rulesFor('linux'), { create: true })
    writer.writeSmallSync(['a'], bytes('x'), PLAIN)
    await writer.close()
    assert.deepEqual(readdirSync(root), ['a'])
  })

  it('is asked what it does to names, and left as it was', () => {
    const root = temporaryFolder('writer')
    const rules = probeRules(root)
    assert.equal(rules.caseSensitive, !existsSync(root.toUpperCase()) || root === root.toUpperCase())
    if (process.platform === 'linux' && rules.caseSensitive) assert.deepEqual(rules, rulesFor('linux'))
    assert.deepEqual(readdirSync(root), [])
  })
})

describe('temporary names', () => {
  it('of a process are told from those of tokens', () => {
    const tokens = Array.from({ length: 2_000 }, (_, at) => temporaryNameOf(String(at)))
    assert.ok(tokens.every(isOfToken))
    assert.equal(isOfToken(freshTemporaryName()), false)
  })

  it('are short, and known whatever their case', () => {
    assert.equal(temporaryNameOf('any token').length, 31)
    assert.ok(isTemporaryName(temporaryNameOf('any token')))
    assert.ok(isTemporaryName('.PEERFOLD-0123456789ABCDEF.PART'))
    for (const name of ['.peerfoldignore', '.peerfold-0123456789abcde.part', 'x.part']) {
      assert.equal(isTemporaryName(name), false)
    }
  })
})

describe('the ranges of a file that are there', () => {
  it('are those that were added, in whatever order', () => {
    const range = fc.tuple(fc.nat(40), fc.nat(12))
    holds(
      'ranges',
      fc.property(fc.array(range, { maxLength: 20 }), added => {
        const ranges = new Ranges()
        const model = new Set<number>()
        for (const [start, length] of added) {
          ranges.add(start, start + length)
          for (let at = start; at < start + length; at++) model.add(at)
        }
        let prefix = 0
        while (model.has(prefix)) prefix++
        assert.equal(ranges.bytes, model.size)
        assert.equal(ranges.covers(prefix), true)
        assert.equal(ranges.covers(prefix + 1), false)
      }),
    )
  })
})

function range(name: string): string[] {
  return Array.from({ length: 8 }, (_, index) => `${name} ${index}`)
}
