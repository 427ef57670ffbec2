/**
 * What ignore files and settings leave out of a share, with git's rules.
 *
 * There are three sources. Each one that has an opinion about a path overrules those after it:
 *   1. `.peerfoldignore` files: the folder's own word about sharing, so it can bring back what git leaves out
 *   2. the patterns in the user's settings, taken as if they stood in the shared folder
 *   3. git's: `.gitignore` files, also those above the shared folder up to the top of its git repository; then the
 *      repository's `info/exclude`, then the user's own ignore file (gitExcludes.ts). A repository inside of the
 *      shared folder has its own; paths that they do not match are left to those around it.
 * Of `.gitignore` and `.peerfoldignore` files the deepest one that matches decides, and within one file its last
 * matching line. Something inside an ignored folder stays ignored, because the walk never enters that folder.
 *
 * `IgnoreLayers` is one folder's view of all this; the walk asks for the view of a subfolder when it enters it.
 */
import { basename, dirname, join } from 'node:path'
import { withoutRoot } from '../../../common/format'
import { compileGlob, type PathMatcher } from '../../names/glob'
import { GitFiles } from './gitExcludes'

/** Names of the files that hold patterns. */
export const GIT_IGNORE = '.gitignore'
export const PEERFOLD_IGNORE = '.peerfoldignore'

/** Folders looked at above the shared one for the top of its repository. */
const MAX_PARENTS = 64

export interface IgnoreRule {
  /** The line as it was written. */
  readonly pattern: string
  readonly negated: boolean
  readonly folderOnly: boolean
  readonly matches: PathMatcher
}

/** `git-exclude`: `info/exclude` or the user's own ignore file. */
export type IgnoreReason = 'gitignore' | 'git-exclude' | 'peerfoldignore' | 'settings'

export interface IgnoreVerdict {
  readonly ignored: boolean
  readonly reason: IgnoreReason
  /** The line that decided, and where it stands. */
  readonly detail: string
}

/** Reads the lines of an ignore file, first to last. Any text is accepted; malformed lines match nothing. */
export function parseIgnore(text: string, ignoreCase: boolean): IgnoreRule[] {
  const rules: IgnoreRule[] = []
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    const line = trimTrailingSpaces(raw.endsWith('\r') ? raw.slice(0, -1) : raw)
    if (line === '' || line.startsWith('#')) continue
    const negated = line.startsWith('!')
    const unsigned = negated ? line.slice(1) : line
    const folderOnly = unsigned.endsWith('/')
    const body = folderOnly ? unsigned.slice(0, -1) : unsigned
    rules.push({ pattern: line, negated, folderOnly, matches: compileGlob(body, ignoreCase) })
  }
  return rules
}

/** Trailing spaces do not count unless a backslash stands before them. */
function trimTrailingSpaces(line: string): string {
  let end = line.length
  while (end > 0 && line.charAt(end - 1) === ' ') end--
  if (end === line.length) return line
  let backslashes = 0
  while (line.charAt(end - 1 - backslashes) === '\\') backslashes++
  return line.slice(0, backslashes % 2 === 1 ? end + 1 : end)
}

/** The rules of one file. `depth`: how many components its folder lies below the top. */
interface RuleFile {
  readonly reason: IgnoreReason
  readonly above: RuleFile | undefined
  readonly depth: number
  readonly shown: string
  readonly rules: readonly IgnoreRule[]
}

function decide(file: RuleFile | undefined, components: readonly string[], isFolder: boolean) {
  for (let at = file; at !== undefined; at = at.above) {
    for (let index = at.rules.length - 1; index >= 0; index--) {
      const rule = at.rules[index]
      if (rule === undefined || (rule.folderOnly && !isFolder)) continue
      if (rule.matches(components, at.depth)) return { ignored: !rule.negated, rule, file: at }
    }
  }
  return undefined
}

export class IgnoreLayers {
  private constructor(
    private readonly gitFiles: GitFiles,
    private readonly ignoreCase: boolean,
    /** Components of this folder's path, from the top of the repository or from the shared folder. */
    private readonly components: readonly string[],
    private readonly own: RuleFile | undefined,
    private readonly settings: RuleFile | undefined,
    private readonly git: RuleFile | undefined,
  ) {}

  /**
   * The view of a shared folder before its own ignore files are read.
   *
   * @param root absolute path of the shared folder
   * @param settings patterns from the user's settings, one line each
   * @param ignoreCase whether the folder's file system takes `A` and `a` for the same; default: the system's usual
   * @param gitFiles notes what is read outside of the shared folder
   * @throws PeerfoldError `source-unreadable` when an ignore file above the folder, or one of git's, cannot be read
   */
  static forRoot(
    root: string,
    settings: readonly string[],
    ignoreCase = ignoresCase(),
    gitFiles = new GitFiles(),
  ): IgnoreLayers {
    const { outer, git } = rulesAround(root, ignoreCase, gitFiles)
    const rules = parseIgnore(settings.join('\n'), ignoreCase)
    const shown = 'the settings'
    const fromSettings: RuleFile = { reason: 'settings', above: undefined, depth: outer.length, shown, rules }
    return new IgnoreLayers(gitFiles, ignoreCase, outer, undefined, fromSettings, git)
  }

  /** What the rules say about an entry of this folder; undefined when no line matches it. */
  verdict(name: string, isFolder: boolean): IgnoreVerdict | undefined {
    const components = [...this.components, this.fold(name)]
    for (const last of [this.own, this.settings, this.git]) {
      const found = decide(last, components, isFolder)
      if (found === undefined) continue
      const { ignored, rule, file } = found
      return { ignored, reason: file.reason, detail: `“${rule.pattern}” in ${file.shown}` }
    }
    return undefined
  }

  /**
   * The same view with the patterns that stand in this folder's own files.
   *
   * @param shown the folder's drive path, `''` for the shared folder itself, for messages
   */
  withFiles(shown: string, texts: { readonly git?: string; readonly own?: string }): IgnoreLayers {
    const layer = (
      reason: IgnoreReason,
      above: RuleFile | undefined,
      name: string,
      text: string | undefined,
    ): RuleFile | undefined => {
      const rules = text === undefined ? [] : parseIgnore(text, this.ignoreCase)
      if (rules.length === 0) return above
      return { reason, above, depth: this.components.length, shown: withoutRoot(`${shown}/${name}`), rules }
    }
    const own = layer('peerfoldignore', this.own, PEERFOLD_IGNORE, texts.own)
    return this.with(this.components, own, layer('gitignore', this.git, GIT_IGNORE, texts.git))
  }

  /**
   * The same view where this folder, below the shared one, is a git repository. To be asked before `withFiles`.
   *
   * @param folder absolute path of this folder
   * @throws PeerfoldError `source-unreadable`
   */
  withRepository(folder: string): IgnoreLayers {
    const { gitFiles, ignoreCase, components } = this
    const git = withExcludes(this.git, folder, components.length, ignoreCase, gitFiles)
    return git === this.git ? this : this.with(components, this.own, git)
  }

  /** The view of a subfolder. */
  enter(name: string): IgnoreLayers {
    return this.with([...this.components, this.fold(name)], this.own, this.git)
  }

  private with(
    components: readonly string[],
    own: RuleFile | undefined,
    git: RuleFile | undefined,
  ): IgnoreLayers {
    return new IgnoreLayers(this.gitFiles, this.ignoreCase, components, own, this.settings, git)
  }

  private fold(name: string): string {
    return this.ignoreCase ? name.toLowerCase() : name
  }
}

export function ignoresCase(platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' || platform === 'darwin'
}

/** Adds the rules of a repository's `info/exclude` and of the user's own file to those around it. */
function withExcludes(
  around: RuleFile | undefined,
  top: string,
  depth: number,
  ignoreCase: boolean,
  gitFiles: GitFiles,
): RuleFile | undefined {
  let git = around
  for (const { path, text } of gitFiles.excludesOf(top)) {
    const rules = parseIgnore(text, ignoreCase)
    if (rules.length > 0) git = { reason: 'git-exclude', above: git, depth, shown: path, rules }
  }
  return git
}

/**
 * git's rules around a shared folder: sharing `repository/packages/app` leaves out what the repository's own rules
 * leave out. Its `.gitignore` files are dropped when they ignore the shared folder itself: somebody who shares a build
 * folder wants what is in it. The same holds for its other ignore files.
 */
function rulesAround(
  root: string,
  ignoreCase: boolean,
  gitFiles: GitFiles,
): { outer: string[]; git: RuleFile | undefined } {
  const parents: string[] = []
  for (let folder = root; ; folder = dirname(folder)) {
    if (gitFiles.inputs.has(join(folder, '.git'))) break
    if (dirname(folder) === folder || parents.length === MAX_PARENTS) return { outer: [], git: undefined }
    parents.unshift(dirname(folder))
  }
  const names = [...parents.slice(1), ...(parents.length === 0 ? [] : [root])].map(folder => basename(folder))
  const outer = ignoreCase ? names.map(name => name.toLowerCase()) : names
  const ignoresRoot = (rules: RuleFile | undefined) =>
    outer.some((_, depth) => decide(rules, outer.slice(0, depth + 1), true)?.ignored)
  const all = withExcludes(undefined, parents[0] ?? root, 0, ignoreCase, gitFiles)
  const excludes = ignoresRoot(all) ? undefined : all
  let git = excludes
  for (const [depth, folder] of parents.entries()) {
    const shown = join(folder, GIT_IGNORE)
    const text = gitFiles.readIgnore(shown)
    if (text !== undefined)
      git = { reason: 'gitignore', above: git, depth, shown, rules: parseIgnore(text, ignoreCase) }
    if (decide(git, outer.slice(0, depth + 1), true)?.ignored) return { outer, git: excludes }
  }
  return { outer, git }
}
