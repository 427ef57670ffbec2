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

/** Rooms of src/peer, and the other rooms of it that each may use. */
const roomsOfPeer: Readonly<Record<string, readonly string[]>> = {
  service: ['live', 'transfers', 'shares', 'network', 'publish', 'drive', 'names', 'store'],
  live: ['shares', 'copy', 'inPlace', 'disk', 'store', 'drive', 'names'],
  transfers: ['shares', 'copy', 'store', 'drive', 'hypercore'],
  shares: ['publish', 'retention', 'network', 'inPlace', 'store', 'drive', 'names', 'hypercore'],
  publish: ['inPlace', 'store', 'drive', 'names', 'hypercore'],
  copy: ['inPlace', 'disk', 'store', 'drive', 'names', 'hypercore'],
  inPlace: ['store', 'drive', 'hypercore'],
  retention: ['store', 'drive', 'names', 'hypercore'],
  network: ['drive', 'hypercore'],
  store: ['drive', 'names', 'hypercore'],
  disk: ['names'],
  drive: ['names', 'hypercore'],
  hypercore: [],
  names: [],
}

/** What lies loose in src/peer and stands below all its rooms. */
const belowRooms = ['keys', 'time', 'rate', 'limits', 'transfer']
/** What lies loose in src/peer and starts and joins its parts. */
const aboveRooms = ['main', 'lock', 'memory', 'peer']

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
    it(`lead from ${room} of the peer to ${allowed.join(', ') || 'no other room of it'}`, () => {
      const within = importsOf(join('peer', room)).filter(({ to }) => to === 'peer')
      const others = [room, ...allowed, ...belowRooms]
      assert.deepEqual(
        within.filter(({ part }) => !others.includes(part ?? '')).map(({ text }) => text),
        [],
      )
    })
  }

  it('lead up from nothing that lies below the rooms of the peer', () => {
    const loose = importsOf('peer').filter(({ from }) =>
      belowRooms.some(name => from === `src/peer/${name}.ts`),
    )
    const up = loose.filter(({ to, part }) => to === 'peer' && !belowRooms.includes(part ?? ''))
    assert.deepEqual(
      up.map(({ text }) => text),
      [],
    )
  })

  it('leave nothing loose in the peer but what starts it, and what all of it stands on', () => {
    const there = readdirSync(join(projectRoot, 'src', 'peer')).map(name => name.replace(/\.ts$/, ''))
    assert.deepEqual(there.sort(), [...Object.keys(roomsOfPeer), ...belowRooms, ...aboveRooms].sort())
  })

  it('lead in no circle from file to file, of types neither', () => {
    const files = new Map<string, string[]>()
    for (const room of Object.keys(rooms))
      for (const { from, file } of importsOf(room))
        files.set(from, [...(files.get(from) ?? []), ...(file === undefined ? [] : [file])])
    assert.deepEqual(circlesIn(files), [])
    assert.ok(files.size > 250)
  })

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
  /** Who imports, and what of ours: from the top of the project. */
  readonly from: string
  readonly file: string | undefined
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
        from: relative(projectRoot, file).split(sep).join('/'),
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

function roomOf(file: string, name: string): Pick<Import, 'to' | 'part' | 'file'> {
  const target = relative(projectRoot, resolve(dirname(file), name)).split(sep)
  const [top, to, part] = target
  const isOurs = name.startsWith('.') && top === 'src' && name !== './dht.js'
  return isOurs
    ? { to, part, file: `${target.join('/')}.ts` }
    : { to: undefined, part: undefined, file: undefined }
}

function only(...names: readonly string[]): RegExp {
  return new RegExp(`^(${names.join('|')})$`)
}

/** Ways along imports that come back to where they began, each told once. */
function circlesIn(files: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (file: string): void => {
    const at = way.indexOf(file)
    if (at >= 0) circles.push([...way.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    way.push(file)
    for (const next of files.get(file) ?? []) visit(next)
    way.pop()
    done.add(file)
  }
  for (const file of files.keys()) visit(file)
  return circles
}
