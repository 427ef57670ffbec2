/** What a link says, and what can be wrong with the text of one. link.ts reads and writes it. */
import type { DriveKey, DrivePath, EncryptionKey } from './brand'

export interface ShareLink {
  readonly key: DriveKey
  /** Absent for public shares. */
  readonly encryptionKey?: EncryptionKey
  /** What the maker of the link called the share. Untrusted text, free of control characters, at most 96 bytes. */
  readonly name?: string
  /** The share is one file, not a folder. */
  readonly isFile: boolean
  /** What the link points at in the share: `/a/b`, with a slash at its end for a folder. Absent for the whole share.
   *  Nobody has looked yet whether the share has it; see `isLinkPath` for what it cannot be. */
  readonly path?: DrivePath
  /** The version that the maker of the link meant; absent for the newest. */
  readonly version?: number
}

export type LinkProblem =
  | 'empty'
  | 'too-long'
  | 'not-a-link'
  | 'foreign'
  | 'typo'
  | 'truncated'
  | 'malformed'
  /** Made by a newer version of Peerfold. */
  | 'newer-version'

export type ParsedLink = { readonly ok: true; readonly link: ShareLink } | BadLink

export interface BadLink {
  readonly ok: false
  readonly problem: LinkProblem
  /** What is wrong, and what to do. */
  readonly message: string
}

const PROBLEMS: Record<LinkProblem, string> = {
  empty: 'There is no link. Paste the whole link you were sent.',
  'too-long': 'This text is too long to be a Peerfold link. Paste only the link.',
  'not-a-link': 'This is not a Peerfold link. It should contain “/open/pf…”, or be a Hyperdrive key.',
  foreign: 'This is a link of another kind, not a Peerfold link or a Hyperdrive key.',
  typo: 'The link has a typing error. Copy it again from where you got it, from its first character to its last.',
  truncated: 'The link is cut off. Copy it again, to its very end.',
  malformed:
    'This link points at something that no share can have, so it is not opened. Ask whoever sent it for another one.',
  'newer-version': 'This link was made by a newer Peerfold. Update Peerfold, then open it again.',
}

export function badLink(problem: LinkProblem): BadLink {
  return { ok: false, problem, message: PROBLEMS[problem] }
}
