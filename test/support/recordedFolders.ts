/** Data folders that Peerfold 0.3.0 wrote, and the shared folders and copies that belong to them: see test/recorded. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ShareId } from '../../src/common/brand'
import { Catalog, type Write } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { makeTree } from './folders'
import { projectRoot } from './projectRoot'

export interface RecordedShare {
  readonly id: ShareId
  readonly link: string
  readonly version: number
}

export interface RecordedFacts {
  /** Where everything lay. */
  readonly recordedAt: string
  /** Peer ids. */
  readonly ann: string
  readonly bob: string
  readonly shares: Readonly<Record<'notes' | 'photos' | 'bobs' | 'more', RecordedShare>>
}

interface Recording {
  readonly facts: RecordedFacts
  readonly files: Readonly<Record<string, string>>
}

/** Writes the data folders `ann` and `bob`, and what they share and copied, into a folder. */
export async function unpackRecorded(folder: string): Promise<RecordedFacts> {
  const packed = await readFile(join(projectRoot, 'test', 'recorded', 'data-folders-0.3.0.json.gz'))
  const { facts, files }: Recording = JSON.parse(gunzipSync(packed).toString('utf8'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 })
    await writeFile(join(folder, path), Buffer.from(content, 'base64'), { mode: 0o600 })
  }
  const bobs = { 'x.txt': 'from bob', deep: { 'y.txt': 'y'.repeat(70_000) } }
  await makeTree(folder, {
    notes: {
      'a.txt': 'two',
      'b.txt': 'b'.repeat(5_000),
      'd.txt': 'new',
      'e.txt': 'third',
      'left.tmp': 'x',
      sub: { 'c.txt': 'c' },
    },
    photos: { 'p.txt': 'p'.repeat(6_000) },
    bobs,
    more: { 'z.txt': 'more of bob', 'w.txt': 'w'.repeat(4_000) },
    copy: bobs,
    waiting: {},
  })
  for (const person of ['ann', 'bob']) await moveTo(folder, facts, join(folder, person))
  return facts
}

/** Changes the absolute paths in a catalog to paths below `folder`. */
async function moveTo(folder: string, { recordedAt, shares }: RecordedFacts, storage: string): Promise<void> {
  const catalog = await Catalog.open(dataFolderPaths(storage).earlier.catalog)
  const here = (path: string) => path.replace(recordedAt, folder)
  const changes: Write[] = []
  for await (const [key, value] of catalog.list('share'))
    changes.push({ table: 'share', key, value: { ...value, source: here(value.source) } })
  for await (const [key, value] of catalog.list('copy'))
    changes.push({ table: 'copy', key, value: { ...value, folder: here(value.folder) } })
  const was = targetKey(shares.bobs.id, `${recordedAt}/copy`)
  const is = targetKey(shares.bobs.id, join(folder, 'copy'))
  for await (const [path, value] of catalog.list('copied', was)) {
    changes.push({ table: 'copied', key: was + path, value: undefined })
    changes.push({ table: 'copied', key: is + path, value })
  }
  await catalog.write(changes)
  await catalog.close()
}

/** The key as 0.3.0 makes it. This version must find records under the same key. */
function targetKey(share: ShareId, folder: string): string {
  return createHash('sha256').update(`${share}\0${folder}`).digest('base64url').slice(0, 22)
}
