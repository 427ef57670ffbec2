/**
 * Links that lead nowhere in the share: their target is left out, or is not there at all. No receiver makes them, so
 * they are left out too, and listed. When the target comes to be shared, the link is shared with it.
 *
 * A system that ignores case follows links that others do not; what works on the sharer's own machine stays shared.
 */
import { refusedLinks } from '../../names/copyTree'
import { describeLinkRefusal, type LinkRefusal } from '../../names/refusals'
import { rulesFor } from '../../names/rules'
import type { ScannedFile } from './scanned'
import type { SkippedFromShare, SkipReason } from './skipped'

const NOTHING: ReadonlySet<string> = new Set()

/**
 * @param files what is to be shared, in the order of paths
 * @returns those of them that are dead links, with the reason. May pause at every `yield`.
 */
export function* deadLinks(
  files: readonly ScannedFile[],
  system: NodeJS.Platform = process.platform,
): Generator<undefined, SkippedFromShare[], undefined> {
  if (!files.some(file => file.kind === 'link')) return []
  const dead = yield* refusedLinks(files, rulesFor('linux'), NOTHING)
  if (dead.size === 0) return []
  const deadHere = yield* refusedLinks(files, rulesFor(system), NOTHING)
  return files.flatMap(({ path }) => {
    const reason = dead.get(path)
    if (reason === undefined || !deadHere.has(path)) return []
    return [{ path, reason: skipReason(reason), detail: describeLinkRefusal(reason) }]
  })
}

function skipReason(reason: LinkRefusal): SkipReason {
  switch (reason) {
    case 'link-absolute':
    case 'link-outside':
      return 'link-outside'
    case 'link-empty':
      return 'link-bad-target'
    default:
      return reason
  }
}
