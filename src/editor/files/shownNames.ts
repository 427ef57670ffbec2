/**
 * The name that the addresses of a share carry. It is noted when the share is first shown, in storage that all windows
 * have in common. It stays when the sharer gives the share another name, so that a file does not get a second address.
 * It is not noted before the list of files is here: a bare key tells neither the name nor whether it is a single file.
 * If another share has the name already, the beginning of the fingerprint is added.
 */
import type * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { isShareId } from '../../common/link'
import type { PeerState } from '../../common/model'
import { type ShownName, shownName } from './shareAddress'

/** In globalState: [share id, name], oldest first. Nothing secret. */
const MEMORY = 'peerfold.shownNames'
const MAX_NAMES = 500
/** Characters of the fingerprint that follow a name that is taken; more where that is taken too. */
const SUFFIX_LENGTHS = [4, 12]

type Note = readonly [id: ShareId, name: ShownName]

export class ShownNames {
  /** Names that this window knows. For other shares the notes of other windows count. */
  private readonly known = new Map<ShareId, ShownName>()

  /** `singleFile`: what stands before the name of a file that is shared alone, which is the share's own name. */
  constructor(
    private readonly memory: vscode.Memento,
    private readonly model: { readonly state: Pick<PeerState, 'shares' | 'opened'> | undefined },
    private readonly singleFile: string,
  ) {}

  /** Undefined while the share is not known here. */
  of(id: ShareId): ShownName | undefined {
    return this.noted(id) ?? this.note(id)
  }

  /** Undefined where no address of it was made yet. */
  noted(id: ShareId): ShownName | undefined {
    const known = this.known.get(id) ?? this.notes().find(([other]) => other === id)?.[1]
    if (known !== undefined) this.known.set(id, known)
    return known
  }

  private note(id: ShareId): ShownName | undefined {
    const { state } = this.model
    if (state === undefined) return undefined
    const shares = [...state.opened, ...state.shares]
    const share = shares.find(other => other.id === id)
    if (share === undefined) return undefined
    const isHere = new Set(shares.map(other => other.id))
    const notes = this.notes()
    const isTaken = (name: ShownName) => notes.some(([other, its]) => isHere.has(other) && isSame(its, name))
    const wanted = share.isFile ? this.singleFile : share.name
    const suffixes = ['', ...SUFFIX_LENGTHS.map(length => ` (${id.slice(0, length)})`)]
    const names = suffixes.map(suffix => shownName(wanted, suffix))
    const name = names.find(each => !isTaken(each)) ?? shownName(id)
    const isListed = 'source' in share || share.contents !== undefined
    if (!isListed) return name
    this.known.set(id, name)
    // The name of a share that is gone is free for others.
    const others = notes.filter(([, its]) => !isSame(its, name))
    const noted: readonly Note[] = [...others, [id, name]]
    // Where it cannot be stored, this window still goes by it.
    this.memory.update(MEMORY, noted.slice(-MAX_NAMES)).then(undefined, () => undefined)
    return name
  }

  private notes(): readonly Note[] {
    const value: unknown = this.memory.get(MEMORY)
    if (!Array.isArray(value)) return []
    return value.flatMap((entry: unknown): readonly Note[] => {
      if (!Array.isArray(entry)) return []
      const [id, name]: readonly unknown[] = entry
      const isNote = typeof id === 'string' && isShareId(id) && typeof name === 'string'
      // Checked once more: the stored text becomes part of a path.
      return isNote && isComponent(name) ? [[id, name]] : []
    })
  }
}

function isComponent(name: string): name is ShownName {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

function isSame(a: ShownName, b: ShownName): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
