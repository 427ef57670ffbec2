/** Checks requests: what a client sends becomes a typed value here or is refused with `bad-request`. */
import { isAbsolute } from 'node:path'
import * as v from 'valibot'
import type { DrivePath, PeerId, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { MAX_KEPT_COUNT, MAX_KEPT_DAYS } from '../../common/keptVersions'
import { LIMIT_SETTINGS } from '../../common/limitSettings'
import { isShareId, MAX_LINK_LENGTH } from '../../common/link'
import type { Method, Params } from '../../common/protocol'
import { SETTING_LIMITS } from '../../common/settingLimits'
import { isProofSized, PROOF_LENGTH } from '../../wire/challenge'

const MAX_PATH = 8_192

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const milliseconds = v.pipe(v.number(), v.minValue(0), v.maxValue(2 ** 31 - 1))
const id = v.custom<ShareId>(value => typeof value === 'string' && isShareId(value), 'not a share id')
const peer = v.custom<PeerId>(
  value => typeof value === 'string' && /^[a-z1-9]{16}$/.test(value),
  'not a peer id',
)
const job = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'not a job id'))
const text = (max: number) => v.pipe(v.string(), v.maxLength(max))
const localPath = v.pipe(text(MAX_PATH), v.check(isAbsolute, 'not an absolute path'))
const isDrivePath = (value: unknown) =>
  typeof value === 'string' && value.length <= MAX_PATH && value.startsWith('/')
const path = v.custom<DrivePath>(isDrivePath, 'not a path in a share')
const patterns = v.pipe(v.array(text(SETTING_LIMITS.pattern)), v.maxLength(SETTING_LIMITS.patterns))
const connections = v.pipe(count, v.minValue(1), v.maxValue(LIMIT_SETTINGS.connections.most))
const keptDays = v.pipe(count, v.minValue(1), v.maxValue(LIMIT_SETTINGS.keptDays.most))
const umask = v.pipe(count, v.maxValue(0o777))
const proof = v.custom<Uint8Array>(isProofSized, `not ${PROOF_LENGTH} bytes`)
const heldKind = v.picklist(['disk', 'removal', 'update'])
const rule = v.variant('kind', [
  v.object({ kind: v.picklist(['thinned', 'all', 'none']) }),
  v.object({ kind: v.literal('days'), days: v.pipe(count, v.maxValue(MAX_KEPT_DAYS)) }),
  v.object({ kind: v.literal('count'), count: v.pipe(count, v.maxValue(MAX_KEPT_COUNT)) }),
])
const nothing = v.object({})
const share = v.object({ id })
const live = v.object({ live: job })

const source = {
  source: localPath,
  name: v.exactOptional(text(200)),
  isPublic: v.boolean(),
  once: v.boolean(),
  keep: v.boolean(),
  renew: v.exactOptional(v.boolean()),
  allow: v.pipe(v.array(path), v.maxLength(10_000)),
}

const SCHEMAS = {
  challenge: v.object({ protocol: v.number(), nonce: proof }),
  hello: v.object({
    protocol: v.number(),
    proof: v.exactOptional(proof),
    client: v.picklist(['window', 'command']),
    bootstrap: v.exactOptional(v.pipe(v.array(text(300)), v.maxLength(64))),
  }),
  'state.get': nothing,
  'share.preview': v.object(source),
  'share.add': v.object({ ...source, job }),
  'share.link': share,
  'share.stop': share,
  'share.start': share,
  'share.remove': share,
  'share.skipped': share,
  'share.settle': v.object({ id, kind: heldKind, keep: v.boolean() }),
  'share.told': share,
  'open.add': v.object({ link: text(MAX_LINK_LENGTH + 100), keep: v.boolean() }),
  'open.link': share,
  'open.stop': share,
  'open.start': share,
  'open.remove': share,
  'open.retry': share,
  'open.ready': v.object({
    id,
    newest: v.boolean(),
    begun: v.exactOptional(v.boolean()),
    timeout: milliseconds,
  }),
  'versions.list': v.object({
    id,
    path: v.exactOptional(path),
    from: v.exactOptional(count),
    limit: v.pipe(count, v.minValue(1), v.maxValue(1_000)),
    timeout: milliseconds,
  }),
  'versions.at': v.object({
    id,
    version: v.exactOptional(count),
    time: v.exactOptional(v.pipe(v.number(), v.finite())),
    timeout: milliseconds,
  }),
  'versions.diff': v.object({
    id,
    from: count,
    to: count,
    path: v.exactOptional(path),
    after: v.exactOptional(path),
    limit: v.pipe(count, v.maxValue(10_000)),
  }),
  'versions.keeping': share,
  'versions.keep': v.object({
    id,
    rule: v.exactOptional(rule),
    budget: v.exactOptional(count),
    large: v.exactOptional(v.boolean()),
  }),
  'versions.pin': v.object({ id, version: count, pinned: v.boolean() }),
  'fs.stat': v.object({ id, path, version: v.exactOptional(count) }),
  'fs.list': v.object({
    id,
    path,
    after: v.exactOptional(text(16_384)),
    limit: v.exactOptional(count),
    timeout: v.exactOptional(milliseconds),
    soFar: v.exactOptional(v.boolean()),
    version: v.exactOptional(count),
  }),
  'fs.read': v.object({
    id,
    path,
    limit: count,
    timeout: milliseconds,
    job: v.exactOptional(job),
    version: v.exactOptional(count),
  }),
  'fs.readRange': v.object({
    id,
    path,
    start: count,
    length: count,
    timeout: milliseconds,
    job: v.exactOptional(job),
    version: v.exactOptional(count),
  }),
  'fs.find': v.object({ id, query: text(1_000), limit: v.pipe(count, v.maxValue(10_000)) }),
  'copy.start': v.object({
    id,
    path,
    folder: localPath,
    job,
    umask: v.exactOptional(umask),
    version: v.exactOptional(count),
  }),
  'copy.wait': v.object({ job, timeout: milliseconds }),
  'seed.wait': v.object({ id, job }),
  'live.start': v.object({
    id,
    path,
    folder: localPath,
    only: v.exactOptional(patterns),
    keep: v.boolean(),
    umask: v.exactOptional(umask),
  }),
  'live.stop': live,
  'live.pause': live,
  'live.resume': live,
  'live.select': v.object({ live: job, only: v.exactOptional(patterns) }),
  'live.answer': v.object({
    live: job,
    question: v.picklist(['removal', 'conflicts', 'emptied']),
    answer: v.picklist(['go-on', 'keep']),
  }),
  'live.conflicts': live,
  'live.resolve': v.object({ live: job, path: localPath, take: v.picklist(['mine', 'theirs']) }),
  'conflict.about': v.object({ path: localPath, copy: localPath }),
  'conflict.merge': v.object({ path: localPath, copy: localPath }),
  'live.bringBack': live,
  'kept.list': nothing,
  'kept.restore': v.object({ kept: job }),
  'transfer.cancel': v.object({ job }),
  'transfer.retry': v.object({ job }),
  'transfer.clear': nothing,
  'peer.block': v.object({ peer }),
  'peer.unblock': v.object({ peer }),
  'settings.set': v.object({
    name: v.exactOptional(text(SETTING_LIMITS.name)),
    keepRunning: v.exactOptional(v.boolean()),
    ignore: v.exactOptional(patterns),
    directTcp: v.exactOptional(v.boolean()),
    limits: v.exactOptional(
      v.object({
        entries: v.exactOptional(count),
        pathLogBytes: v.exactOptional(count),
        bytes: v.exactOptional(count),
        storeBytes: v.exactOptional(count),
        connections: v.exactOptional(connections),
        keptBytes: v.exactOptional(count),
        keptDays: v.exactOptional(keptDays),
      }),
    ),
  }),
  'process.stop': v.object({ successor: v.exactOptional(text(64)) }),
} satisfies { readonly [M in Method]: v.GenericSchema<unknown, Params<M>> }

/** The parameters of a request, checked. Throws `bad-request` naming the first thing that is wrong. */
export function parseParams<M extends Method>(method: M, value: unknown): Params<M> {
  const schema: v.GenericSchema<unknown, Params<M>> = SCHEMAS[method]
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new PeerfoldError(
    'bad-request',
    `${method}: ${v.getDotPath(issue) ?? 'parameters'}: ${issue.message}`,
  )
}
