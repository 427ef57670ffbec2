/**
 * The data folder: where one installation keeps its store, its keys and the way to its peer process. There is one per
 * operating-system user, the same for every editor and terminal, so that all of them meet in one peer process.
 * Only its owner may look inside: who can read it can act as this installation.
 */
import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { PeerfoldError } from '../common/errors'
import { formatFolder } from './dataFormat'
import { makeFolders } from './makeFolders'
import { isForeign, isOwner } from './ownership'

/** Absolute paths of what lies in a data folder. */
export interface DataFolderPaths {
  readonly root: string
  /** Held by the peer process that owns the store. */
  readonly lock: string
  /** The token that Peerfold 0.3.0 looks for. It admits nobody. */
  readonly token: string
  /** Where the peer process listens, and what proves that a client may read the data folder. */
  readonly endpoint: string
  readonly log: string
  /** The sub-folder of what has a format: see dataFormat.ts. */
  readonly format: string
  readonly keys: string
  readonly store: string
  /** There while the store is known to be damaged. */
  readonly damageNote: string
  readonly catalog: string
  /** Files that live copies took away. */
  readonly kept: string
  /** Clones of large files of own shares, which keep former versions of those. */
  readonly clones: string
  /** What lies in a folder that Peerfold 0.3.0 wrote, until it is taken over. */
  readonly earlier: {
    readonly keys: string
    readonly store: string
    readonly damageNote: string
    readonly catalog: string
  }
}

/** The data folder of this user, absolute; `PEERFOLD_STORAGE` in the environment names another. */
export function defaultDataFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.PEERFOLD_STORAGE) return resolve(env.PEERFOLD_STORAGE)
  if (process.platform === 'win32') {
    return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'Peerfold')
  }
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Peerfold')
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'peerfold')
}

export function dataFolderPaths(root: string): DataFolderPaths {
  const absolute = resolve(root)
  const format = formatFolder(absolute)
  return {
    root: absolute,
    lock: join(absolute, 'lock'),
    token: join(absolute, 'token'),
    endpoint: join(absolute, 'endpoint.json'),
    log: join(absolute, 'peer.log'),
    format,
    kept: join(format, 'kept'),
    clones: join(format, 'clones'),
    ...formatted(format),
    earlier: formatted(absolute),
  }
}

function formatted(folder: string): DataFolderPaths['earlier'] {
  return {
    keys: join(folder, 'keys.json'),
    store: join(folder, 'store'),
    damageNote: join(folder, 'store.damaged'),
    catalog: join(folder, 'catalog'),
  }
}

/** The catalog of a data folder, also of one that is not taken over yet. There once anything was shared or opened. */
export function catalogOf(root: string): string {
  const { catalog, earlier } = dataFolderPaths(root)
  return existsSync(catalog) ? catalog : earlier.catalog
}

/**
 * Creates the data folder for its owner alone, and closes it to others when it is open to them.
 *
 * @throws PeerfoldError `storage-not-yours` for a folder of another user, or with anything in it that another user put
 *   there: that user could choose what is read from it, keys included; `storage-foreign` for a folder that is open to
 *   others and holds other things: closing, say, a home folder would break what lives in it
 */
export function ensureDataFolder(root: string): DataFolderPaths {
  const paths = dataFolderPaths(root)
  makeFolders(paths.root, 0o700)
  if (process.platform === 'win32') return paths // profiles are private there by inheritance
  const foreign = foreignIn(paths)
  if (foreign !== undefined) throw new PeerfoldError('storage-not-yours', foreign)
  if ((statSync(paths.root).mode & 0o077) === 0) return paths
  if (!isOurs(paths)) throw new PeerfoldError('storage-foreign', paths.root)
  chmodSync(paths.root, 0o700)
  return paths
}

/** The first path that another user owns: the folder, a link that leads to it, or something in it. */
function foreignIn({ root, format }: DataFolderPaths): string | undefined {
  if (isForeign(root) || !isOwner(root)) return root
  const inFolder = (folder: string) => readdirSync(folder).map(name => join(folder, name))
  return [...inFolder(root), ...(existsSync(format) ? inFolder(format) : [])].find(isForeign)
}

function isOurs(paths: DataFolderPaths): boolean {
  const names = readdirSync(paths.root)
  return names.length === 0 || names.some(name => join(paths.root, name) === paths.token)
}
