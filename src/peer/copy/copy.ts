/**
 * A copy: share → folder. It is planned, then fetched and written (run.ts). The share may publish new versions
 * meanwhile. A copy stays at the version it was planned with, and is planned again with the newest one when that
 * version's content cannot be had any more.
 */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { toFileError } from '../../common/fileErrors'
import type { SkippedEntry, TransferResult } from '../../common/model'
import { probeRules } from '../disk/probe'
import { WriteError } from '../disk/writeErrors'
import { SafeWriter } from '../disk/writer'
import { absence, follow } from '../drive/follow'
import { type PathIndex, trimSlash } from '../drive/pathIndex'
import type { ShareDrive } from '../drive/shareDrive'
import { isBeyondKnown } from '../drive/whoHas'
import { contentBeyond } from '../limits'
import type { TargetRules } from '../names/rules'
import { CopyMarks } from './marks'
import { checkOldRecords } from './oldRecords'
import type { CopyOptions } from './options'
import { PartialFiles } from './partialFiles'
import { type CopySource, placeIn, planCopy, targetKey } from './plan'
import type { CopyPlan } from './planned'
import { CopyRun, type Fetched } from './run'
import { Superseded } from './superseded'

/** A copy that is done. */
export interface Copied {
  readonly result: TransferResult
  /** Work for the background, to be run once after the result was told. */
  readonly afterwards: () => Promise<void>
}

/** Runs a copy to its end. Rejects with PeerfoldError (`cancelled`, `target-vanished`, …). */
export async function runCopy(options: CopyOptions): Promise<Copied> {
  sourceOf(options) // nothing is made for a path that is not there
  const madeFolders: string[] = []
  const { writer, rules } = openTarget(options, path => madeFolders.push(path))
  const { catalog, transfer, share, folder } = options
  const target = targetKey(options.id, folder, share.bytes?.fork ?? 0)
  const fetchedBefore = options.fetched()
  let partials: PartialFiles | undefined
  try {
    for (;;) {
      const plan = await planNow(options, target, writer, rules)
      partials = await PartialFiles.open(catalog, target, transfer.id, plan.files)
      await writer.sweep(partials.tokens, partials.givenUp)
      try {
        const marks = new CopyMarks(catalog, target, partOf(options.path), madeFolders)
        const result = await runPlan(options, plan, [marks, partials, writer, rules])
        const fetched = Math.max(0, options.fetched() - fetchedBefore)
        return { result: { ...result, fetched }, afterwards: () => checkOld(options, plan, target) }
      } catch (error) {
        if (!(error instanceof Superseded)) throw error
      }
    }
  } finally {
    if (!options.isEnding() && (await partials?.clear()))
      await writer.sweep(partials?.tokens, partials?.givenUp)
    await writer.close()
  }
}

async function checkOld(options: CopyOptions, { old }: CopyPlan, target: string): Promise<void> {
  if (old.length === 0) return
  const { share, catalog, closing, path } = options
  const { writer } = openTarget(options, () => {})
  try {
    await checkOldRecords(old, share, writer, new CopyMarks(catalog, target, partOf(path)), closing)
  } finally {
    await writer.close()
  }
}

async function planNow(
  options: CopyOptions,
  target: string,
  writer: SafeWriter,
  rules: TargetRules,
): Promise<CopyPlan> {
  const { transfer, catalog, isInDoubt } = options
  const { index, ...source } = sourceOf(options)
  const { from } = source
  const { signal } = transfer.abort
  const plan = await planCopy(index.select(from), source, target, writer, rules, catalog, signal, isInDoubt)
  for (const key of index.malformedBelow(from)) plan.skipped.push(malformed(key, source))
  return plan
}

/** The parts that a run writes with. */
export type RunParts = readonly [
  marks: CopyMarks,
  partials: PartialFiles,
  writer: SafeWriter,
  rules: TargetRules,
]

/** Throws `Superseded` when it has to be planned again. @param fetched what `fetchPlan` brought */
export async function runPlan(
  options: CopyOptions,
  plan: CopyPlan,
  parts: RunParts,
  fetched?: Fetched,
): Promise<Omit<TransferResult, 'fetched'>> {
  if (fetched === undefined) await begin(options, plan)
  return new CopyRun(options, plan, ...parts).run(fetched)
}

/** See `CopyRun.fetch`. What it brought has to be given to `runPlan` or dropped. Throws as `runPlan`. */
export async function fetchPlan(
  options: CopyOptions,
  plan: CopyPlan,
  parts: RunParts,
  waitsForRoom: boolean,
): Promise<Fetched> {
  await begin(options, plan)
  return new CopyRun(options, plan, ...parts).fetch(waitsForRoom)
}

async function begin(options: CopyOptions, plan: CopyPlan): Promise<void> {
  const { transfer, share } = options
  for (;;) {
    const beyond = contentBeyond(share.limits(), bytesThatExist(share, plan))
    if (beyond === undefined) break
    transfer.pause(beyond.toUserError())
    await options.budget.next(transfer.abort.signal)
  }
  transfer.resume()
  const { present } = plan
  transfer.files = { done: present.files, total: plan.files.length + present.files + plan.links.length }
  transfer.bytes = { done: present.bytes, total: plan.bytes + present.bytes }
  transfer.here = 0
  transfer.progress(0, 0)
}

/**
 * The version that is asked for, or the newest known here, and what of it is copied. The path may be a link or lead
 * through links: the target of the link is copied, under the name that was asked for. Links inside that are copied
 * as links.
 */
export function sourceOf({
  share,
  path,
  version = share.version,
}: Pick<CopyOptions, 'share' | 'path' | 'version'>): CopySource & { readonly index: PathIndex } {
  const index = version?.index
  if (index === undefined) throw new PeerfoldError('not-listed')
  const part = partOf(path)
  const place = follow(index, path)
  if (place.kind !== 'nowhere') return { index, from: place.path, part }
  const isHidden = place.link === undefined && !index.select(path).next().done // it has no place in the tree
  if (isHidden) return { index, from: path, part }
  throw absence(path, place)
}

/** The path inside the target that stands for `path`; '' for the whole share, which is the target itself. */
export function partOf(path: DrivePath): string {
  const trimmed = trimSlash(path)
  return trimmed.slice(trimmed.lastIndexOf('/'))
}

/**
 * Bytes of all files that lie within the log. A size beyond the end of the log is a lie, and must not count against
 * the limit.
 */
function bytesThatExist({ bytes }: ShareDrive, { files }: CopyPlan): number {
  if (bytes === undefined) return 0
  return files.reduce((sum, { entry }) => (isBeyondKnown(bytes, entry) ? sum : sum + entry.size), 0)
}

function malformed(key: string, source: CopySource): SkippedEntry {
  return {
    path: placeIn(source, key),
    reason: 'bad-entry',
    detail: 'What the share says of it is not what a file or link is described by.',
  }
}

/** @param known how the folder treats names, if that was asked before */
export function openTarget(
  { folder, umask }: Pick<CopyOptions, 'folder' | 'umask'>,
  onFolderMade: (path: string) => void,
  known?: TargetRules,
): { writer: SafeWriter; rules: TargetRules } {
  try {
    const rules = known ?? probeRules(folder)
    return { writer: SafeWriter.open(folder, rules, { umask, onFolderMade }), rules }
  } catch (error) {
    const isGone = error instanceof WriteError && error.code === 'vanished'
    throw isGone ? new PeerfoldError('target-vanished', folder) : toFileError(error, folder)
  }
}
