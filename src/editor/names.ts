/**
 * Strangers' texts where VS Code gives some characters a meaning of its own: toasts turn `[text](target)` into links,
 * command links among them, and pickers turn `$(name)` into icons. Tree items, tooltips given as strings, and modal
 * dialogs take text as it is: there `safeText` alone is enough.
 */
import { homedir } from 'node:os'
import * as path from 'node:path'
import { safeText } from '../common/format'

/** For notifications. The text may be a whole message; no link in it works, and paths in it stand as in `diskPath`. */
export function toastText(text: string): string {
  const told = text.replaceAll(`“${homedir()}${path.sep}`, `“~${path.sep}`)
  return safeText(told, 600).replaceAll('](', '] (')
}

/** Characters of a notification that fit on one line, in the font of VS Code. */
export const TOAST_LINE = 55

/** VS Code shows a notification without a button on one line and cuts the rest, so a longer one gets `ok`. */
export function toastButtons(text: string, offered: readonly string[], ok: string): readonly string[] {
  return offered.length > 0 || text.length <= TOAST_LINE ? offered : [ok]
}

/** For labels, descriptions and details of quick picks, and for the status bar. */
export function pickerText(text: string): string {
  return safeText(text).replaceAll('$(', '\\$(')
}

/** A path on this machine as its owner knows it: `~/garden`. */
export function diskPath(absolute: string): string {
  const below = path.relative(homedir(), absolute)
  const isBelow = below !== '' && below.split(path.sep)[0] !== '..' && !path.isAbsolute(below)
  return safeText(isBelow ? path.join('~', below) : absolute, 400)
}
