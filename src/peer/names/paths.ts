/**
 * Decides which names may be in a share, and whether a path of a share may become a file. Sharers and receivers
 * both decide it here and nowhere else. common/pathText.ts is the part of it that share links need as well.
 *
 * A path is split at '/', and nothing is normalised, trimmed or repaired: a path is either good as it stands or
 * refused with a reason. Some forms are refused on every system, because they can only be an attack or a disguise.
 * All others depend on the target's rules, so that no system loses names that are good on it. Linux has no rules of
 * its own: a name that is refused there is refused everywhere, and is not shared. (A backslash is not shared
 * either, though another client's share may have it.)
 *
 * Other files decide the rest: pathSet.ts about paths beside each other, the writer about what lies on the disk
 * already, and foretell.ts about what a sharer is told.
 */
import {
  MAX_DEPTH,
  MAX_PATH_BYTES,
  refusalOfPath,
  refusalOfStep,
  refusalOfText,
  utf8Length,
} from '../../common/pathText'
import { describeRefusal, type PathRefusal } from './refusals'
import { rulesFor, type TargetRules } from './rules'
import { isTemporaryName } from './temporaryName'

export { describeRefusal, MAX_PATH_BYTES, type PathRefusal, utf8Length }

export type PathDecision =
  | { readonly ok: true; readonly segments: readonly string[] }
  | { readonly ok: false; readonly reason: PathRefusal }

const EVERYWHERE = rulesFor('linux')

const DEVICE = /^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])$/
const SHORT_NAME = /^(?=[^.]{1,8}(?:\.[^.]{0,3})?$)[^.]*~[0-9]+(?:\.|$)/

/**
 * @param drivePath as it stands in the share, `/a/b`; untrusted
 * @returns the components to walk down from the target folder, or why not
 */
export function checkPath(drivePath: string, rules: TargetRules): PathDecision {
  const reason = refusalOfPath(drivePath)
  if (reason) return { ok: false, reason }
  const segments = drivePath.slice(1).split('/')
  if (segments.length > MAX_DEPTH) return { ok: false, reason: 'too-deep' }
  const first = rules.windowsNames ? refusalOfFirst(segments[0] ?? '') : undefined
  if (first) return { ok: false, reason: first }
  for (const segment of segments) {
    const refused = refusalOfComponent(segment, rules)
    if (refused) return { ok: false, reason: refused }
  }
  return { ok: true, segments }
}

/**
 * Why a path cannot be in a share: no system takes it, or other Hyperdrive clients would take it for another path
 * and stop there. Looks at the length of the path and at its last component. A walk has asked about those above it.
 */
export function refusalToShare(drivePath: string): PathRefusal | undefined {
  const name = drivePath.slice(drivePath.lastIndexOf('/') + 1)
  const tooLong = drivePath.length > MAX_PATH_BYTES / 3 && utf8Length(drivePath) > MAX_PATH_BYTES
  const reason = refusalOfText(name) ?? (tooLong ? 'path-too-long' : undefined)
  if (reason !== undefined) return reason
  if (drivePath.length > MAX_DEPTH && drivePath.split('/').length - 1 > MAX_DEPTH) return 'too-deep'
  return refusalOfComponent(name, EVERYWHERE) ?? (name.includes('\\') ? 'foreign-separator' : undefined)
}

/** Forms that Windows takes for the start of another tree. On other systems `T: notes.txt` is an ordinary name. */
function refusalOfFirst(name: string): PathRefusal | undefined {
  if (/^[A-Za-z]:/.test(name)) return 'drive-letter'
  if (/^\\(?:\\[?.]|\?\?)(?:\\|$)/.test(name)) return 'device-path'
  if (name.startsWith('\\\\')) return 'network-path'
  return undefined
}

function refusalOfComponent(name: string, rules: TargetRules): PathRefusal | undefined {
  const leadsElsewhere = refusalOfStep(name)
  if (leadsElsewhere !== undefined) return leadsElsewhere
  const { maxComponentBytes } = rules
  if (name.length > maxComponentBytes / 3 && utf8Length(name) > maxComponentBytes) return 'component-too-long'
  if (isTemporaryName(name)) return 'temporary-name'
  // `file/..namedfork/rsrc` is the resource fork of `file` on macOS.
  if (rules.system === 'darwin' && name.toLowerCase() === '..namedfork') return 'alternate-data-stream'
  return rules.windowsNames ? refusalOnWindows(name, rules) : undefined
}

function refusalOnWindows(name: string, rules: TargetRules): PathRefusal | undefined {
  // On Windows `..\x` leads upwards, so it gets that reason.
  if (name.includes('\\')) return name.split('\\').includes('..') ? 'parent-component' : 'backslash'
  if (isReservedDeviceName(name)) return 'reserved-device-name'
  if (name.includes(':')) return 'alternate-data-stream'
  if (/[<>"|?*]/.test(name)) return 'forbidden-character'
  if (/[. ]$/.test(name)) return 'trailing-dot-or-space'
  if (rules.shortNames && SHORT_NAME.test(name)) return 'short-name'
  return undefined
}

/** Windows looks only at the part before the first dot or colon, without spaces at its end: `COM1 .txt` is a port. */
function isReservedDeviceName(name: string): boolean {
  const stem = name.split(/[.:]/, 1)[0] ?? ''
  return DEVICE.test(stem.replace(/ +$/, '').toUpperCase())
}
