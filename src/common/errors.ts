/**
 * The catalogue of errors a person can meet: what happened, to what, and what to do next. One entry each.
 * They cross the socket as plain data (`UserError`); `PeerfoldError` is the same thing as something to throw.
 */

import { withoutRoot } from './format'

export type ErrorCode = keyof typeof CATALOGUE

/** An error as data. `message` is a whole sentence or two in English, ready to show. */
export interface UserError {
  readonly code: ErrorCode
  readonly message: string
}

const CATALOGUE = {
  'bad-link': (detail: string) => detail,
  'bad-request': (detail: string) => `The request was not understood: ${detail}.`,
  'not-a-folder': (path: string) => `There is no folder or file to share at “${path}”. Choose another.`,
  'source-vanished': (path: string) =>
    `“${path}” is gone. Sharing pauses until it is back. Nothing was unpublished.`,
  'source-emptied': (path: string) =>
    `“${path}” has no files to share any more. Its last version stays shared, in case a disk is not mounted. If it is meant to be empty, stop or remove the share.`,
  'source-unreadable': (path: string) => `“${path}” cannot be read. Check its permissions, then retry.`,
  'nothing-to-share': (path: string) =>
    `“${path}” has nothing to share: all of it is left out by ignore rules or as secrets, or cannot be shared.`,
  'source-empty': (name: string) => `“${name}” has no files to share.`,
  'unknown-share': () => 'This share is not known here any more. Open its link again.',
  'not-in-a-share': (path: string) => `“${path}” is in no folder that you share, so there is no link to it.`,
  'not-shared-here': (path: string) =>
    `“${path}” is not shared from here. Give the link of a share, or a folder that you share.`,
  'not-shared': ofEntry(
    name => `“${name}” is not in the share, so there is no link to it: it is left out, or not published yet.`,
  ),
  'no-link-to-path': ofEntry(
    name =>
      `No link can point at “${name}”: the path is too long, or has characters that some systems take for others. Copy the link of a folder around it.`,
  ),
  'own-share': (name: string) => `“${name}” is shared from this machine. Its files are already here.`,
  'log-lost': (name: string) =>
    `“${name}” can get no new versions: its log was damaged or restored from an old copy. Remove the share and share the folder again for a new link. Your files are untouched.`,
  'log-behind': (name: string) =>
    `“${name}” waits: others may have versions that are missing here, after a power loss or an old backup. Your changes are published when somebody who has them is online. To go on without them, remove the share and share the folder again for a new link (in a terminal: peerfold share --new-link). Your files are untouched.`,
  'log-unchecked': (name: string) =>
    `“${name}” waits: the machine went down while it was shared, so others may have versions that are missing here. Your changes are published when Peerfold is online and has asked them.`,
  'log-forked': (name: string) =>
    `“${name}” has two different histories under one link, so nothing more of it is read. Its owner restored an old copy, or somebody who has its key forges it. Ask for a new link. Files you saved are untouched.`,
  'share-stopped': (name: string) => `“${name}” is stopped. Start it again first.`,
  'store-locked': (folder: string) =>
    `Another Peerfold uses the data folder “${folder}” and does not answer. End it with “Peerfold: Stop Peer Process” or, in a terminal, “peerfold stop”, then retry.`,
  'storage-foreign': (folder: string) =>
    `“${folder}” is open to other users and holds other things, so Peerfold keeps no data there. Choose a new or empty folder.`,
  'storage-not-yours': (path: string) =>
    `“${path}” belongs to another user of this machine, who could read or forge what is kept there. Choose a data folder of your own, or make it yours (chown). Nothing was changed.`,
  'storage-newer': (folder: string) =>
    `A newer Peerfold has written the data folder “${folder}”, in a format that this one does not know. Update this one, then retry; or choose another data folder. Nothing was changed.`,
  'store-damaged': (kept: string) =>
    `Peerfold’s store was damaged and is set aside at “${kept}”. Your files are untouched. Opened shares are fetched again; share your own folders again for new links.`,
  'store-full': (folder: string) =>
    `The disk of Peerfold’s data folder “${folder}” is full, so nothing new is published or fetched. Free some space and it continues. What is shared stays shared; your files are untouched.`,
  'store-quota': (folder: string) =>
    `Your quota on the disk of Peerfold’s data folder “${folder}” is used up, so nothing new is published or fetched. Free some space there, then stop Peerfold (“Peerfold: Stop Peer Process” or, in a terminal, “peerfold stop”) and start it again. Your files are untouched.`,
  'store-read-only': (folder: string) =>
    `Peerfold’s data folder “${folder}” cannot be written, so nothing new is published or fetched. Check its permissions and its disk, then stop Peerfold (“Peerfold: Stop Peer Process” or, in a terminal, “peerfold stop”) and start it again. Your files are untouched.`,
  'store-failing': (folder: string) =>
    `The disk of Peerfold’s data folder “${folder}” reports errors, so nothing new is published or fetched. Check the disk. Your files are untouched.`,
  'catalog-damaged': (kept: string) =>
    `Peerfold’s list of your shares was damaged and is set aside at “${kept}”. Your files are untouched. Open links again, and share your own folders again for new links.`,
  'bootstrap-differs': (running: string) =>
    `The running Peerfold uses other bootstrap nodes (${running}). End it with “Peerfold: Stop Peer Process” or, in a terminal, “peerfold stop”, then retry; or use another data folder.`,
  'peer-unreachable': () =>
    'Peerfold’s peer process does not answer. It is restarted; if this happens again, choose “Show Log” and report it.',
  'process-ended': () =>
    'Peerfold is stopped. “Start Again” in its views starts it, and what was under way continues.',
  'peer-newer': () =>
    'A newer Peerfold is running on this data folder. Update this one, then retry. Nothing was changed.',
  'peer-older': (version: string) =>
    `An older Peerfold (${version}) is running on this data folder. If this one does not take over, close the windows and commands that use the older one, or run its own “peerfold stop”, then retry. Nothing is lost.`,
  'not-ended': (pid: string) =>
    `The peer process does not answer, and was not ended: its process id ${pid} may belong to another program by now. If that is a Peerfold, end it in the system’s list of processes, then retry.`,
  'nobody-found': (why: string) => `Nobody who has this share was found. ${why}`,
  offline: ofEntry(
    name => `“${name}” is not here yet, and nobody online has it. It opens when somebody comes.`,
  ),
  'no-such-version': (what: string) =>
    `This share has no version ${what}. Its history lists those that there are.`,
  'no-other-version': ofEntry(name => `No other version of “${name}” is known.`),
  'version-not-here': () =>
    'The list of files of this version is not here, and nobody online gave it. Try again when somebody who has the share is online.',
  'not-kept': ofEntry(
    name =>
      `The content of “${name}” in this version is no longer kept: whoever is online has let it go. Newer versions are not affected.`,
  ),
  'not-listed': () =>
    'The list of files is not here yet, and nobody online has it. It comes when somebody does.',
  stalled: () =>
    'Nobody online has the rest. It resumes by itself when somebody comes while Peerfold runs; what is here is kept.',
  'file-not-found': ofEntry(name => `“${name}” is not in this share.`),
  'target-missing': (link: string) => `${link}, which is not in this share.`,
  'target-outside': (link: string) => `${link}, which is outside of this share.`,
  'target-circle': (link: string) =>
    `${link}, and leads in a circle of links, or through more than 40 of them.`,
  'links-to-folder': (detail: string) =>
    `${detail}. It is not followed here, where links could lead on for ever. Open that folder itself.`,
  'no-copy': (name: string) => `“${name}” has no saved copy on this disk any more. “Save a Copy…” makes one.`,
  'ambiguous-path': (paths: string) =>
    `Several names in this share are spelled like that: ${paths}. Choose one from the list of files.`,
  'is-a-folder': ofEntry(name => `“${name}” is a folder.`),
  'not-a-folder-entry': ofEntry(name => `“${name}” is not a folder.`),
  'too-large-to-read': (detail: string) =>
    `${detail} was not read: it is larger than VS Code takes in one piece. If you copied it in the Explorer, delete the copy, which is empty, and use “Save a Copy…”.`,
  'too-large': (detail: string) => `${detail} is too large to open in the editor. Use “Save a Copy…”.`,
  'not-readable': () =>
    'This cannot be read: it is no share, or a private one that needs its whole link. Ask whoever sent it.',
  'bad-entry': ofEntry(name => `“${name}” cannot be read: the share describes it wrongly.`),
  'limit-passed': (detail: string) =>
    `${detail} If you trust this share, raise the limit in Peerfold’s settings; then it continues.`,
  'store-limit': (detail: string) =>
    `Opened shares have reached the limit of what they may keep here (${detail}), so nothing more is fetched. Raise “peerfold.maxStoreSize”, or remove opened shares that you do not need; then it continues. What is here stays.`,
  'message-too-large': (detail: string) =>
    `This is too much for one message to the peer process: ${detail}. Ask for less at a time. Nothing was done, and nothing else is affected.`,
  'port-taken': (port: string) => `Port ${port} is in use on this machine. Choose another one.`,
  'no-space': (folder: string) =>
    `The disk of “${folder}” is full. Free some space and it continues. Nothing is lost.`,
  'target-vanished': (folder: string) => `“${folder}” is gone. Put it back, then retry.`,
  'target-read-only': (folder: string) => `“${folder}” cannot be written. Check its permissions, then retry.`,
  'target-overlaps': (folder: string) =>
    `“${folder}” is the folder that is shared. Choose another one for the copy.`,
  'unknown-live': () => 'This folder is not kept in sync any more.',
  'live-in-share': (folder: string) =>
    `“${folder}” cannot be kept in sync: it is, lies in, or holds a folder that is shared, and what comes in would be shared on. Choose another folder. Nothing was changed.`,
  'live-overlaps': (folder: string) =>
    `“${folder}” is, lies in, or holds a folder that is kept in sync already. Choose another folder, or stop syncing that one. Nothing was changed.`,
  'live-there': (folder: string) =>
    `“${folder}” is kept in sync with this share already, so there is nothing to copy. Nothing was changed.`,
  'live-removal': (files: string) =>
    `The new version of the share has lost most of its files: it would take ${files} away here. Nothing is changed until you decide.`,
  'live-conflicts': (files: string) =>
    `The new version of the share changes more than ${files} files that you changed as well. Nothing is changed until you decide.`,
  'live-emptied': (folder: string) =>
    `“${folder}” has none of its files any more. Put them back, or mount its disk, and syncing continues. Nothing is changed until then.`,
  'no-conflict': (path: string) => `“${path}” has no conflict any more.`,
  'merge-no-base': (path: string) =>
    `“${path}” cannot be merged: the version that you and the sharer began with is not known here. Compare the two, then take theirs or keep yours. Nothing was changed.`,
  'merge-base-gone': (path: string) =>
    `“${path}” cannot be merged now: the version that you and the sharer began with is not here, and nobody online has it. Try again later, or compare the two. Nothing was changed.`,
  'merge-binary': (path: string) =>
    `“${path}” cannot be merged: it is no text. Take theirs or keep yours. Nothing was changed.`,
  'merge-too-large': (path: string) =>
    `“${path}” cannot be merged: it has more than 4 MB or 200,000 lines. Compare the two, then take theirs or keep yours. Nothing was changed.`,
  'merge-too-different': (path: string) =>
    `“${path}” cannot be merged: the two have too little in common. Compare them, then take theirs or keep yours. Nothing was changed.`,
  'merge-unsolved': (path: string) =>
    `“${path}” still has conflict markers of the last merge. Solve those first. Nothing was changed.`,
  'kept-file-gone': () => 'This file can be restored no more: it was kept too long, or was put back already.',
  'kept-file-torn': (path: string) =>
    `The end of this file is lost, so it was not restored. What is left of it is at “${path}”.`,
  'workspace-refused': (name: string) =>
    `VS Code did not add “${name}” to the workspace. Close any open dialogs and try again.`,
  'disk-read-only': (path: string) =>
    `The disk of “${path}” is read-only. Choose another place, or mount it for writing. What is done is kept.`,
  'disk-full': (path: string) =>
    `The disk of “${path}” is full. Free some space, then try again; what is done is kept.`,
  'name-too-long': (path: string) => `“${path}” is too long for this disk. Choose a shorter name.`,
  'name-refused': (path: string) => `“${path}” is no name that this disk takes. Choose another one.`,
  'link-loop': (path: string) =>
    `The links on the way to “${path}” lead in a circle. Mend them, or choose another place.`,
  'is-a-folder-here': (path: string) =>
    `“${path}” is a folder on this disk. Choose another name for the file.`,
  'file-in-the-way': (path: string) =>
    `“${path}” cannot be a folder: a file is in its place. Choose another place, or move that file away.`,
  'no-socket-folder': (root: string) =>
    `Peerfold cannot start on “${root}”: every folder for its socket is open to other users, or has too long a path. Choose a data folder with a shorter path that only you can open.`,
  'changed-meanwhile': (path: string) => `“${path}” changed while it was read. Read it again.`,
  'io-failed': (detail: string) =>
    `Reading or writing failed: ${detail}. What is done is kept. Try again; if it fails the same way, look at the disk or its connection.`,
  cancelled: () => 'Cancelled.',
  internal: (detail: string) => `Something unexpected happened: ${detail}. See the log.`,
} as const satisfies Record<string, (detail: string) => string>

/** A message about an entry of a share, which it names by its path as people write it. */
function ofEntry(say: (name: string) => string): (path: string) => string {
  return path => say(withoutRoot(path))
}

/** An error whose message is meant for the user. */
export class PeerfoldError extends Error {
  override readonly name = 'PeerfoldError'

  constructor(
    readonly code: ErrorCode,
    detail = '',
  ) {
    super(CATALOGUE[code](detail))
  }

  toUserError(): UserError {
    return { code: this.code, message: this.message }
  }

  /** Rebuilds an error that came over the socket, its message unchanged. */
  static from(error: UserError): PeerfoldError {
    const known = error.code in CATALOGUE ? error.code : 'internal'
    const rebuilt = new PeerfoldError(known)
    rebuilt.message = error.message
    return rebuilt
  }
}

/** Any thrown value as something that can be shown. */
export function toUserError(error: unknown): UserError {
  if (error instanceof PeerfoldError) return error.toUserError()
  const detail = error instanceof Error ? error.message : String(error)
  return new PeerfoldError('internal', detail).toUserError()
}
