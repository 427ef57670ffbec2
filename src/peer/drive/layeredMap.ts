/**
 * A map by names that is cheap to copy. A copy of a large map shares the entries of the original (the base) and
 * holds only later changes. When there are many changes, the copy gets a base of its own. So the next version of a
 * share with one folder of 100,000 files costs a few entries.
 *
 * A small map is simply copied.
 */

/** Maps with this many entries or fewer are copied whole. */
const SMALL = 64

/** The read-only part of the map. */
export interface Layers<V> {
  readonly size: number
  get(key: string): V | undefined
  has(key: string): boolean
  /** In insertion order, changes since the base last. */
  keys(): Iterable<string>
  values(): Iterable<V>
  /** Keys whose values may differ from those in another map. Only a few, if one map was copied from the other. */
  keysThatDiffer(other: Layers<V> | undefined): Iterable<string>
}

export class LayeredMap<V extends object | true> implements Layers<V> {
  size = 0
  private base = new Map<string, V>()
  private isBaseShared = false
  /** Changes to a shared base. An undefined value is a removal. */
  private changes: Map<string, V | undefined> | undefined

  get(key: string): V | undefined {
    const { changes } = this
    if (changes === undefined) return this.base.get(key)
    const changed = changes.get(key)
    if (changed !== undefined || changes.has(key)) return changed
    return this.base.get(key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  keys(): Iterable<string> {
    return this.changes === undefined ? this.base.keys() : this.changedKeys(this.changes)
  }

  values(): Iterable<V> {
    return this.changes === undefined ? this.base.values() : this.changedValues(this.changes)
  }

  /** Adds or replaces. */
  set(key: string, value: V): void {
    if (!this.has(key)) this.size++
    if (!this.isBaseShared) this.base.set(key, value)
    else this.change(key, value)
  }

  delete(key: string): void {
    if (!this.has(key)) return
    this.size--
    if (!this.isBaseShared) this.base.delete(key)
    else this.change(key, undefined)
  }

  /** A copy. Later changes of either do not show in the other. */
  copy(): LayeredMap<V> {
    const copy = new LayeredMap<V>()
    copy.size = this.size
    if (this.size <= SMALL) {
      copy.base = this.flattened()
      return copy
    }
    this.isBaseShared = true
    copy.isBaseShared = true
    copy.base = this.base
    if (this.changes !== undefined) copy.changes = new Map(this.changes)
    return copy
  }

  keysThatDiffer(other: Layers<V> | undefined): Iterable<string> {
    if (other === undefined) return this.keys()
    if (!(other instanceof LayeredMap) || other.base !== this.base)
      return new Set([...this.keys(), ...other.keys()])
    return new Set([...(this.changes?.keys() ?? []), ...(other.changes?.keys() ?? [])])
  }

  private change(key: string, value: V | undefined): void {
    this.changes ??= new Map()
    this.changes.set(key, value)
    // Copying the changes for every version costs as much as copying the base once in this many versions.
    if (this.changes.size ** 2 <= 4 * this.base.size) return
    this.base = this.flattened()
    this.isBaseShared = false
    this.changes = undefined
  }

  private flattened(): Map<string, V> {
    if (this.changes === undefined) return new Map(this.base)
    const map = new Map<string, V>()
    for (const key of this.keys()) {
      const value = this.get(key)
      if (value !== undefined) map.set(key, value)
    }
    return map
  }

  private *changedKeys(changes: ReadonlyMap<string, V | undefined>): Generator<string> {
    for (const key of this.base.keys()) if (!changes.has(key)) yield key
    for (const [key, value] of changes) if (value !== undefined) yield key
  }

  private *changedValues(changes: ReadonlyMap<string, V | undefined>): Generator<V> {
    for (const [key, value] of this.base) if (!changes.has(key)) yield value
    for (const value of changes.values()) if (value !== undefined) yield value
  }
}
