/**
 * The catalogue of errors a person can meet: what happened, to what, and what to do next. One entry each.
 * They cross the socket as plain data (`UserError`); `PeerfoldError` is the same thing as something to throw.
 */

export type ErrorCode = keyof typeof CATALOGUE

/** An error as data. `message` is a whole sentence or two in English, ready to show. */
export interface UserError {
  readonly code: ErrorCode
  readonly message: string
}

const CATALOGUE = {
  'bad-link': (detail: string) => detail,
  'bad-request': (detail: string) => `The request was not understood: ${detail}.`,
  'not-a-folder': (path: string) => `“${path}” is not a folder or file on this disk. Choose one that exists.`,
  'source-vanished': (path: string) =>
    `The folder “${path}” is gone. Sharing pauses; put it back and it continues. Nothing was unpublished.`,
  'source-emptied': (path: string) =>
    `“${path}” holds no files to share any more. Its last version stays shared, in case a disk is not mounted. If it is meant to be empty, stop or remove the share.`,
  'source-unreadable': (path: string) => `“${path}” cannot be read. Check its permissions, then retry.`,
  'nothing-to-share': (path: string) =>
    `Everything in “${path}” is left out by ignore rules or the secrets filter, or cannot be shared, so there is nothing to share.`,
  'source-empty': (name: string) => `“${name}” has no files to share.`,
  'unknown-share': () => 'This share is not known here any more. Open its link again.',
  'own-share': (name: string) => `“${name}” is shared from this machine. Its files are already here.`,
  'log-lost': (name: string) =>
    `The log of “${name}” was damaged or restored from an old copy, so its link can get no new versions. Remove the share and share the folder again to get a new link; your files are untouched.`,
  'log-behind': (name: string) =>
    `Others may have versions of “${name}” that are missing here: the machine lost power, or an older copy of the store was put back. What you change is published when somebody who has them is online. To go on without them, remove the share and share the folder again under a new link (in a terminal: peerfold share --new-link). Your files are untouched.`,
  'log-unchecked': (name: string) =>
    `The machine went down while “${name}” was shared, so others may have versions that are missing here. What you change is published when Peerfold is online and has asked them.`,
  'log-forked': (name: string) =>
    `Two different histories of “${name}” exist under its link, so it can be read no further: its owner restored an old copy of the store, or somebody who has its key forges it. Ask for a new link. Files you saved are untouched.`,
  'share-stopped': (name: string) => `“${name}” is stopped. Start it again first.`,
  'store-locked': (folder: string) =>
    `Another Peerfold uses the data folder “${folder}” and does not answer. Run “Peerfold: Stop Peer Process” in a window, or “peerfold stop” in a terminal, then retry.`,
  'storage-foreign': (folder: string) =>
    `The folder “${folder}” is open to other users and holds other things, so Peerfold does not keep its data there. Choose a new or empty one.`,
  'storage-not-yours': (path: string) =>
    `“${path}” belongs to another user of this machine, who could read or forge what Peerfold keeps there, so it is not used. Choose a data folder of your own, or make it yours (chown). Nothing was changed.`,
  'store-damaged': (kept: string) =>
    `Peerfold's store is damaged and was set aside at “${kept}”. Your files are untouched. Opened shares are fetched again; share your own folders again to get new links.`,
  'store-full': (folder: string) =>
    `The disk of Peerfold’s data folder “${folder}” is full, so nothing new is published or fetched. Free some space; then it continues by itself. What is shared stays shared, and your files are untouched.`,
  'store-quota': (folder: string) =>
    `Your quota on the disk of Peerfold’s data folder “${folder}” is used up, so nothing new is published or fetched. Free some space there, then end the peer process with “Peerfold: Stop Peer Process” in a window or “peerfold stop” in a terminal, and start it again. Your files are untouched.`,
  'store-read-only': (folder: string) =>
    `Peerfold’s data folder “${folder}” cannot be written, so nothing new is published or fetched. Check its permissions and whether its disk became read-only, then end the peer process with “Peerfold: Stop Peer Process” in a window or “peerfold stop” in a terminal, and start it again. Your files are untouched.`,
  'store-failing': (folder: string) =>
    `The disk of Peerfold’s data folder “${folder}” reports errors, so nothing new is published or fetched. Check the disk. Your files are untouched.`,
  'catalog-damaged': (kept: string) =>
    `Peerfold's list of your shares is damaged and was set aside at “${kept}”. Your files are untouched. Open links again, and share your own folders again to get new links.`,
  'bootstrap-differs': (running: string) =>
    `The running peer process uses other bootstrap nodes (${running}). End it with “Peerfold: Stop Peer Process” in a window or “peerfold stop” in a terminal, then retry; or use another data folder.`,
  'peer-unreachable': () =>
    'The peer process does not answer. Peerfold restarts it; if this stays, choose “Show Log” and report it.',
  'process-ended': () =>
    'The peer process was ended on purpose. “Start Again” in the Peerfold views starts it; what was under way goes on then.',
  'peer-newer': () =>
    'A newer Peerfold is running on this data folder. Update this one, then retry. Nothing was changed.',
  'peer-older': (version: string) =>
    `An older Peerfold (${version}) is running on this data folder. This one takes over where it can; if it did not, close the windows and commands that use the older one, or run its own “peerfold stop”, then retry. Nothing is lost.`,
  'not-ended': (pid: string) =>
    `The peer process does not answer. It noted process id ${pid}, which may belong to another program by now, so Peerfold ended nothing. If that is a Peerfold, end it in the system’s list of processes, then retry.`,
  'nobody-found': (why: string) => `Nobody who has this share was found. ${why}`,
  offline: (path: string) =>
    `“${path}” is not on this machine yet and nobody who has it is connected. It opens when a peer comes back.`,
  'not-listed': () =>
    'The list of files of this share is not on this machine yet and nobody who has it is connected. It comes when a peer does.',
  stalled: () =>
    'Nobody who has the rest is connected any more. What came is kept. It goes on by itself when somebody who has it comes while Peerfold runs, and also when it is asked for again.',
  'file-not-found': (path: string) => `“${path}” is not in this share.`,
  'target-missing': (link: string) => `${link}, which is not in this share.`,
  'target-outside': (link: string) => `${link}, which is outside of this share.`,
  'target-circle': (link: string) =>
    `${link}, and leads in a circle of links, or through more than 40 of them.`,
  'links-to-folder': (detail: string) =>
    `${detail}. It is not followed here, where links could lead on for ever. Open that folder itself.`,
  'no-copy': (name: string) =>
    `There is no saved copy of “${name}” on this disk any more, or none that this editor knows. “Save a Copy…” makes one.`,
  'ambiguous-path': (paths: string) =>
    `More than one name in this share is spelled like that: ${paths}. Choose one from its list of files.`,
  'is-a-folder': (path: string) => `“${path}” is a folder.`,
  'not-a-folder-entry': (path: string) => `“${path}” is not a folder.`,
  'too-large-to-read': (detail: string) =>
    `${detail} was not read: it is larger than VS Code takes in one piece. If you copied it in the Explorer, the copy is empty: delete that, and use “Save a Copy…”.`,
  'too-large': (detail: string) => `${detail} is too large to open in the editor. Use “Save a Copy…”.`,
  'not-readable': () =>
    'This cannot be read: it is no share, or a private one, which its key alone does not open. Ask whoever sent it for the whole link.',
  'bad-entry': (path: string) => `The share describes “${path}” wrongly, so it cannot be read.`,
  'limit-passed': (detail: string) =>
    `${detail} Raise the limit in Peerfold’s settings if you trust this share; then it continues by itself.`,
  'store-limit': (detail: string) =>
    `What opened shares keep on this machine has reached its limit (${detail}), so nothing more of them is fetched. Raise “peerfold.maxStoreSize” in Peerfold’s settings, or remove opened shares that you do not need; then it continues by itself. What is here stays.`,
  'peer-limit': (detail: string) =>
    `A peer is turned away for a while, ${detail}. If you know and trust it, raise that limit in Peerfold’s settings; then it is let in at once. Nothing else is affected.`,
  'message-too-large': (detail: string) =>
    `This is too much for one request or answer between Peerfold and its peer process (${detail}). Raise “peerfold.maxRequestSize” in Peerfold’s settings, then try again. Nothing else is affected.`,
  'no-space': (folder: string) =>
    `The disk of “${folder}” is full. Free some space; the transfer continues by itself. Nothing is lost.`,
  'target-vanished': (folder: string) => `The folder “${folder}” is gone. Put it back, then retry.`,
  'target-read-only': (folder: string) => `“${folder}” cannot be written. Check its permissions, then retry.`,
  'target-overlaps': (folder: string) =>
    `“${folder}” is the folder that is shared. Choose another one for the copy.`,
  'workspace-refused': (name: string) =>
    `VS Code did not add “${name}” to the workspace. Close the dialogs that are open, if any, and try again.`,
  'disk-read-only': (path: string) =>
    `The disk of “${path}” is read-only. Choose another place, or mount it for writing. What is done is kept.`,
  'disk-full': (path: string) =>
    `The disk of “${path}” is full. Free some space, then try again; what is done is kept.`,
  'name-too-long': (path: string) =>
    `“${path}” is longer than a name or path may be there. Choose a shorter one.`,
  'name-refused': (path: string) => `The file system does not take the name “${path}”. Choose another one.`,
  'link-loop': (path: string) =>
    `The links on the way to “${path}” lead in a circle. Mend them, or choose another place.`,
  'is-a-folder-here': (path: string) =>
    `“${path}” is a folder on this disk. Choose another name for the file.`,
  'file-in-the-way': (path: string) =>
    `A file is where “${path}” needs a folder. Choose another place, or move that file away.`,
  'no-socket-folder': (root: string) =>
    `No folder can hold the socket of “${root}”: each is open to other users, or its path is too long. Choose a data folder with a shorter path that only you can open.`,
  'changed-meanwhile': (path: string) =>
    `“${path}” was changed while it was read, so what came is not one version of it. Read it again.`,
  'io-failed': (detail: string) =>
    `Reading or writing failed: ${detail}. What is done is kept. Try again; if it fails the same way, the disk or its connection needs a look.`,
  cancelled: () => 'Cancelled.',
  internal: (detail: string) => `Something unexpected happened: ${detail}. See the log.`,
} as const satisfies Record<string, (detail: string) => string>

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
