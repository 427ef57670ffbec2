/**
 * The order of drive paths, in the log and wherever they are listed: by the bytes of their UTF-8, as Hyperbee
 * sorts. JavaScript sorts by UTF-16 units, which differs where a character outside the basic plane meets one at
 * U+E000 or above.
 *
 * Everything below a folder stands together, at the place of the folder's name with a `/` at its end. A depth-first
 * walk that sorts folders by such names finds paths in this order, and needs no sort over everything.
 */

/** Compares two drive paths by the bytes of their UTF-8. */
export function compareDrivePaths(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let at = 0; at < end; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return inUtf8Order(x) - inUtf8Order(y)
  }
  return a.length - b.length
}

/** Moves the surrogates, which encode the highest characters, behind U+E000 to U+FFFF. */
function inUtf8Order(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
