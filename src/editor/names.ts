/**
 * Strangers' texts where VS Code gives some characters a meaning of its own: toasts turn `[text](target)` into links,
 * command links among them, and pickers turn `$(name)` into icons. Tree items, tooltips given as strings, and modal
 * dialogs take text as it is: there `safeText` alone is enough.
 */
import { homedir } from 'node:os'
import * as path from 'node:path'
import { safeText } from '../common/format'

/** For notifications. The text may be a whole message; no link in it works. */
export function toastText(text: string): string {
  return safeText(text, 600).replaceAll('](', '] (')
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
