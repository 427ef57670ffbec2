import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { projectRoot } from '../support/projectRoot'

/** What a room of src/ may import besides itself: other rooms, and what is not ours. */
interface Allowed {
  readonly rooms: readonly string[]
  readonly outside: RegExp
}

/** Packages that run anywhere, in a browser too. */
const pure = '(b4a|z32|valibot|@noble/hashes)(/.*)?'
const node = 'node:.+'
const local = '(vscode-jsonrpc/node|@msgpack/msgpack)'

const rooms: Readonly<Record<string, Allowed>> = {
  common: { rooms: [], outside: only(pure) },
  wire: { rooms: ['common'], outside: only(pure, node, local) },
  peer: { rooms: ['common', 'wire'], outside: /^(?!vscode$)/ },
  client: { rooms: ['common', 'wire'], outside: only(pure, node, local) },
  cli: {
    rooms: ['common', 'wire', 'client'],
    outside: only(pure, node, '\\./dht\\.js', '(../)+package\\.json'),
  },
  editor: { rooms: ['common', 'wire', 'client'], outside: only(pure, node, 'vscode') },
  dashboard: { rooms: ['common'], outside: only(pure) },
}

/** Rooms of src/peer below which nothing of it lies but what is named here. */
const roomsOfPeer: Readonly<Record<string, readonly string[]>> = {
  names: [],
}

describe('the arrows between the rooms of src/', () => {
  for (const [room, allowed] of Object.entries(rooms)) {
    const imports = importsOf(room)

    it(`lead from ${room} to ${allowed.rooms.join(', ') || 'no other room'}`, () => {
      const others = imports.filter(({ to }) => to !== undefined && to !== room)
      assert.deepEqual(
        others.filter(({ to }) => !allowed.rooms.includes(to ?? '')).map(({ text }) => text),
        [],
      )
    })

    it(`lead from ${room} to nothing outside that it must do without`, () => {
      const outside = imports.filter(({ to }) => to === undefined)
      assert.deepEqual(
        outside.filter(({ name }) => !allowed.outside.test(name)).map(({ text }) => text),
        [],
      )
    })
  }

  for (const [room, allowed] of Object.entries(roomsOfPeer)) {
    it(`lead from ${room} of the peer to ${allowed.join(', ') || 'no other part of it'}`, () => {
      const within = importsOf(join('peer', room)).filter(({ to }) => to === 'peer')
      assert.deepEqual(
        within.filter(({ part }) => part !== room && !allowed.includes(part ?? '')).map(({ text }) => text),
        [],
      )
    })
  }

  it('are looked for in all of src/', () => {
    const folders = readdirSync(join(projectRoot, 'src'), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && entry.name !== 'types')
      .map(entry => entry.name)
    assert.deepEqual(folders.sort(), Object.keys(rooms).sort())
    assert.ok(importsOf('editor').some(({ name }) => name === 'vscode'))
    assert.ok(importsOf('cli').some(({ to }) => to === 'client'))
    assert.ok(importsOf(join('peer', 'publish')).some(({ part }) => part === 'names'))
  })
})

interface Import {
  /** As it stands in the source. */
  readonly name: string
  /** The room it leads to; undefined: out of src/. */
  readonly to: string | undefined
  /** The folder of that room, or the file that lies loose in it. */
  readonly part: string | undefined
  readonly text: string
}

function importsOf(room: string): Import[] {
  const folder = join(projectRoot, 'src', room)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file))
    .flatMap(file =>
      importedNames(readFileSync(file, 'utf8')).map(name => ({
        name,
        ...roomOf(file, name),
        text: `${relative(projectRoot, file)} imports ${name}`,
      })),
    )
}

/** Of `import … from`, `export … from`, `import ''`, `import()` and `require()`, types included. */
function importedNames(source: string): string[] {
  const form = /(?:\bfrom\s*|^import\s*|\bimport\(\s*|\brequire\(\s*)'([^'\n]+)'/gm
  return [...source.matchAll(form)].map(([, name]) => name ?? '')
}

function roomOf(file: string, name: string): Pick<Import, 'to' | 'part'> {
  const [top, to, part] = relative(projectRoot, resolve(dirname(file), name)).split(sep)
  const isOurs = name.startsWith('.') && top === 'src' && name !== './dht.js'
  return isOurs ? { to, part } : { to: undefined, part: undefined }
}

function only(...names: readonly string[]): RegExp {
  return new RegExp(`^(${names.join('|')})$`)
}
