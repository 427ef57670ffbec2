/**
 * Reads the command line. One table has all that is allowed; anything else is a `UsageError` that says what is wrong.
 * Nothing is looked up or opened here.
 */
import { parseArgs } from 'node:util'
import { formatCount } from '../common/format'
import { readVersion, type VersionWanted } from './versionText'

export const COMMANDS = ['share', 'get', 'ls', 'cat', 'log', 'diff', 'seed', 'status', 'stop', 'dht'] as const
export type CommandName = (typeof COMMANDS)[number]

/** A command line that cannot be meant: exit code 2. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** The command it is about, when that much is known. */
    readonly command?: CommandName,
  ) {
    super(message)
  }
}

export interface Arguments {
  readonly command: CommandName
  /** As many as the command wants; those in brackets in its help may be missing. */
  readonly operands: readonly string[]
  /** Bootstrap nodes, `host:port`. */
  readonly bootstrap?: readonly string[]
  /** The data folder, as given. */
  readonly storage?: string
  readonly json: boolean
  /** Milliseconds. */
  readonly timeout: number
  readonly isPublic: boolean
  readonly once: boolean
  readonly newLink: boolean
  /** Keep the folder in sync. */
  readonly live: boolean
  /** Patterns of what `live` keeps in sync; none: everything. */
  readonly only: readonly string[]
  /** Continue where the command would ask. */
  readonly yes: boolean
  readonly port: number
  readonly host: string
  /** The version that is meant; absent: the one of the link, or the newest. */
  readonly at?: VersionWanted
  /** The most versions that are listed. */
  readonly limit: number
}

export type Invocation =
  | { readonly kind: 'help'; readonly command?: CommandName }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly arguments: Arguments }

type OptionName =
  | 'bootstrap'
  | 'storage'
  | 'json'
  | 'timeout'
  | 'public'
  | 'once'
  | 'new-link'
  | 'live'
  | 'only'
  | 'yes'
  | 'port'
  | 'host'
  | 'at'
  | 'limit'

const OPTIONS = {
  bootstrap: { type: 'string' },
  storage: { type: 'string' },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  public: { type: 'boolean' },
  once: { type: 'boolean' },
  'new-link': { type: 'boolean' },
  live: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  yes: { type: 'boolean' },
  port: { type: 'string' },
  host: { type: 'string' },
  at: { type: 'string' },
  limit: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const

/** What each command takes: names of operands (those in brackets may be missing) and of options. */
const TABLE: Record<CommandName, { operands: readonly string[]; options: readonly OptionName[] }> = {
  share: {
    operands: ['folder'],
    options: ['bootstrap', 'storage', 'json', 'public', 'once', 'new-link', 'timeout', 'yes'],
  },
  get: {
    operands: ['link', 'folder'],
    options: ['bootstrap', 'storage', 'json', 'timeout', 'at', 'live', 'only', 'yes'],
  },
  ls: { operands: ['link', '[path]'], options: ['bootstrap', 'storage', 'json', 'timeout', 'at'] },
  cat: { operands: ['link', '[path]'], options: ['bootstrap', 'storage', 'timeout', 'at'] },
  log: {
    operands: ['link or folder', '[path]'],
    options: ['bootstrap', 'storage', 'json', 'timeout', 'at', 'limit'],
  },
  diff: {
    operands: ['link or folder', 'version', 'second version'],
    options: ['bootstrap', 'storage', 'json', 'timeout'],
  },
  seed: { operands: ['link'], options: ['bootstrap', 'storage', 'json', 'timeout'] },
  status: { operands: [], options: ['bootstrap', 'storage', 'json', 'timeout'] },
  stop: { operands: [], options: ['bootstrap', 'storage', 'json', 'timeout'] },
  // `dht` has no use for the first three. Scripts may pass them to every command.
  dht: { operands: [], options: ['bootstrap', 'storage', 'timeout', 'json', 'port', 'host'] },
}

const DEFAULT_TIMEOUT = 30
const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000_000
const MAX_TIMEOUT = 7 * 24 * 3_600

/** @param given what follows the program's name. Throws `UsageError`. */
export function readArguments(given: readonly string[]): Invocation {
  const { values, positionals } = parse(given)
  const [first, ...rest] = positionals
  if (values.version) return { kind: 'version' }
  if (first === 'help' || values.help || first === undefined) {
    const asked = first === 'help' ? rest[0] : first
    if (asked !== undefined) return { kind: 'help', command: readCommand(asked) }
    if (first === undefined && !values.help) throw new UsageError('A command is missing.')
    return { kind: 'help' }
  }
  const command = readCommand(first)
  checkOptions(command, values)
  return {
    kind: 'run',
    arguments: {
      command,
      operands: readOperands(command, rest),
      json: values.json ?? false,
      isPublic: values.public ?? false,
      once: values.once ?? false,
      newLink: values['new-link'] ?? false,
      live: values.live ?? false,
      only: readOnly(command, values),
      yes: values.yes ?? false,
      timeout: 1_000 * readNumber(command, 'timeout', values.timeout, DEFAULT_TIMEOUT, MAX_TIMEOUT),
      port: readNumber(command, 'port', values.port, 0, 65_535),
      host: values.host ?? '127.0.0.1',
      limit: readNumber(command, 'limit', values.limit, DEFAULT_LIMIT, MAX_LIMIT),
      ...(values.at === undefined ? {} : { at: readAt(command, values.at) }),
      ...(values.bootstrap === undefined ? {} : { bootstrap: readBootstrap(command, values.bootstrap) }),
      ...(values.storage === undefined ? {} : { storage: readStorage(command, values.storage) }),
    },
  }
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({ args: [...given], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(wrongOption(error))
  }
}

/** What is wrong with an option, in one sentence. Node says it in several ways, with more than one. */
function wrongOption(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, option] = /'(?:-\w, )?(--?[^\s'=]+)/.exec(message) ?? []
  if (option === undefined) return message
  if (/^Unknown/.test(message)) return `There is no option “${option}”.`
  return /does not take/.test(message) ? `${option} takes no value.` : `${option} needs a value.`
}

function readCommand(name: string): CommandName {
  const found = COMMANDS.find(command => command === name)
  if (found === undefined) throw new UsageError(`There is no command “${name}”.`)
  return found
}

function checkOptions(command: CommandName, values: object): void {
  const allowed: readonly string[] = TABLE[command].options
  const foreign = Object.keys(values).find(name => !allowed.includes(name))
  if (foreign !== undefined) throw new UsageError(`“${command}” has no option --${foreign}.`, command)
}

interface LiveOptions {
  readonly live?: boolean
  readonly only?: string[]
  readonly yes?: boolean
  readonly at?: string
}

/** The patterns of --only. Refuses options that make sense only with --live, or not with it. */
function readOnly(command: CommandName, { live, only = [], yes, at }: LiveOptions): readonly string[] {
  if (live === true && at !== undefined)
    throw new UsageError('--at is of one version; --live follows the newest.', command)
  const stray = only.length > 0 ? 'only' : yes === true ? 'yes' : undefined
  if (command === 'get' && stray !== undefined && live !== true)
    throw new UsageError(`--${stray} needs --live.`, command)
  if (only.includes('')) throw new UsageError('--only needs a pattern.', command)
  return only
}

function readOperands(command: CommandName, given: readonly string[]): readonly string[] {
  const { operands } = TABLE[command]
  const missing = operands.filter(name => !name.startsWith('['))[given.length]
  if (missing !== undefined) throw new UsageError(`“${command}” needs a ${missing}.`, command)
  const extra = given[operands.length]
  if (extra !== undefined) throw new UsageError(`“${extra}” is one argument too many.`, command)
  const empty = operands.find((_, index) => given[index] === '')
  if (empty !== undefined) throw new UsageError(`The ${empty.replace(/[[\]]/g, '')} is empty.`, command)
  return given
}

/** Whole numbers for ports and limits; seconds may have a fraction. */
function readNumber(
  command: CommandName,
  name: 'timeout' | 'port' | 'limit',
  text: string | undefined,
  otherwise: number,
  max: number,
): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  const isValid = name === 'timeout' ? /^\d+(\.\d+)?$/.test(text) && value > 0 : /^\d+$/.test(text)
  if (isValid && value <= max) return value
  const wanted = {
    port: `a port from 0 to ${max}`,
    limit: `a number up to ${formatCount(max)}`,
    timeout: `a number of seconds above 0 and up to ${formatCount(max)}`,
  }[name]
  throw new UsageError(`--${name} needs ${wanted}, not “${text}”.`, command)
}

function readBootstrap(command: CommandName, text: string): readonly string[] {
  const nodes = text.split(',').map(node => node.trim())
  for (const node of nodes) {
    const [, port] = /^[a-z0-9._-]+:(\d{1,5})$/i.exec(node) ?? []
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw new UsageError(`--bootstrap needs host:port[,host:port…], not “${text}”.`, command)
    }
  }
  return nodes
}

function readAt(command: CommandName, text: string): VersionWanted {
  const at = readVersion(text)
  if (at !== undefined) return at
  throw new UsageError(
    `--at needs the number of a version, a time (2026-03-01, "2026-03-01 18:30") or how long ago (2h, 3d), not “${text}”.`,
    command,
  )
}

function readStorage(command: CommandName, text: string): string {
  if (text === '') throw new UsageError('--storage needs a folder.', command)
  return text
}
