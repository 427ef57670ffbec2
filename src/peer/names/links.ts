/**
 * Decides whether a link of a share may be recreated: it must be relative and, followed on the disk as it is now,
 * step by step, end at something inside the copy. A chain of links is fine while every one of them stays inside
 * (`lib.so -> lib.so.1 -> lib.so.1.2`). Links must therefore be made after the files, and links to other links
 * after these.
 */
import { checkPath, MAX_PATH_BYTES, utf8Length } from './paths'
import type { LinkRefusal } from './refusals'
import { foldName, type TargetRules } from './rules'

/** The kind of thing at a path inside the copy. */
export type Found =
  | { readonly kind: 'missing' | 'file' | 'folder' }
  | { readonly kind: 'link'; readonly target: string }

export type LinkDecision =
  | { readonly ok: true; readonly kind: 'file' | 'folder' }
  | { readonly ok: false; readonly reason: LinkRefusal }

/** Links on the way to one target, as the kernel counts. */
const MAX_HOPS = 40

/**
 * @param segments where the link is to be
 * @param target its text, components separated by '/'; untrusted
 * @param lookAt what lies on the disk at this path, no link followed; never asked for the copy itself
 */
export function checkLink(
  segments: readonly string[],
  target: string,
  rules: TargetRules,
  lookAt: (segments: readonly string[]) => Found,
): LinkDecision {
  const refused = refusalOfTarget(target, rules) ?? refusalOfText(segments.length - 1, target)
  if (refused) return { ok: false, reason: refused }

  const own = foldName(segments.join('/'), rules)
  const at = segments.slice(0, -1)
  const ahead = target.split('/').reverse()
  let end: 'file' | 'folder' = 'folder'
  for (let hops = 0; ahead.length > 0; ) {
    const name = ahead.pop()
    if (name === undefined || name === '' || name === '.') continue
    if (name === '..') {
      if (at.length === 0) return { ok: false, reason: 'link-outside' }
      at.pop()
      end = 'folder'
      continue
    }
    at.push(name)
    if (foldName(at.join('/'), rules) === own) return { ok: false, reason: 'link-loop' }
    const found = lookAt(at)
    if (found.kind === 'missing') return { ok: false, reason: 'link-dangling' }
    if (found.kind === 'link') {
      if (++hops > MAX_HOPS) return { ok: false, reason: 'link-loop' }
      if (isAbsolute(found.target, rules)) return { ok: false, reason: 'link-outside' }
      at.pop()
      ahead.push(
        ...found.target
          .replaceAll('\\', rules.windowsNames ? '/' : '\\')
          .split('/')
          .reverse(),
      )
      continue
    }
    if (found.kind === 'file' && ahead.length > 0) return { ok: false, reason: 'link-dangling' }
    end = found.kind
  }
  // A link to a folder around itself would be followed endlessly.
  const path = foldName(at.join('/'), rules)
  if (path === '' || own.startsWith(`${path}/`)) return { ok: false, reason: 'link-loop' }
  return { ok: true, kind: end }
}

function refusalOfTarget(target: string, rules: TargetRules): LinkRefusal | undefined {
  if (target === '') return 'link-empty'
  if (utf8Length(target) >= MAX_PATH_BYTES) return 'link-bad-target'
  if (isAbsolute(target, rules)) return 'link-absolute'
  for (const name of target.split('/')) {
    if (name === '' || name === '.' || name === '..') continue
    if (!checkPath(`/${name}`, rules).ok) return 'link-bad-target'
  }
  return undefined
}

/**
 * Many programs, Node among them, resolve the text of a link instead of following it as the kernel does. Where
 * `deep` is itself a link, `deep/../..` means two different places. Both must be inside.
 */
function refusalOfText(depth: number, target: string): LinkRefusal | undefined {
  let at = depth
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue
    at += name === '..' ? -1 : 1
    if (at < 0) return 'link-outside'
  }
  return undefined
}

/** Windows has several forms of absolute paths. On other systems `T: notes.txt` and `\\x` are names of files. */
export function isAbsolute(target: string, { windowsNames }: TargetRules): boolean {
  return windowsNames ? /^(?:[/\\]|[A-Za-z]:)/.test(target) : target.startsWith('/')
}
