/**
 * The ignore files that git reads beside every `.gitignore`: `info/exclude` of the repository, and the user's own.
 * People keep things private by them, so a share obeys them too.
 */
import { lstatSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PeerfoldError } from '../../../common/errors'
import { Inputs } from '../scan/inputs'
import { excludesFile, type Repository } from './gitConfig'

/** Bytes. A larger ignore file counts as one that cannot be read. */
export const MAX_IGNORE_FILE = 1024 * 1024
/** Bytes of a file that names a folder. */
const MAX_POINTER = 64 * 1024

export interface ExcludeFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
}

/** What one scan reads of git. */
export class GitFiles {
  readonly inputs = new Inputs()
  /** The folders that were asked for, each with the place of its `.git`. Absolute paths. */
  readonly gitDirs = new Map<string, string>()

  /** @param env where git's configuration is, as git itself takes it from the environment */
  constructor(private readonly env: NodeJS.ProcessEnv = process.env) {}

  /**
   * The files of the repository whose `.git` lies in `top`, the weaker one first.
   *
   * @throws PeerfoldError `source-unreadable` when one is there and cannot be read: what it hides is not known then
   */
  excludesOf(top: string): ExcludeFile[] {
    const repository = this.repositoryAt(top)
    if (repository === undefined) return []
    this.gitDirs.set(top, repository.gitDir)
    const own = excludesFile(repository, this.inputs, this.env)
    return [own, join(repository.commonDir, 'info', 'exclude')].flatMap(path => {
      const text = path === undefined ? undefined : this.readIgnore(path, path === own)
      return path === undefined || text === undefined ? [] : [{ path, text }]
    })
  }

  /**
   * The text of an ignore file outside of the shared folder; undefined when there is none.
   *
   * @param isUsers whether it is the user's own file. Without the right to read it, it counts as absent, as for git: a
   *   program may run with somebody else's home folder.
   * @throws PeerfoldError `source-unreadable`
   */
  readIgnore(path: string, isUsers = false): string | undefined {
    const read = this.inputs.read(path, MAX_IGNORE_FILE)
    if (read.kind === 'content' && read.complete) return read.bytes.toString('utf8')
    if (read.kind === 'absent') return undefined
    if (isUsers && read.kind === 'unreadable' && ['EACCES', 'EPERM'].includes(read.why)) return undefined
    throw new PeerfoldError('source-unreadable', path)
  }

  private repositoryAt(top: string): Repository | undefined {
    const gitDir = this.gitDirAt(join(top, '.git'))
    if (gitDir === undefined) return undefined
    const common = this.inputs.read(join(gitDir, 'commondir'), MAX_POINTER)
    const commonDir =
      common.kind === 'content' ? resolve(gitDir, common.bytes.toString('utf8').trimEnd()) : gitDir
    return { top, gitDir, commonDir }
  }

  /** In a worktree or a submodule, `.git` is a file that tells where the folder is. */
  private gitDirAt(path: string): string | undefined {
    const read = this.inputs.read(path, MAX_POINTER)
    if (read.kind !== 'content') return isThere(path) ? path : undefined
    const said = /^gitdir: (.+?)[\r\n]*$/s.exec(read.bytes.toString('utf8'))?.[1]
    return said === undefined ? undefined : resolve(dirname(path), said)
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false // it may not be looked at, not by git either
  }
}
