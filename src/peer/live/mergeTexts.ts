/**
 * Three-way merge of text files by bytes: lines that no side changed come out as they were, in any encoding. Line
 * endings, the end of the last line and the byte order mark are merged separately, so that they cause no conflicts.
 */
import { type MergedLines, MINE, mergeLines, THEIRS } from './mergeLines'

/** Larger files (bytes) are not merged, and no base is kept for them. */
export const MERGED_BYTES = 4 * 1024 * 1024
/** Files with more lines are not merged. */
const MERGED_LINES = 200_000

const MARK = '\xEF\xBB\xBF' // read as Latin-1

export interface MergeVersions {
  readonly mine: Buffer
  readonly base: Buffer
  readonly theirs: Buffer
}

export type MergeOutcome =
  | { readonly kind: 'merged'; readonly bytes: Buffer; readonly conflicts: number }
  | { readonly kind: 'refused'; readonly why: 'binary' | 'too-large' | 'too-different' }

/** Whether a file has a zero byte, so that it cannot be split into lines. True for UTF-16 as well. */
export function isBinary(bytes: Buffer): boolean {
  return bytes.includes(0)
}

/** Whether a file holds markers that a merge wrote. */
export function hasMarkers(bytes: Buffer): boolean {
  if (!bytes.includes(MINE) && !bytes.includes(THEIRS)) return false
  return textOf(bytes).lines.some(line => [MINE, THEIRS].includes(withoutReturn(line)))
}

/** Yields now and then. */
export function* mergeTexts({ mine, base, theirs }: MergeVersions): Generator<undefined, MergeOutcome> {
  const all = [mine, base, theirs]
  if (all.some(({ length }) => length > MERGED_BYTES)) return { kind: 'refused', why: 'too-large' }
  if (all.some(isBinary)) return { kind: 'refused', why: 'binary' }
  const [ours, common, others] = [textOf(mine), textOf(base), textOf(theirs)]
  const texts = [ours, common, others]
  if (texts.some(({ lines }) => lines.length > MERGED_LINES)) return { kind: 'refused', why: 'too-large' }
  const areUniform = texts.every(({ ends }) => ends !== 'mixed')
  const linesOf = ({ lines }: Text) => (areUniform ? lines.map(withoutReturn) : lines)
  const merged: MergedLines | undefined = yield* mergeLines({
    mine: linesOf(ours),
    base: linesOf(common),
    theirs: linesOf(others),
  })
  if (merged === undefined) return { kind: 'refused', why: 'too-different' }
  const end = areUniform ? (merge(ours.ends, common.ends, others.ends) ?? '\n') : '\n'
  const isEnded = merge(ours.isEnded, common.isEnded, others.isEnded) !== false
  const mark = merge(ours.hasMark, common.hasMark, others.hasMark) === true ? MARK : ''
  const { lines, conflicts } = merged
  const text = mark + lines.join(end) + (isEnded && lines.length > 0 ? end : '')
  return { kind: 'merged', bytes: Buffer.from(text, 'latin1'), conflicts }
}

interface Text {
  /** Undefined for an empty file. */
  readonly hasMark: boolean | undefined
  /** Bytes as Latin-1, without line feeds. */
  readonly lines: readonly string[]
  readonly ends: '\n' | '\r\n' | 'mixed' | undefined
  readonly isEnded: boolean | undefined
}

function textOf(bytes: Buffer): Text {
  const text = bytes.toString('latin1')
  const hasMark = text.startsWith(MARK)
  const lines = (hasMark ? text.slice(MARK.length) : text).split('\n')
  const last = lines.pop() ?? ''
  const isEnded = last === ''
  const returns = lines.reduce((sum, line) => sum + (line.endsWith('\r') ? 1 : 0), 0)
  const isOdd = last.endsWith('\r')
  const ends = isOdd ? 'mixed' : lines.length === 0 ? undefined : endsOf(returns, lines.length)
  if (!isEnded) lines.push(last)
  const isEmpty = bytes.length === 0
  return { hasMark: isEmpty ? undefined : hasMark, lines, ends, isEnded: isEmpty ? undefined : isEnded }
}

function endsOf(returns: number, lines: number): '\n' | '\r\n' | 'mixed' {
  if (returns === 0) return '\n'
  return returns === lines ? '\r\n' : 'mixed'
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/** The user's value where the user changed it, else the other side's. An undefined value counts as unchanged. */
function merge<T>(mine: T | undefined, base: T | undefined, theirs: T | undefined): T | undefined {
  if (mine === undefined) return theirs ?? base
  return mine === base ? (theirs ?? mine) : mine
}
