/**
 * Whatever is done to a shared folder, readers hold what it holds: content, executable bits and times. Random edits, most
 * of them of the kind that leave a file looking as it did.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { chmod, link } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { eventually, isRunning } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, setTimeOf, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const FILES = ['a.txt', 'b.txt', 'c.txt', 'd.bin', 'e.bin', 'f.bin']
const SIZES = [10, 10, 5_000, 70_000, 1_500_000, 9_000_000]
const ROUNDS = Number(process.env.PEERFOLD_ROUNDS ?? 4)

interface Edit {
  readonly file: string
  readonly kind: (typeof KINDS)[number]
  readonly seed: number
}

const KINDS = [
  'other bytes, same time',
  'other bytes, whole second',
  'one byte at the end, same time',
  'longer',
  'touched',
  'touched to before 1970',
  'executable or no longer',
  'renamed and back',
  'replaced, same time',
  'twice at once',
  'by a second name',
] as const

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.constantFrom(...FILES),
  kind: fc.constantFrom(...KINDS),
  seed: fc.nat(),
})
const round = fc.record({
  edits: fc.array(edit, { minLength: 1, maxLength: 8 }),
  how: fc.constantFrom('watched', 'watched', 'killed meanwhile'),
})

describe('readers of a folder', function () {
  this.timeout(60_000 + ROUNDS * 30_000)
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let source: string
  let outside: string
  /** Followed by the watcher; and scanned when asked only. */
  let followed: ShareId
  let once: ShareId

  before(async () => {
    source = temporaryFolder('source')
    outside = temporaryFolder('outside')
    await makeTree(source, Object.fromEntries(FILES.map((name, n) => [name, randomBytes(SIZES[n] ?? 1, n)])))
    await makeTree(source, { folder: { 'unchanged.txt': 'unchanged' } })
    ann = await people.process()
    bob = await people.process()
    followed = await bob.open((await ann.share(source)).link, true)
    const params = { source, isPublic: true, once: true, keep: true, allow: [], job: 'once' }
    once = await bob.open((await ann.request('share.add', params)).link, true)
  })

  async function make({ file, kind, seed }: Edit): Promise<void> {
    const path = join(source, file)
    const { size, atimeMs, mtimeMs, mode } = statSync(path)
    const other = randomBytes(size, seed)
    const giveBack = (at = path) => utimesSync(at, atimeMs / 1000, mtimeMs / 1000)
    switch (kind) {
      case 'other bytes, same time':
        writeFileSync(path, other)
        return giveBack()
      case 'other bytes, whole second':
        writeFileSync(path, other)
        return setTimeOf(path, Math.floor(Date.now() / 1000) * 1000)
      case 'one byte at the end, same time': {
        const bytes = readFileSync(path)
        bytes[size - 1] = (bytes[size - 1] ?? 0) + 1
        writeFileSync(path, bytes)
        return giveBack()
      }
      case 'longer':
        return writeFileSync(path, randomBytes(size + 1, seed))
      case 'touched':
        return setTimeOf(path, 1_000_000_000_000 + (seed % 1_000_000_000))
      case 'touched to before 1970':
        return setTimeOf(path, -(seed % 1_000_000_000))
      case 'executable or no longer':
        return chmod(path, mode ^ 0o111)
      case 'renamed and back':
        renameSync(path, `${path}.away`)
        return renameSync(`${path}.away`, path)
      case 'replaced, same time':
        writeFileSync(`${path}.new`, other, { mode })
        giveBack(`${path}.new`)
        return renameSync(`${path}.new`, path)
      case 'twice at once':
        writeFileSync(path, other)
        return writeFileSync(path, randomBytes(size, seed + 1))
      case 'by a second name': {
        const second = join(outside, `${file} ${seed} ${readdirSync(outside).length}`)
        await link(path, second)
        // A name made outside gives no event: what has a second one is known from the last scan.
        if (isRunning(ann.process.pid)) await ann.rescan(followed)
        writeFileSync(second, other)
        return giveBack(second)
      }
    }
  }

  /** Every file as text, so that a difference can be read. */
  const inFolder = () =>
    FILES.map(name => {
      const stats = statSync(join(source, name))
      const bytes = readFileSync(join(source, name))
      return described(name, bytes, Math.floor(stats.mtimeMs), (stats.mode & 0o111) !== 0)
    })

  async function seenBy(reader: PeerProcess, id: ShareId): Promise<string[]> {
    const seen: string[] = []
    for (const name of FILES) {
      const { mtime, executable } = await reader.request('fs.stat', { id, path: `/${name}` as DrivePath })
      seen.push(described(name, await reader.read(id, `/${name}`), mtime, executable))
    }
    return seen
  }

  async function holds(reader: PeerProcess, id: ShareId, how: string): Promise<void> {
    const expected = inFolder()
    let seen: string[] = []
    const isSo = async () => {
      seen = await seenBy(reader, id).catch(error => [String(error)]) // it changes while it is read
      return seen.join() === expected.join()
    }
    await eventually(how, isSo).catch(() => assert.deepEqual(seen, expected, how))
  }

  it('hold what it holds after every kind of edit, watched, after a scan and after a kill', async () => {
    const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
    console.log(`      edits: ${ROUNDS} rounds, seed ${seed}`)
    for (const { edits, how } of fc.sample(round, { numRuns: ROUNDS, seed })) {
      const told = `${how}: ${edits.map(({ file, kind }) => `${file} ${kind}`).join('; ')}`
      if (how === 'killed meanwhile') await ann.kill()
      for (const one of edits) await make(one)
      if (how === 'killed meanwhile') ann = await people.process(ann.options)
      await holds(bob, followed, told)
      await ann.rescan(once)
      await holds(bob, once, `after a scan; ${told}`)
    }
    const copy = temporaryFolder('copy')
    await bob.copy(once, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })
})

function described(
  name: string,
  bytes: Uint8Array,
  mtime: number | undefined,
  isExecutable: boolean,
): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  return `${name} ${bytes.length} bytes ${digest} of ${mtime}${isExecutable ? ', executable' : ''}`
}
