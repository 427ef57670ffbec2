/**
 * Reads what git's configuration says about one thing: where the user's own ignore file is (`core.excludesFile`).
 *
 * The files are read here instead of asking git, which need not be installed and starts slowly. As git does, the last
 * value wins, a file that another includes counts at the place of the include, and includes end at a depth of ten.
 * Of `includeIf`, conditions on the repository's place are judged, others do not hold. Malformed lines say nothing.
 */
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { compileGlob } from '../../names/glob'
import type { Inputs } from '../scan/inputs'

/** Bytes. No more of a configuration is read. */
const MAX_CONFIG = 1024 * 1024
const MAX_DEPTH = 10
/** Files read for one answer. */
const MAX_FILES = 100

export interface ConfigEntry {
  /** In lower case. */
  readonly section: string
  readonly subsection: string
  /** In lower case. */
  readonly key: string
  /** Undefined for a key alone, which means true. */
  readonly value: string | undefined
}

const HEADER = /^[ \t]*\[[ \t]*([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\]|\\.)*)")?[ \t]*\]/
const KEY = /^[ \t]*([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)/

/** The entries of a configuration file, in order. */
export function parseGitConfig(text: string): ConfigEntry[] {
  const entries: ConfigEntry[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  let section = ''
  let subsection = ''
  for (let index = 0; index < lines.length; index++) {
    let line = lines[index] ?? ''
    const header = HEADER.exec(line)
    if (header !== null) {
      const [whole, name = '', quoted] = header
      const dot = name.indexOf('.')
      section = (dot === -1 ? name : name.slice(0, dot)).toLowerCase()
      subsection = quoted?.replace(/\\(.)/g, '$1') ?? (dot === -1 ? '' : name.slice(dot + 1).toLowerCase())
      line = line.slice(whole.length)
    }
    const found = KEY.exec(line)
    if (found === null) continue
    const [whole, key = '', equals] = found
    if (equals === '') {
      if (line.slice(whole.length).trim() === '')
        entries.push({ section, subsection, key: key.toLowerCase(), value: undefined })
      continue
    }
    let rest = line.slice(whole.length)
    while (isContinued(rest) && index + 1 < lines.length) rest = `${rest}\n${lines[++index] ?? ''}`
    const value = parseValue(rest)
    if (value !== undefined) entries.push({ section, subsection, key: key.toLowerCase(), value })
  }
  return entries
}

/** Whether the last of these lines ends with a backslash that counts: not in a comment, and not itself escaped. */
function isContinued(text: string): boolean {
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '\\') {
      if (++at === text.length) return true
    } else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && (char === '#' || char === ';')) return false
  }
  return false
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['b', '\b'],
  ['\\', '\\'],
  ['"', '"'],
  ['\n', ''],
])

/** Undefined when it is malformed. */
function parseValue(text: string): string | undefined {
  let value = ''
  /** Spaces that count only when something follows. */
  let spaces = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (!isQuoted && (char === '#' || char === ';')) break
    if (!isQuoted && (char === ' ' || char === '\t')) {
      if (value !== '') spaces += char
      continue
    }
    if (char === '"') {
      isQuoted = !isQuoted
      continue
    }
    let taken: string | undefined = char
    if (char === '\\') taken = ESCAPES.get(text.charAt(++at))
    if (taken === undefined) return undefined
    if (taken === '') continue
    value += spaces + taken
    spaces = ''
  }
  return isQuoted ? undefined : value
}

/** A repository as git sees it. Absolute paths. */
export interface Repository {
  /** The folder whose files it tracks. */
  readonly top: string
  /** Its own `.git`; of a worktree, the folder that the `.git` file names. */
  readonly gitDir: string
  /** What all worktrees share: `config` and `info` lie here. */
  readonly commonDir: string
}

/** The user's ignore file for a repository, absolute; undefined when there is none. It need not exist. */
export function excludesFile(
  repository: Repository,
  inputs: Inputs,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const home = env.HOME || homedir()
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config')
  const reading = { repository, inputs, home, left: MAX_FILES }
  const userFiles = [join(configHome, 'git', 'config'), join(home, '.gitconfig')]
  const local = entriesOf(join(repository.commonDir, 'config'), reading)
  const hasOwn = local.some(
    ({ section, subsection, key, value }) =>
      section === 'extensions' &&
      subsection === '' &&
      key === 'worktreeconfig' &&
      value?.toLowerCase() !== 'false',
  )
  const entries = [
    ...systemFiles(env).flatMap(file => entriesOf(file, reading)),
    ...(env.GIT_CONFIG_GLOBAL === undefined ? userFiles : [env.GIT_CONFIG_GLOBAL]).flatMap(file =>
      entriesOf(file, reading),
    ),
    ...local,
    ...(hasOwn ? entriesOf(join(repository.gitDir, 'config.worktree'), reading) : []),
  ]
  const said = entries.findLast(
    ({ section, subsection, key }) => section === 'core' && subsection === '' && key === 'excludesfile',
  )
  if (said === undefined) return join(configHome, 'git', 'ignore')
  const path = expand(said.value ?? '', home)
  return path === '' ? undefined : resolve(repository.top, path)
}

function systemFiles(env: NodeJS.ProcessEnv): string[] {
  if (env.GIT_CONFIG_NOSYSTEM !== undefined && !/^(0|false|no|off|)$/i.test(env.GIT_CONFIG_NOSYSTEM))
    return []
  if (env.GIT_CONFIG_SYSTEM !== undefined) return [env.GIT_CONFIG_SYSTEM]
  switch (process.platform) {
    case 'win32':
      return [
        join(env.ProgramData ?? 'C:\\ProgramData', 'Git', 'config'),
        join(env.ProgramFiles ?? 'C:\\Program Files', 'Git', 'etc', 'gitconfig'),
      ]
    case 'darwin':
      return [
        '/Library/Developer/CommandLineTools/usr/share/git-core/gitconfig',
        '/usr/local/etc/gitconfig',
        '/opt/homebrew/etc/gitconfig',
        '/etc/gitconfig',
      ]
    default:
      return ['/etc/gitconfig']
  }
}

interface Reading {
  readonly repository: Repository
  readonly inputs: Inputs
  readonly home: string
  left: number
}

/** The entries of a file and of what it includes. */
function entriesOf(file: string, reading: Reading, depth = 0): ConfigEntry[] {
  if (depth > MAX_DEPTH || reading.left-- <= 0) return []
  // A file that may not be read counts as absent, for git as well.
  const read = reading.inputs.read(file, MAX_CONFIG)
  if (read.kind !== 'content') return []
  return parseGitConfig(read.bytes.toString('utf8')).flatMap(entry => {
    const { section, subsection, key, value } = entry
    if (key !== 'path' || value === undefined) return [entry]
    const isIncluded =
      (section === 'include' && subsection === '') ||
      (section === 'includeif' && conditionHolds(subsection, file, reading))
    if (!isIncluded) return [entry]
    return entriesOf(resolve(dirname(file), expand(value, reading.home)), reading, depth + 1)
  })
}

function conditionHolds(condition: string, file: string, { repository, home }: Reading): boolean {
  const found = /^gitdir(\/i)?:(.*)$/s.exec(condition)
  if (found === null) return false
  let pattern = expand(found[2] ?? '', home).replaceAll('\\', '/')
  if (pattern.startsWith('./')) pattern = dirname(file).replaceAll('\\', '/') + pattern.slice(1)
  else if (!isAbsolute(pattern)) pattern = `**/${pattern}`
  if (pattern.endsWith('/')) pattern += '**'
  const ignoreCase = found[1] !== undefined
  const gitDir = repository.gitDir.replaceAll('\\', '/')
  const components = (ignoreCase ? gitDir.toLowerCase() : gitDir).split('/').filter(Boolean)
  return compileGlob(pattern, ignoreCase)(components, 0)
}

/** With the home folder in the place of `~`. */
function expand(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? home + path.slice(1) : path
}
