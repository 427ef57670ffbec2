/**
 * What no path in a share may be, on whatever system: the part of the judgement of names (peer/names/paths.ts) that does
 * not depend on where a path is to become a file. Links are judged by it too, before anybody is asked for what they
 * point at. Pure.
 */

/** Longest drive path, in bytes of UTF-8. */
export const MAX_PATH_BYTES = 4096
/** Most components of a drive path. */
export const MAX_DEPTH = 255

// Cc: C0, DEL and C1. Zl and Zp: line and paragraph separators, which break a line as a newline does.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
// Embeddings, overrides and isolates. Joiners and plain direction marks stay: Persian and emoji need them.
const BIDI = /[\u202a-\u202e\u2066-\u2069]/u
const LONE_SURROGATE = /\p{Surrogate}/u
const SUSPECT = /[^\x20-\x7e]/

/** Why a text cannot be a name. */
export type TextRefusal = 'control-character' | 'bidi' | 'lone-surrogate'
/** Why a component names nothing that lies in its folder. */
export type StepRefusal = 'empty-component' | 'parent-component' | 'current-component'

/** @param path a whole drive path, `/a/b`; its components are looked at by `refusalOfStep` */
export function refusalOfPath(path: string): TextRefusal | 'no-leading-slash' | 'path-too-long' | undefined {
  if (path.charCodeAt(0) !== 0x2f) return 'no-leading-slash'
  if (path.length > MAX_PATH_BYTES) return 'path-too-long'
  if (!SUSPECT.test(path)) return undefined
  if (!LONE_SURROGATE.test(path) && utf8Length(path) > MAX_PATH_BYTES) return 'path-too-long'
  return refusalOfText(path)
}

/** Characters that no name may have. */
export function refusalOfText(text: string): TextRefusal | undefined {
  if (!SUSPECT.test(text)) return undefined
  if (LONE_SURROGATE.test(text)) return 'lone-surrogate'
  if (CONTROL.test(text)) return 'control-character'
  if (BIDI.test(text)) return 'bidi'
  return undefined
}

export function refusalOfStep(name: string): StepRefusal | undefined {
  if (name === '') return 'empty-component'
  if (name === '..') return 'parent-component'
  if (name === '.') return 'current-component'
  return undefined
}

/** Bytes of well-formed text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // Each half of a pair counts two, four together; everything else from 0x800 on counts three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}
