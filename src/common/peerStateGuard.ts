/**
 * Tells whether an unknown value has the shape of a `PeerState`, so that it may be drawn. One small check per type
 * of model.ts, put together from a few combinators; each names every field it needs.
 */
import type { UserError } from './errors'
import type {
  OpenedShareState,
  OpenedStatus,
  PeerState,
  Progress,
  Rates,
  RemotePeer,
  SearchReason,
  ShareState,
  TransferState,
} from './model'

type Check = (value: unknown) => boolean

/** More than any view can show; a longer list is not a state. */
const MAX_LIST = 100_000
const MAX_TEXT = 100_000

export function isPeerState(value: unknown): value is PeerState {
  return has(value, {
    revision: isSize,
    me: me => has(me, { id: isText, name: isText }),
    network: isNetwork,
    keepRunning: isFlag,
    rates: isRates,
    shares: isList(isShare),
    opened: isList(isOpenedShare),
    peers: isList(isRemotePeer),
    transfers: isList(isTransfer),
  })
}

const isNetwork: Check = value =>
  hasKind(value, {
    idle: {},
    connecting: {},
    online: { firewalled: isFlag },
    unreachable: { bootstrap: isList(isText) },
  })

function isShare(value: unknown): value is ShareState {
  return has(value, {
    id: isText,
    name: isText,
    source: isText,
    isFile: isFlag,
    isPublic: isFlag,
    status: isShareStatus,
    files: isSize,
    bytes: isSize,
    version: isSize,
    skipped: isCounts,
    unportable: optional(isSize),
    peers: isSize,
    rates: isRates,
    held: optional(isList(isHeldFiles)),
  })
}

const isHeldFiles: Check = value =>
  has(value, {
    kind: isOneOf(['disk', 'removal', 'update']),
    files: isSize,
    paths: isList(isText),
    until: optional(isSize),
  })

const isShareStatus: Check = value =>
  hasKind(value, { publishing: {}, sharing: {}, stopped: {}, failed: { error: isUserError } })

function isOpenedShare(value: unknown): value is OpenedShareState {
  return has(value, {
    id: isText,
    name: isText,
    fingerprint: isText,
    isFile: isFlag,
    isPublic: isFlag,
    status: isOpenedStatus,
    contents: optional(contents => has(contents, { version: isSize, files: isSize, bytes: isSize })),
    bytesHere: isSize,
    peers: isSize,
    rates: isRates,
    stopped: isFlag,
  })
}

/** Listed by name, so that a new reason or kind fails to compile until it is checked here. */
const SEARCH_REASONS: Record<SearchReason, true> = {
  'just-started': true,
  'bootstrap-unreachable': true,
  'nobody-announces': true,
  'cannot-connect': true,
  'no-answer': true,
}
const isSearchReason: Check = value => isText(value) && Object.hasOwn(SEARCH_REASONS, value)

const OPENED_STATUSES: Record<OpenedStatus['kind'], Record<string, Check>> = {
  searching: { why: isSearchReason },
  connected: {},
  offline: { why: isSearchReason },
  failed: { error: isUserError },
}
const isOpenedStatus: Check = value => hasKind(value, OPENED_STATUSES)

function isRemotePeer(value: unknown): value is RemotePeer {
  return has(value, {
    id: isText,
    name: isText,
    transport: isOneOf(['udx', 'tcp']),
    path: optional(isOneOf(['only', 'near', 'first', 'faster'])),
    address: optional(isText),
    blocked: isFlag,
    shares: isList(isText),
    owns: optional(isList(isText)),
    rates: isRates,
    downBytes: isSize,
    upBytes: isSize,
  })
}

function isTransfer(value: unknown): value is TransferState {
  return has(value, {
    id: isText,
    kind: isOneOf(['import', 'copy', 'seed', 'read']),
    share: optional(isText),
    name: isText,
    folder: optional(isText),
    status: isTransferStatus,
    files: isProgress,
    bytes: isProgress,
    rate: isSize,
    timeLeft: optional(isSize),
  })
}

const isTransferStatus: Check = value =>
  hasKind(value, {
    running: {},
    paused: { error: isUserError },
    done: { result: isTransferResult },
    cancelled: {},
    failed: { error: isUserError },
  })

const isTransferResult: Check = value =>
  has(value, {
    files: isSize,
    bytes: isSize,
    fetched: isSize,
    skipped: isList(entry => has(entry, { path: isText, reason: isText, detail: isText })),
    skippedCount: isSize,
    conflicts: isList(conflict => has(conflict, { path: isText, copy: isText })),
    conflictCount: optional(isSize),
    warnings: isList(isText),
    changes: optional(changes => has(changes, { added: isSize, updated: isSize, gone: isSize })),
    stale: isFlag,
    silent: optional(isList(peer => has(peer, { id: isText, name: isText }))),
  })

function isProgress(value: unknown): value is Progress {
  return has(value, { done: isSize, total: optional(isSize) })
}

function isRates(value: unknown): value is Rates {
  return has(value, { down: isSize, up: isSize })
}

function isUserError(value: unknown): value is UserError {
  return has(value, { code: isText, message: isText })
}

const isCounts: Check = value => isRecord(value) && Object.values(value).every(isSize)

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT
}

/** A finite number that is not negative: bytes, counts, seconds. */
export function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

export function isList<T>(check: (item: unknown) => item is T): (value: unknown) => value is T[]
export function isList(check: Check): Check
export function isList(check: Check): Check {
  return value => Array.isArray(value) && value.length <= MAX_LIST && value.every(item => check(item))
}

export function isOneOf<const T extends string>(choices: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => choices.some(choice => choice === value)
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function optional(check: Check): Check {
  return value => value === undefined || check(value)
}

function has(value: unknown, fields: Readonly<Record<string, Check>>): boolean {
  return isRecord(value) && Object.entries(fields).every(([name, check]) => check(value[name]))
}

/** A discriminated union: the fields that each `kind` must have. */
function hasKind(value: unknown, kinds: Readonly<Record<string, Readonly<Record<string, Check>>>>): boolean {
  if (!isRecord(value) || typeof value.kind !== 'string' || !Object.hasOwn(kinds, value.kind)) return false
  return has(value, kinds[value.kind] ?? {})
}
