/**
 * Why an entry of a share is not written: one code and one sentence each. Codes are for programs and tests.
 * Sentences are for the list of skipped entries that the user sees.
 */

const SENTENCES = {
  'no-leading-slash': 'Its path does not start at the top of the share.',
  'empty-component': 'Its path has an empty part.',
  'parent-component': 'Its path leads upwards (“..”).',
  'current-component': 'Its path has a part “.”, which names no file.',
  'drive-letter': 'Its path starts with a drive letter.',
  'network-path': 'Its path has the form of a network path.',
  'device-path': 'Its path has the form of a device path.',
  'control-character': 'Its name has a control character or a line break.',
  bidi: 'Its name has characters that turn the reading direction, which disguises names.',
  'lone-surrogate': 'Its name is not valid Unicode.',
  'component-too-long': 'A name in its path is longer than 255 bytes.',
  'path-too-long': 'Its path is longer than 4,096 bytes.',
  'too-deep': 'It lies more than 255 folders deep.',
  'temporary-name': 'Peerfold uses names of this form for its own temporary files.',
  'reserved-device-name': 'Its name stands for a device.',
  'trailing-dot-or-space': 'Its name ends with a dot or a space, which would be dropped.',
  'alternate-data-stream': 'Its name would mean a hidden stream of another file.',
  'forbidden-character': 'Its name has one of < > " | ? *, which is not allowed.',
  backslash: 'Its name has a backslash, which would separate folders.',
  'foreign-separator':
    'Its name has a backslash, which other Hyperdrive clients take for the end of a folder’s name.',
  'short-name': 'Its name has the form of a shortened name (like PROGRA~1), which may mean another file.',
  twin: 'Another entry has the same name for this file system, which ignores case or accents’ spelling.',
  'file-beside-folder': 'The share has both a file and a folder of this name.',
} as const

/** Why a path, by itself or beside the others of its share, cannot become a file. */
export type PathRefusal = keyof typeof SENTENCES

/** A whole sentence for the list of skipped entries. It is shown beside the path, so it does not repeat the path. */
export function describeRefusal(reason: PathRefusal): string {
  return SENTENCES[reason]
}

const LINK_SENTENCES = {
  'link-empty': 'The link has no target.',
  'link-bad-target': 'The target of the link is no valid path.',
  'link-absolute': 'The link points to an absolute path.',
  'link-outside': 'The link points outside the copy.',
  'link-dangling': 'The link points to something that is not in the copy.',
  'link-loop': 'The link leads back to itself or to a folder around it.',
} as const

/** Why a link of a share is not recreated. */
export type LinkRefusal = keyof typeof LINK_SENTENCES

/** A whole sentence for the list of skipped entries. */
export function describeLinkRefusal(reason: LinkRefusal): string {
  return LINK_SENTENCES[reason]
}
