/**
 * The name under which an incoming file lands when the user changed the one that is there:
 * `notes.md` becomes `notes.conflict-20261122-163005.md`.
 */
import { utf8Length } from '../names/paths'
import type { TargetRules } from '../names/rules'

/** Names up to this length (bytes) fit every file system, and are never shortened. */
const NEVER_SHORTENED = 140
/** A longer ending (bytes) counts as part of the name. */
const MAX_EXTENSION_BYTES = 32

/**
 * @param segments of the file that keeps its place
 * @param when the moment of the conflict, shown in local time
 * @param isTaken whether something has this path already; a number is counted up until a path is free
 * @returns the segments of the conflict copy, in the same folder
 */
export function conflictName(
  segments: readonly string[],
  when: Date,
  rules: TargetRules,
  isTaken: (segments: readonly string[]) => boolean = () => false,
): string[] {
  const folder = segments.slice(0, -1)
  const [stem, extension] = splitExtension(segments.at(-1) ?? '')
  for (let count = 1; ; count++) {
    const suffix = `.conflict-${stamp(when)}${count > 1 ? `-${count}` : ''}${extension}`
    const name = shorten(stem, rules.maxComponentBytes - utf8Length(suffix)) + suffix
    if (!isTaken([...folder, name])) return [...folder, name]
  }
}

/** Whether `conflictName` may have given a name for the file `of`. A long one may have been shortened. */
export function isConflictName(name: string, of: string): boolean {
  const [stem, extension] = splitExtension(of)
  const match = /^(.*)\.conflict-\d{8}-\d{6}(?:-\d+)?(\..*)?$/su.exec(name)
  const [, begun, ending = ''] = match ?? []
  if (begun === undefined || ending !== extension || !stem.startsWith(begun)) return false
  // Short names are never shortened: `5` is not a shortened `54`.
  return begun === stem || utf8Length(name) + utf8Length(stem.slice(begun.length)) > NEVER_SHORTENED
}

function splitExtension(name: string): [string, string] {
  const dot = name.lastIndexOf('.')
  if (dot <= 0 || utf8Length(name.slice(dot)) > MAX_EXTENSION_BYTES) return [name, '']
  return [name.slice(0, dot), name.slice(dot)]
}

/** Cuts whole graphemes, so that no family loses its children. */
function shorten(stem: string, bytes: number): string {
  if (utf8Length(stem) <= bytes) return stem
  let kept = ''
  let room = bytes
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(stem)) {
    room -= utf8Length(segment)
    if (room < 0) break
    kept += segment
  }
  return kept
}

function stamp(when: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${when.getFullYear()}${two(when.getMonth() + 1)}${two(when.getDate())}`
  return `${day}-${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}`
}
