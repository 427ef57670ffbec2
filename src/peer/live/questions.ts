/**
 * What a live copy asks before it continues: about a version that would take most files away, about local changes that
 * would make many conflicts at once, and about a folder that is not what it was. Until then it touches nothing.
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

/** More conflicts out of one version are asked about. */
export const MAX_CONFLICTS = 50
/** Files up to this size (bytes) are compared with what comes in before anything is asked. */
const COMPARED_BYTES = 4 * 1024 * 1024
/** This many are compared at once. */
const AT_ONCE = 32
/** Milliseconds for the bytes to compare with. */
const PATIENCE = 10_000

/** What the user has answered, by the question: good for one step, and for no more than was asked about. */
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
 * @param lost files that the share has no more
 * @param taken those of them that would be taken away here
 * @param before files that it had, and `most` the most that it had lately: versions may take them bit by bit
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

/** Throws `Asked` when the plan would lay too much beside files of the user's. */
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

/** Whether the user has what comes in already. Throws `offline`. */
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

/** What the user is asked, in words. @param folder absolute */
export function describeQuestion(question: LiveQuestion, folder: string): UserError {
  const error =
    question.kind === 'removal'
      ? new PeerfoldError('live-removal', plural(question.files, 'file'))
      : question.kind === 'conflicts'
        ? new PeerfoldError('live-conflicts', String(question.files))
        : new PeerfoldError('live-emptied', folder)
  return error.toUserError()
}
