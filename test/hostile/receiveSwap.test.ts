/**
 * A program on this machine swaps a folder of the copy for a link, over and over, while the writer works in it.
 * Refusals are fine. What is not fine is a byte, or a missing byte, outside.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { WriteError } from '../../src/peer/disk/writeErrors'
import { SafeWriter } from '../../src/peer/disk/writer'
import { rulesFor } from '../../src/peer/names/rules'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { attackGroup } from '../support/attacks'
import { temporaryFolder } from '../support/folders'
import { startProcess } from '../support/ownedProcess'

const CONTENT = Buffer.from('whole content\n'.repeat(200))
const VICTIMS = Array.from({ length: 400 }, (_, index) => `f${index}`)

/** Runs `work` for each name while the swapper is busy, until it was both let through and refused often enough. */
async function whileSwapping(work: (writer: SafeWriter, name: string) => Promise<unknown>): Promise<void> {
  const place = temporaryFolder('swap')
  const [root, outside] = [join(place, 'copy'), join(place, 'outside')]
  mkdirSync(join(root, 'd'), { recursive: true })
  mkdirSync(outside)
  for (const name of VICTIMS) writeFileSync(join(outside, name), 'precious')

  const swapper = startProcess(process.execPath, [
    join(__dirname, 'swapper.process.js'),
    join(root, 'd'),
    outside,
  ])
  await swapper.line(line => line === 'ready')
  const writer = SafeWriter.open(root, rulesFor(process.platform), { retryDelaysMs: [] })
  const outcome = { done: 0, refused: 0 }
  const deadline = Date.now() + 20_000
  try {
    for (let at = 0; at < 600 || outcome.done < 20 || outcome.refused < 20; at++) {
      if (Date.now() > deadline) break
      try {
        await work(writer, VICTIMS[at % VICTIMS.length] ?? '')
        outcome.done++
      } catch (error) {
        assert.ok(error instanceof WriteError, String(error))
        assert.ok(
          ['outside', 'busy', 'exists', 'changed'].includes(error.code),
          `${error.code}: ${error.message}`,
        )
        outcome.refused++
      }
      if (at % 50 === 0) await setImmediate() // Lets the swapper's output and end be heard.
    }
  } finally {
    await swapper.stop()
    await writer.close()
  }
  const swaps = Number(/^swaps (\d+)$/.exec(swapper.stdout.at(-1) ?? '')?.[1])
  console.log(`      ${outcome.done} done, ${outcome.refused} refused, ${swaps} swaps`)
  assert.ok(swaps > 20, `the swapper hardly ran: ${swapper.stderr.join(' ')}`)
  assert.ok(outcome.done > 0 && outcome.refused > 0, 'the writer did not meet the swapper')

  assert.deepEqual(readdirSync(outside).sort(), [...VICTIMS].sort())
  for (const name of VICTIMS) assert.equal(readFileSync(join(outside, name), 'utf8'), 'precious')
  assert.deepEqual(readdirSync(place).sort(), ['copy', 'outside'])
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    assert.equal(isTemporaryName(entry.name), false, `${entry.name} was left behind`)
    assert.ok(readFileSync(join(entry.parentPath, entry.name)).equals(CONTENT), `${entry.name} is torn`)
  }
}

attackGroup('a folder swapped for a link while it is used', () => {
  before(function () {
    // Elsewhere folders cannot be held: see the head of src/peer/disk/folders.ts.
    if (process.platform !== 'linux') this.skip()
  })
  beforeEach(function () {
    this.currentTest?.timeout(40_000)
  })

  it('takes no small file outside', () =>
    whileSwapping(async (writer, name) => writer.writeSmallSync(['d', name], CONTENT, { executable: false })))

  it('takes no file outside that lies deeper', () =>
    whileSwapping(async (writer, name) =>
      writer.writeSmallSync(['d', 'sub', name], CONTENT, { executable: false }),
    ))

  it('takes no large file outside', () =>
    whileSwapping(async (writer, name) => {
      const file = await writer.openLarge(['d', name], { size: CONTENT.length, executable: false })
      try {
        await file.write(1000, CONTENT.subarray(1000))
        await file.write(0, CONTENT.subarray(0, 1000))
        await file.commit()
      } finally {
        await file.abort()
      }
    }))

  it('removes nothing outside', () =>
    whileSwapping(async (writer, name) => {
      writer.writeSmallSync(['d', name], CONTENT, { executable: false })
      await writer.remove(['d', name])
    }))

  it('gives nothing outside another name, and takes nothing from there', () => {
    const away = temporaryFolder('away')
    return whileSwapping(async (writer, name) => {
      const mark = writer.writeSmallSync(['d', name], CONTENT, { executable: false })
      const moved = await writer.move(['d', name], ['d', 'sub', name], mark)
      const taken = join(away, name)
      const isTaken = await writer.takeOut(['d', 'sub', name], taken, moved)
      if (!isTaken) throw new WriteError('outside', name) // swapped: nothing of it is there
      assert.ok(readFileSync(taken).equals(CONTENT))
      rmSync(taken)
    })
  })
})
