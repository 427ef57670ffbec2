/**
 * Finds out how the file system of a folder treats names, by making a few empty files in a folder of our own inside
 * it. Answers that cannot be had are taken from the system's defaults.
 */
import { lstatSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rulesFor, type TargetRules } from '../names/rules'
import { freshTemporaryName, holdTemporary, releaseTemporary } from './temporary'
import { discard } from './temporaryFile'

/**
 * @param folder an existing folder that can be written
 * @throws the file system's error when nothing can be created in it
 */
export function probeRules(folder: string, system: NodeJS.Platform = process.platform): TargetRules {
  const defaults = rulesFor(system)
  const name = freshTemporaryName()
  holdTemporary(name)
  const place = join(folder, name)
  const made: string[] = []
  /** Makes `written` and tells whether `other` then exists; undefined when the name could not be made. */
  const answersTo = (written: string, other: string): boolean | undefined => {
    try {
      writeFileSync(join(place, written), '', { flag: 'wx' })
    } catch {
      return undefined // The file system does not take this name: the caller falls back on the default.
    }
    made.push(written)
    return lstatSync(join(place, other), { throwIfNoEntry: false }) !== undefined
  }
  mkdirSync(place, { mode: 0o700 })
  try {
    const foldsCase = answersTo('case', 'CASE') ?? !defaults.caseSensitive
    const dropsDots = defaults.windowsNames || answersTo('dot.', 'dot') !== false
    return {
      ...defaults,
      caseSensitive: !foldsCase,
      fullCaseFolding: foldsCase && (answersTo('\u00df', 'SS') ?? defaults.fullCaseFolding),
      normalizesUnicode: answersTo('\u00e9', 'e\u0301') ?? defaults.normalizesUnicode,
      windowsNames: dropsDots,
      shortNames: dropsDots && (answersTo('a long name.text', 'ALONGN~1.TEX') ?? defaults.shortNames),
    }
  } finally {
    for (const file of made) discard(join(place, file))
    removeFolder(place)
    releaseTemporary(name)
  }
}

/** Removes the probe's folder, or leaves it to a later sweep. */
function removeFolder(place: string): void {
  try {
    rmdirSync(place)
  } catch {
    // See above.
  }
}
