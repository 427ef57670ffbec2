/**
 * Makes links after the files that they name. A link may name another link, so all are tried until no more can be
 * made.
 */
import { conflictName } from '../disk/conflicts'
import type { LinkResult, SafeWriter } from '../disk/writer'
import { describeLinkRefusal } from '../names/refusals'
import type { TargetRules } from '../names/rules'
import type { CopyMarks } from './marks'
import type { CopyOutcome } from './outcome'
import type { Ownership } from './ownership'
import { type PlannedLink, pathOf } from './planned'

export interface MakeLinksOptions {
  readonly writer: SafeWriter
  readonly ownership: Ownership
  readonly rules: TargetRules
  readonly marks: CopyMarks
  readonly outcome: CopyOutcome
  /** Called for each that is made, or listed as one that cannot be. */
  readonly onDone: () => void
}

export async function makeLinks(links: readonly PlannedLink[], options: MakeLinksOptions): Promise<void> {
  let left = links
  for (let made = true; made && left.length > 0; ) {
    const refused: PlannedLink[] = []
    for (const link of left) if (!(await tryLink(link, false, options))) refused.push(link)
    made = refused.length < left.length
    left = refused
  }
  for (const link of left) await tryLink(link, true, options)
}

/** False: it cannot be made yet. */
async function tryLink(link: PlannedLink, isLast: boolean, options: MakeLinksOptions): Promise<boolean> {
  const { path } = link
  const { outcome, onDone } = options
  try {
    const made = await makeLink(link, options)
    if (!made.ok && !isLast) return false
    if (!made.ok) outcome.skip({ path, reason: made.reason, detail: describeLinkRefusal(made.reason) })
  } catch (error) {
    outcome.skipOrThrow(path, error)
  }
  onDone()
  return true
}

/** Obstacles are removed only for a link that may be made. */
async function makeLink(
  link: PlannedLink,
  { writer, ownership, rules, marks, outcome }: MakeLinksOptions,
): Promise<LinkResult> {
  const { entry, path, segments, expected, way, precondition } = link
  const target = entry.linkTarget ?? ''
  const checked = writer.checkLink(segments, target)
  if (!checked.ok) return checked
  const isOurs = !link.conflict && (expected === undefined || (await ownership.isOurs(segments, expected)))
  if (isOurs) {
    await way?.clear(ownership, writer, marks)
    const made = writer.makeLink(segments, target, precondition)
    const mark = writer.stat(segments)
    if (made.ok && mark !== undefined) marks.written({ entry, path }, mark)
    if (made.ok && !link.same) outcome.placed(link)
    return made
  }
  const isTaken = (at: readonly string[]) => writer.stat(at) !== undefined
  const beside = conflictName(segments, new Date(), rules, isTaken)
  const made = writer.makeLink(beside, target)
  if (!made.ok) return made
  const copy = pathOf(beside)
  marks.conflict({ entry, path }, copy)
  outcome.beside(path, copy)
  return made
}
