/**
 * How the file system of a target folder treats names. All decisions about paths take these rules as a parameter,
 * so that the decisions of every system can be made, and tested, on any machine.
 *
 * `rulesFor` gives the defaults of a system. `disk/probe.ts` asks the file system at hand, which may differ: a
 * case-sensitive volume on macOS, a FAT stick on Linux.
 */

export type TargetSystem = 'linux' | 'darwin' | 'win32'

export const TARGET_SYSTEMS: readonly TargetSystem[] = ['linux', 'darwin', 'win32']

export interface TargetRules {
  readonly system: TargetSystem
  /** `A` and `a` are two files. */
  readonly caseSensitive: boolean
  /**
   * Only where case is ignored: `ß` and `SS` are one file too (APFS, ext4 casefold), not compared letter by letter
   * (NTFS).
   */
  readonly fullCaseFolding: boolean
  /** `é` as one character and as two are one file. */
  readonly normalizesUnicode: boolean
  /** Device names, trailing dots and spaces, streams and `<>"|?*\` are special. */
  readonly windowsNames: boolean
  /** Long names also answer to a short form such as `PROGRA~1`. */
  readonly shortNames: boolean
  /** Longest component in bytes of UTF-8. */
  readonly maxComponentBytes: number
}

const POSIX = { windowsNames: false, shortNames: false, maxComponentBytes: 255 } as const

const DEFAULTS: Readonly<Record<TargetSystem, TargetRules>> = {
  linux: { system: 'linux', caseSensitive: true, fullCaseFolding: false, normalizesUnicode: false, ...POSIX },
  darwin: {
    system: 'darwin',
    caseSensitive: false,
    fullCaseFolding: true,
    normalizesUnicode: true,
    ...POSIX,
  },
  win32: {
    system: 'win32',
    caseSensitive: false,
    fullCaseFolding: false,
    normalizesUnicode: false,
    windowsNames: true,
    shortNames: true,
    maxComponentBytes: 255,
  },
}

/** The rules of a system as it is installed; any other POSIX system counts as Linux. */
export function rulesFor(system: NodeJS.Platform): TargetRules {
  return DEFAULTS[system === 'darwin' || system === 'win32' ? system : 'linux']
}

/** Folds a name or path: two that give the same text are one file on a target with these rules. */
export function foldName(name: string, rules: TargetRules): string {
  let folded = name
  if (!rules.caseSensitive) folded = rules.fullCaseFolding ? foldFully(folded) : foldByLetter(folded)
  // Normalising comes last, because folding case can separate a letter from its accent (`İ` becomes `I` and a dot).
  return rules.normalizesUnicode ? folded.normalize('NFC') : folded
}

/** Lower case first and upper case last: only both together make `ẞ`, `ß` and `SS`, or `ς` and `Σ`, the same. */
function foldFully(text: string): string {
  return text.normalize('NFD').toLowerCase().toUpperCase()
}

/**
 * NTFS and FAT map one UTF-16 unit to one. Letters that would become longer, and those beyond the BMP, stay as they
 * are.
 */
function foldByLetter(text: string): string {
  const upper = text.toUpperCase()
  if (isAscii(text)) return upper
  let folded = ''
  for (let index = 0; index < text.length; index++) {
    const unit = text.charAt(index)
    const mapped = unit.toUpperCase()
    folded += mapped.length === 1 ? mapped : unit
  }
  return folded
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
