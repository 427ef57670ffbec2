/** The share a command is meant for: the one it was given, or by a key the one that is selected in its view. */
import type { ShareId } from '../../common/brand'
import { givenShare, givenText } from './commandArguments'
import type { CommandParts } from './parts'

/** `given`: as for `givenShare`, or `{ selected: <id of a view> }`, as the keys of package.json give it. */
export function meantShare({ views }: CommandParts, given: unknown): ShareId | undefined {
  const view = givenText(given, 'selected')
  return view === undefined ? givenShare(given) : views.selected(view)
}
