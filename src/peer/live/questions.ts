/**
 * Questions that a live copy asks before it continues: about a version that would remove most files, about local
 * changes that would cause many conflicts at once, and about a folder that is suddenly empty. Until the answer it
 * touches nothing.
 */
import { closeSync } from 'node:fs'
import { PeerfoldError, type UserError } from '../../common/errors'
import { plural } from '../../common/format'
import type { LiveAnswer, LiveQuestion } from '../../common/model'
import { readAll } from '../copy/contentProof'
import type { CopyOptions } from '../copy/options'
import type { Ownership } from '../copy/ownership'
import type { CopyPlan, PlannedFile } from '../copy/planned'
import type { SafeWriter } from '../disk/writer'
import { readWhole } from '../drive/read'

/** More conflicts from one version are asked about. */
export const MAX_CONFLICTS = 50
/** Files up to this size (bytes) are compared with the incoming ones before anything is asked. */
const COMPARED_BYTES = 4 * 1024 * 1024
/** How many are compared at once. */
const AT_ONCE = 32
/** Time limit (milliseconds) for the bytes to compare with. */
const PATIENCE = 10_000

/**
 * The user's answers by question. They hold for one step. One about removals covers only as many files as were
 * asked about.
 */
export type Answers = ReadonlyMap<LiveQuestion['kind'], Answer>

export interface Answer {
  readonly question: LiveQuestion
  readonly answer: LiveAnswer
}

/** Ends a step before it has touched anything. */
export class Asked extends Error {
  constructor(readonly question: LiveQuestion) {
    super(question.kind)
  }
}

/**
 * Throws `Asked` when a version would remove too many files.
 * @param lost number of files that the share does not have any more
 * @param taken number of those that would be taken away here
 * @param before number of files that the share had
 * @param most the largest number that it had lately: versions may remove files bit by bit
 * @param left number of files that the share still has
 */
export function askAboutRemoval({ lost, taken, before, most, left }: Removal, answers: Answers): void {
  const answered = answers.get('removal')?.question
  if (taken === 0 || (answered?.kind === 'removal' && taken <= answered.files)) return
  if (left > 0 && lost * 2 <= before && left * 2 >= most) return
  throw new Asked({ kind: 'removal', files: taken, of: Math.max(before, most) })
}

interface Removal {
  readonly lost: number
  readonly taken: number
  readonly before: number
  readonly most: number
  readonly left: number
}

/** Throws `Asked` when the plan would cause too many conflicts. */
export async function askAboutConflicts(
  plan: CopyPlan,
  ownership: Ownership,
  options: CopyOptions,
  writer: SafeWriter,
  answers: Answers,
): Promise<void> {
  if (answers.has('conflicts')) return
  const doubtful = [
    ...plan.files.filter(
      ({ conflict, expected }) => conflict || (expected && !expected.isShown && !expected.isLikely),
    ),
    ...plan.links.filter(({ conflict }) => conflict),
  ]
  if (doubtful.length <= MAX_CONFLICTS) return
  let files = 0
  for (let from = 0; from < doubtful.length; from += AT_ONCE) {
    const some = doubtful.slice(from, from + AT_ONCE)
    const found = await Promise.all(some.map(file => isConflict(file, ownership, options, writer)))
    files += found.filter(isOne => isOne).length
    if (files > MAX_CONFLICTS) throw new Asked({ kind: 'conflicts', files: MAX_CONFLICTS })
  }
}

async function isConflict(
  file: CopyPlan['files'][number] | CopyPlan['links'][number],
  ownership: Ownership,
  options: CopyOptions,
  writer: SafeWriter,
): Promise<boolean> {
  const { expected, segments, conflict, entry, precondition } = file
  if (expected !== undefined && (await ownership.isOurs(segments, expected))) return false
  const mayBeSame = precondition !== 'absent' && precondition.size === entry.size && 'compare' in file
  if (!mayBeSame || entry.size > COMPARED_BYTES) return conflict || expected !== undefined
  return !(await holdsIncoming(file, options, writer))
}

/** Whether the user's file has the incoming content already. Throws `offline`. */
async function holdsIncoming(
  { entry, segments }: PlannedFile,
  { share, transfer }: CopyOptions,
  writer: SafeWriter,
): Promise<boolean> {
  const opened = writer.openFile(segments)
  if (opened === undefined) return false
  try {
    const local = readAll(opened.fd, opened.mark.size)
    const read = { timeout: PATIENCE, signal: transfer.abort.signal }
    return local.equals(await readWhole(share, entry, read))
  } catch (error) {
    if (error instanceof PeerfoldError && error.code === 'bad-entry') return false
    throw error
  } finally {
    closeSync(opened.fd)
  }
}

/** A question in words. @param folder absolute */
export function describeQuestion(question: LiveQuestion, folder: string): UserError {
  const error =
    question.kind === 'removal'
      ? new PeerfoldError('live-removal', plural(question.files, 'file'))
      : question.kind === 'conflicts'
        ? new PeerfoldError('live-conflicts', String(question.files))
        : new PeerfoldError('live-emptied', folder)
  return error.toUserError()
}
