/**
 * What is moved. Made anew for every run into fresh folders, the same bytes each time: random ones from a fixed seed,
 * and for W3 the files of this project's own packages.
 */
import { createCipheriv } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot } from '../support/projectRoot'

export interface Made {
  readonly files: number
  readonly bytes: number
}

export interface Workload {
  readonly name: string
  readonly title: string
  /** Bytes and files, roughly: decides where there is room for it. */
  readonly about: number
  /** Runs only when it is named. */
  readonly onRequest?: boolean
  /** A single file, which most tools send as it is. */
  readonly isFile?: boolean
  /** Only Peerfold's own measurements make sense of it. */
  readonly ownOnly?: 'listing' | 'responsiveness' | 'saves' | 'changes' | 'in step' | 'versions' | 'editor'
  /** Fills an empty folder. */
  readonly make: (folder: string) => Made
  /** A small file in it, for the time to the first byte; none where there is none. */
  readonly oneFile?: string
}

const GB = 1_000_000_000
const SMALL_FILES = 10_000
const SMALL_BYTES = 35_000_000
const PROJECT_FILE_LIMIT = 1024 * 1024

export const WORKLOADS: Readonly<Record<string, Workload>> = byName([
  {
    name: 'W1',
    title: 'one random file of 1 GB',
    about: GB,
    isFile: true,
    make: folder => makeOne(join(folder, 'one.bin'), GB),
  },
  {
    name: 'W2',
    title: '10,000 files, 35 MB in all',
    about: SMALL_BYTES,
    make: folder => makeSmall(folder, SMALL_FILES, SMALL_BYTES),
    oneFile: 'd042/f4242.bin',
  },
  { name: 'W3', title: "a project tree (this project's packages)", about: 300_000_000, make: makeProject },
  {
    name: 'L100k',
    title: '100,000 entries in one folder, to list',
    about: 400_000_000,
    ownOnly: 'listing',
    make: folder => makeMany(folder, 100_000),
  },
  {
    name: 'S10k',
    title: 'saving one file of 10,000 after the other',
    about: SMALL_BYTES,
    ownOnly: 'saves',
    make: folder => makeSmall(folder, SMALL_FILES, SMALL_BYTES),
  },
  {
    name: 'S100k',
    title: 'saving one file of 100,000 after the other',
    about: 400_000_000,
    ownOnly: 'saves',
    make: folder => makeSmall(folder, 10 * SMALL_FILES, SMALL_BYTES),
  },
  {
    name: 'saves-smoke',
    title: 'the same with twenty',
    about: 1_000_000,
    onRequest: true,
    ownOnly: 'saves',
    make: folder => makeSmall(folder, 20, 70_000),
  },
  {
    name: 'C100',
    title: 'changing, prepending to and renaming a file of 100 MB',
    about: 100_000_000,
    ownOnly: 'changes',
    make: folder => makeOne(join(folder, 'one.bin'), 100_000_000),
  },
  {
    name: 'C1G',
    title: 'the same with 1 GB',
    about: GB,
    ownOnly: 'changes',
    make: folder => makeOne(join(folder, 'one.bin'), GB),
  },
  {
    name: 'changes-smoke',
    title: 'the same with 4 MB',
    about: 4_000_000,
    onRequest: true,
    ownOnly: 'changes',
    make: folder => makeOne(join(folder, 'one.bin'), 4_000_000),
  },
  {
    name: 'D10k',
    title: 'a folder in step with 10,000 files: saves, and half of them at once',
    about: 3 * SMALL_BYTES,
    ownOnly: 'in step',
    make: folder => makeSmall(folder, SMALL_FILES, SMALL_BYTES),
  },
  {
    name: 'disk-smoke',
    title: 'the same with twenty',
    about: 1_000_000,
    onRequest: true,
    ownOnly: 'in step',
    make: folder => makeSmall(folder, 20, 70_000),
  },
  {
    name: 'V1k',
    title: '1,000 versions, to list',
    about: 10_000_000,
    ownOnly: 'versions',
    make: folder => makeSmall(folder, 20, 70_000),
  },
  {
    name: 'versions-smoke',
    title: 'the same with three',
    about: 1_000_000,
    onRequest: true,
    ownOnly: 'versions',
    make: folder => makeSmall(folder, 20, 70_000),
  },
  {
    name: 'R',
    title: 'answers of the peer processes while 1 GB is on its way',
    about: GB,
    ownOnly: 'responsiveness',
    make: folder => add(makeSmall(join(folder, 'small'), 20, 20_000), makeOne(join(folder, 'one.bin'), GB)),
  },
  {
    name: 'editor',
    title: 'how long VS Code’s extension host is held up by large shares',
    about: 2 * GB,
    onRequest: true,
    ownOnly: 'editor',
    make: folder => makeForEditor(folder, { flat: 80_000, folders: 200, large: GB, many: SMALL_FILES }),
  },
  {
    name: 'editor-smoke',
    title: 'the same with shares that are not large',
    about: 50_000_000,
    onRequest: true,
    ownOnly: 'editor',
    make: folder => makeForEditor(folder, { flat: 5_000, folders: 10, large: 20_000_000, many: 200 }),
  },
  {
    name: 'W10',
    title: 'one random file of 10 GB',
    about: 10 * GB,
    onRequest: true,
    isFile: true,
    make: folder => makeOne(join(folder, 'one.bin'), 10 * GB),
  },
  {
    name: 'smoke',
    title: '20 files',
    about: 1_000_000,
    onRequest: true,
    make: folder => makeSmall(folder, 20, 70_000),
    oneFile: 'd002/f2.bin',
  },
])

function byName(workloads: readonly Workload[]): Record<string, Workload> {
  return Object.fromEntries(workloads.map(workload => [workload.name, workload]))
}

/** A file of random bytes, written piece by piece. */
function makeOne(path: string, size: number): Made {
  const random = randomStream(1)
  const file = openSync(path, 'wx')
  try {
    for (let left = size; left > 0; ) {
      const piece = random(Math.min(left, 16 << 20))
      writeSync(file, piece)
      left -= piece.length
    }
  } finally {
    closeSync(file)
  }
  return { files: 1, bytes: size }
}

/** Files of many sizes in folders of a hundred; most are small, as in real folders. */
function makeSmall(folder: string, files: number, bytes: number): Made {
  const random = randomStream(2)
  const weights = Array.from({ length: files }, () => 0.1 + Math.abs(Math.log(uniform(random))))
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  let made = 0
  weights.forEach((weight, at) => {
    const below = join(folder, `d${String(Math.floor(files > 100 ? at / 100 : at)).padStart(3, '0')}`)
    mkdirSync(below, { recursive: true })
    const size = at === files - 1 ? bytes - made : Math.floor((bytes * weight) / all)
    writeFileSync(join(below, `f${at}.bin`), random(size))
    made += size
  })
  return { files, bytes: made }
}

interface EditorSizes {
  /** Files in one folder. */
  readonly flat: number
  /** Folders of a hundred files each. */
  readonly folders: number
  /** Bytes of one file. */
  readonly large: number
  /** Files to share. */
  readonly many: number
}

/** Shares to look at and to copy, and a folder to share, with as many files that are left out as a preview lists. */
function makeForEditor(folder: string, { flat, folders, large, many }: EditorSizes): Made {
  mkdirSync(join(folder, 'list', 'flat'), { recursive: true })
  const parts = [makeMany(join(folder, 'list', 'flat'), flat)]
  for (let at = 0; at < folders; at++) {
    const below = join(folder, 'list', 'tree', `d${String(at).padStart(3, '0')}`)
    mkdirSync(below, { recursive: true })
    for (let file = 0; file < 100; file++)
      writeFileSync(join(below, `d${String(at).padStart(3, '0')}-${file}.txt`), `${file}\n`)
    parts.push({ files: 100, bytes: 290 })
  }
  const lines = Array.from({ length: 700_000 }, (_, at) => `line ${at} of a large file\n`).join('')
  writeFileSync(join(folder, 'list', 'large.txt'), lines)
  parts.push({ files: 1, bytes: lines.length })
  mkdirSync(join(folder, 'large'))
  parts.push(makeOne(join(folder, 'large', 'one.bin'), large))
  parts.push(makeSmall(join(folder, 'many'), many, many * 3_500))
  for (let at = 0; at < 2_000; at++) writeFileSync(join(folder, 'many', `left-out-${at}.log`), '')
  writeFileSync(join(folder, 'many', '.gitignore'), '*.log\n')
  return parts.reduce(add)
}

/** So many files of a few bytes in one folder. */
function makeMany(folder: string, files: number): Made {
  let bytes = 0
  for (let at = 0; at < files; at++) {
    const text = `entry ${at}\n`
    writeFileSync(join(folder, `entry-${String(at).padStart(6, '0')}.txt`), text)
    bytes += text.length
  }
  return { files, bytes }
}

/**
 * What is under 1 MiB of this project's packages, but for source maps and declarations, of which no project holds so
 * many. Left out is what Peerfold would leave out by itself, so that all tools have the same to do.
 */
function makeProject(folder: string): Made {
  const packages = join(projectRoot, 'node_modules')
  const made = { files: 0, bytes: 0 }
  for (const file of readdirSync(packages, { recursive: true, encoding: 'utf8' }).sort()) {
    const from = join(packages, file)
    const stats = lstatSync(from)
    if (!stats.isFile() || stats.size >= PROJECT_FILE_LIMIT || NOT_IN_PROJECTS.test(file)) continue
    const bytes = readFileSync(from)
    if (LEFT_OUT.test(file) || bytes.includes('PRIVATE KEY-----')) continue
    const to = join(folder, 'packages', file)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, bytes)
    made.files++
    made.bytes += bytes.length
  }
  return made
}

const NOT_IN_PROJECTS = /^\.|\.(map|d\.[cm]?ts)$/
/** Ignore files, and what is named like a key. */
const LEFT_OUT =
  /(^|\/)\.(git|npmrc|netrc|env|peerfoldignore|gitignore)|\.(pem|key|p12|pfx|p8|ppk|jks|keystore)$/i

/** The same random bytes for the same seed, from where the call before stopped. */
function randomStream(seed: number): (size: number) => Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed)
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  return size => cipher.update(Buffer.alloc(size))
}

function uniform(random: (size: number) => Buffer): number {
  return (random(4).readUInt32BE() + 1) / 2 ** 32
}

function add(one: Made, other: Made): Made {
  return { files: one.files + other.files, bytes: one.bytes + other.bytes }
}
