/** Reads the records of places that a version changed: few records for few changes. */
import type { TargetRecords } from '../copy/plan'
import type { Catalog, CopiedFile } from '../store/catalog'

/** Records asked for at once. */
const AT_ONCE = 256
/** When more than one of this many places is asked for, all records are read instead. */
const SHARE_OF_ALL = 16

/**
 * Records of these places, of the folders that they lie in, and of everything below those that are folders here.
 * @param foldersHere asked only where not all records are read
 * @param of number of all places
 */
export async function recordsNear(
  catalog: Catalog,
  target: string,
  places: ReadonlySet<string>,
  foldersHere: () => readonly string[],
  of: number,
): Promise<TargetRecords['copied']> {
  const copied = new Map<string, CopiedFile>()
  const visit = (place: string, file: CopiedFile) => void copied.set(place, file)
  if (places.size * SHARE_OF_ALL > of) {
    await catalog.each('copied', target, visit)
    return copied
  }
  const wanted = new Set(places)
  for (const place of places)
    for (let end = place.lastIndexOf('/'); end > 0; end = place.lastIndexOf('/', end - 1))
      wanted.add(place.slice(0, end))
  const left = [...wanted]
  while (left.length > 0) {
    const some = left.splice(-AT_ONCE)
    const found = await Promise.all(some.map(place => catalog.get('copied', target + place)))
    for (const [at, file] of found.entries()) {
      const place = some[at]
      if (file !== undefined && place !== undefined) copied.set(place, file)
    }
  }
  for (const folder of foldersHere())
    await catalog.each('copied', `${target}${folder}/`, (below, file) => visit(`${folder}/${below}`, file))
  return copied
}
