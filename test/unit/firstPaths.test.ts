/** The first version of a path log, written without Hyperbee, as Hyperbee reads it and goes on with it. */
import assert from 'node:assert/strict'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { FILES } from '../../src/peer/drive/format/about'
import { batchOn } from '../../src/peer/hypercore/firstPaths'
import { temporaryFolder } from '../support/folders'

/** What a Hyperbee holds, by walking its tree. */
interface StockBee extends Hyperbee {
  createReadStream(options: {
    gte?: string
    lt?: string
    keyEncoding: unknown
  }): AsyncIterable<{ key: string }>
  checkout(version: number): StockBee
}

describe('the first version of a path log', () => {
  let store: Corestore

  before(async () => {
    store = new Corestore(temporaryFolder('store'))
    await store.ready()
  })
  after(() => store.close())

  // Around every size at which the tree gets another node or another level.
  const sizes = [1, 2, 7, 8, 9, 10, 17, 18, 80, 81, 82, 90, 728, 729, 730, 3_000]
  for (const size of sizes) {
    it(`with ${size} paths is a Hyperbee that finds, lists, changes and removes each of them`, async () => {
      const bee = await made(store, size)
      const paths = pathsOf(size)
      assert.equal(bee.version, size + 1)
      assert.deepEqual(await listed(bee), paths)
      for (const path of paths) {
        const found = await bee.get(path, { keyEncoding: FILES })
        assert.deepEqual(found?.value, { path })
      }
      assert.equal(await bee.get('/none', { keyEncoding: FILES }), null)
      const from = paths[Math.floor(size / 3)] ?? ''
      assert.deepEqual(await listed(bee, from), paths.slice(paths.indexOf(from)))

      // As a publisher goes on: other paths come, some change, every second goes.
      const batch = bee.batch()
      for (const path of paths) await batch.put(`${path}.more`, { path }, { keyEncoding: FILES })
      for (const path of paths.filter(isEven)) await batch.del(path, { keyEncoding: FILES })
      await batch.flush()
      const more = paths.map(path => `${path}.more`)
      assert.deepEqual(await listed(bee), [...paths.filter((_, at) => !isEven(_, at)), ...more].sort())
      assert.deepEqual(await listed(bee.checkout(size + 1)), paths)

      const last = bee.batch()
      for (const path of await listed(bee)) await last.del(path, { keyEncoding: FILES })
      await last.flush()
      assert.deepEqual(await listed(bee), [])
    })
  }

  it('has every node between half full and full, so that Hyperbee can split and join them', async () => {
    for (const size of sizes) {
      const bee = await made(store, size)
      const root = await bee.batch().getRoot(false)
      await assertFilled(root as TreeNode, true)
    }
  })
})

interface TreeNode {
  readonly keys: readonly unknown[]
  readonly children: readonly unknown[]
  getChildNode(at: number): Promise<TreeNode>
}

async function assertFilled(node: TreeNode, isRoot: boolean): Promise<void> {
  assert.ok(node.keys.length <= 8 && node.keys.length >= (isRoot ? 1 : 4), `${node.keys.length} keys`)
  if (node.children.length > 0) assert.equal(node.children.length, node.keys.length + 1)
  for (let at = 0; at < node.children.length; at++) await assertFilled(await node.getChildNode(at), false)
}

let logs = 0

/** A log with so many paths, which were not put in order. */
async function made(store: Corestore, size: number): Promise<StockBee> {
  const core = store.get({ name: `log ${logs++}` })
  const bee = new Hyperbee(core, { keyEncoding: 'utf-8', valueEncoding: 'json' }) as StockBee
  await bee.ready()
  const batch = await batchOn(bee, true)
  for (const path of pathsOf(size).reverse()) await batch.put(path, { path }, { keyEncoding: FILES })
  await batch.flush()
  return bee
}

function pathsOf(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `/folder ${at % 7}/${at}`).sort()
}

async function listed(bee: StockBee, gte?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of bee.createReadStream({
    ...(gte === undefined ? {} : { gte }),
    keyEncoding: FILES,
  }))
    keys.push(key)
  return keys
}

function isEven(_: string, at: number): boolean {
  return at % 2 === 0
}
