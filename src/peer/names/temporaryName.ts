/**
 * The form of the names of Peerfold's own temporary files: `.peerfold-<16 hex digits>.part`. No share may bring
 * such a name, and no scan may publish one.
 */

const PATTERN = /^\.peerfold-[0-9a-f]{16}\.part$/i

/** Whether a file or folder of this name is a temporary of Peerfold's. */
export function isTemporaryName(name: string): boolean {
  return name.length === 31 && PATTERN.test(name)
}
