/** What `log` and `diff` are about: a link, or something on this disk that is shared from here. */
import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { DrivePath, ShareId } from '../common/brand'
import { PeerfoldError } from '../common/errors'
import { findLinks } from '../common/linkSearch'
import type { CommandPeer } from './commandPeer'
import type { Context } from './context'
import { meantPath } from './drivePath'
import { readLink } from './linkArgument'
import { type Doubt, openShare } from './openedShare'

export interface MeantShare {
  readonly id: ShareId
  readonly path: DrivePath
  /** Of the link. */
  readonly version?: number
  readonly doubt: Doubt
}

/** Finds the share with a peer process, and again with the next one. The argument was read before: standard input can be
 *  read only once. */
export type ShareFinder = (peer: CommandPeer) => Promise<MeantShare>

/** @throws PeerfoldError `bad-link`, `not-shared-here` */
export async function meantShare(
  context: Context,
  argument: string,
  path: string | undefined,
): Promise<ShareFinder> {
  const found = argument === '-' ? undefined : findLinks(argument)
  const onDisk = found?.ok === false ? await realPathOf(argument) : undefined
  if (onDisk !== undefined) return peer => sharedFrom(peer, onDisk, argument, path)
  if (found?.ok === false && found.problem === 'not-a-link')
    throw new PeerfoldError('bad-link', `“${argument}” is neither a link nor a folder or file on this disk.`)
  const link = await readLink(argument)
  return async peer => {
    const { id, ...doubt } = await openShare(context, peer, link)
    const version = link.version === undefined ? {} : { version: link.version }
    return { id, path: meantPath(link, path), ...version, doubt }
  }
}

async function realPathOf(argument: string): Promise<string | undefined> {
  try {
    return await realpath(resolve(argument))
  } catch {
    return undefined // it is a link, or a mistake that reading it as one will name
  }
}

async function sharedFrom(
  peer: CommandPeer,
  onDisk: string,
  argument: string,
  path: string | undefined,
): Promise<MeantShare> {
  const { shares } = await peer.request('state.get', {})
  const around = shares
    .filter(
      ({ source }) => onDisk === source || onDisk.startsWith(source.endsWith(sep) ? source : source + sep),
    )
    .sort((a, b) => b.source.length - a.source.length)
  const [share] = around
  if (share === undefined) throw new PeerfoldError('not-shared-here', argument)
  const below = share.isFile ? '' : onDisk.slice(share.source.length).split(sep).join('/')
  const doubt = { stale: false, silent: [] }
  return { id: share.id, path: meantPath({}, `${below}/${path ?? ''}`), doubt }
}
