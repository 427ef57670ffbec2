/** What models of copies have in common: what the copy made in a folder, and whether it is still as it was made. */
import { contentOf, type Side, type Thing } from './sides'

export class FolderModel {
  /** By path: what the share had there when the copy last dealt with it. */
  protected readonly bases = new Map<string, Thing>()
  /** Folders that the copy made. */
  protected readonly made = new Set<string>()

  protected write(path: string, thing: Thing, side: Side): void {
    for (const folder of foldersAbove(path)) {
      if (side.folders.has(folder)) continue
      side.folders.add(folder)
      this.made.add(folder)
      this.bases.delete(folder)
    }
    side.things.set(path, thing)
    this.bases.set(path, thing)
    this.made.delete(path)
  }

  /** Whether the copy never dealt with this path, neither as a file nor as a folder. */
  protected isStrange(path: string): boolean {
    return !this.bases.has(path) && !this.made.has(path)
  }

  /** Whether what lies there is what the copy made. */
  protected isOurs(path: string, { things }: Side): boolean {
    const [base, local] = [this.bases.get(path), things.get(path)]
    return base !== undefined && local !== undefined && contentOf(base) === contentOf(local)
  }

  protected isFolderOurs(path: string, side: Side): boolean {
    const isBelow = (other: string) => other.startsWith(`${path}/`)
    return (
      this.made.has(path) &&
      [...side.folders].filter(isBelow).every(folder => this.made.has(folder)) &&
      [...side.things.keys()].filter(isBelow).every(thing => this.isOurs(thing, side))
    )
  }

  /** Takes a folder away, with all that is in it. */
  protected removeFolder(path: string, { things, folders }: Side): void {
    for (const each of [...things.keys(), ...folders]) {
      if (each !== path && !each.startsWith(`${path}/`)) continue
      things.delete(each)
      folders.delete(each)
      this.bases.delete(each)
      this.made.delete(each)
    }
  }
}

/** The incoming file, with time and executable bit as the user has them if the share did not change those. */
export function withNewAttributes(local: Thing, incoming: Thing, base: Thing | undefined): Thing {
  if (local.kind !== 'file' || incoming.kind !== 'file') return incoming
  const isSame =
    base?.kind === 'file' && base.time === incoming.time && base.executable === incoming.executable
  return isSame ? local : incoming
}

export function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}
