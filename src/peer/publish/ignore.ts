/**
 * What ignore files and settings leave out of a share, with git's rules.
 *
 * There are three sources. Each one that has an opinion about a path overrules those after it:
 *   1. `.peerfoldignore` files: the folder's own word about sharing, so it can bring back what git leaves out
 *   2. the patterns in the user's settings, taken as if they stood in the shared folder
 *   3. `.gitignore` files, also those above the shared folder up to the top of its git repository
 * Within 1 and 3 the deepest file that matches decides, and within one file its last matching line. Something inside
 * an ignored folder stays ignored, because the walk never enters that folder.
 *
 * `IgnoreLayers` is one folder's view of all this; the walk asks for the view of a subfolder when it enters it.
 */
import { lstatSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { compileGlob, type PathMatcher } from './glob'
import { readSmallFile } from './smallFile'

/** Names of the files that hold patterns. */
export const GIT_IGNORE = '.gitignore'
export const PEERFOLD_IGNORE = '.peerfoldignore'

/** Bytes. A larger ignore file is treated as unreadable. */
export const MAX_IGNORE_FILE = 1024 * 1024
/** Folders looked at above the shared one for the top of its repository. */
const MAX_PARENTS = 64

export interface IgnoreRule {
  /** The line as it was written. */
  readonly pattern: string
  readonly negated: boolean
  readonly folderOnly: boolean
  readonly matches: PathMatcher
}

export interface IgnoreVerdict {
  readonly ignored: boolean
  readonly reason: 'gitignore' | 'peerfoldignore' | 'settings'
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

/** The rules of one file: which folder they belong to, by how many components it lies below the top. */
interface RuleFile {
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
      if (rule.matches(components, at.depth)) return { ignored: !rule.negated, rule, shown: at.shown }
    }
  }
  return undefined
}

export class IgnoreLayers {
  private constructor(
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
   */
  static forRoot(root: string, settings: readonly string[], ignoreCase = ignoresCase()): IgnoreLayers {
    const { outer, git } = rulesAbove(root, ignoreCase)
    const rules = parseIgnore(settings.join('\n'), ignoreCase)
    const fromSettings = { above: undefined, depth: outer.length, shown: 'the settings', rules }
    return new IgnoreLayers(ignoreCase, outer, undefined, fromSettings, git)
  }

  /** Says what the rules have to say about an entry of this folder, or undefined when no line matches it. */
  verdict(name: string, isFolder: boolean): IgnoreVerdict | undefined {
    const components = [...this.components, this.fold(name)]
    for (const reason of ['peerfoldignore', 'settings', 'gitignore'] as const) {
      const file = { peerfoldignore: this.own, settings: this.settings, gitignore: this.git }[reason]
      const found = decide(file, components, isFolder)
      if (found === undefined) continue
      return { ignored: found.ignored, reason, detail: `“${found.rule.pattern}” in ${found.shown}` }
    }
    return undefined
  }

  /**
   * The same view with the patterns that stand in this folder's own files.
   *
   * @param shown the folder's drive path, `''` for the shared folder itself, for messages
   */
  withFiles(shown: string, texts: { readonly git?: string; readonly own?: string }): IgnoreLayers {
    const layer = (above: RuleFile | undefined, name: string, text: string | undefined) => {
      const rules = text === undefined ? [] : parseIgnore(text, this.ignoreCase)
      if (rules.length === 0) return above
      return { above, depth: this.components.length, shown: `${shown}/${name}`, rules }
    }
    return new IgnoreLayers(
      this.ignoreCase,
      this.components,
      layer(this.own, PEERFOLD_IGNORE, texts.own),
      this.settings,
      layer(this.git, GIT_IGNORE, texts.git),
    )
  }

  /** The view of a subfolder. */
  enter(name: string): IgnoreLayers {
    const components = [...this.components, this.fold(name)]
    return new IgnoreLayers(this.ignoreCase, components, this.own, this.settings, this.git)
  }

  private fold(name: string): string {
    return this.ignoreCase ? name.toLowerCase() : name
  }
}

export function ignoresCase(platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' || platform === 'darwin'
}

/**
 * The `.gitignore` files above a folder inside a git repository: sharing `repository/packages/app` leaves out what
 * the repository's own rules leave out. When those rules ignore the shared folder itself they are dropped, since
 * somebody who shares a build folder wants what is in it.
 */
function rulesAbove(root: string, ignoreCase: boolean): { outer: string[]; git: RuleFile | undefined } {
  const none = { outer: [], git: undefined }
  const parents: string[] = []
  for (let folder = root; ; folder = dirname(folder)) {
    if (exists(join(folder, '.git'))) break
    if (dirname(folder) === folder || parents.length === MAX_PARENTS) return none
    parents.unshift(dirname(folder))
  }
  if (parents.length === 0) return none
  const names = [...parents.slice(1), root].map(folder => basename(folder))
  const outer = ignoreCase ? names.map(name => name.toLowerCase()) : names
  let git: RuleFile | undefined
  for (const [depth, folder] of parents.entries()) {
    const read = readSmallFile(join(folder, GIT_IGNORE), MAX_IGNORE_FILE, { follow: true })
    if (read.kind === 'content') {
      const rules = parseIgnore(read.bytes.toString('utf8'), ignoreCase)
      git = { above: git, depth, shown: join(folder, GIT_IGNORE), rules }
    }
    if (decide(git, outer.slice(0, depth + 1), true)?.ignored) return none
  }
  return { outer, git }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    // A parent that may not be looked into has no rules that git would apply either.
    return false
  }
}
