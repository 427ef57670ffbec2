/**
 * Addresses of entries in the editor, see shareAddress.ts. The share id tells nothing of the key that reads, so these
 * may stand in window titles, recent lists and logs.
 *
 * One file can have more than one address. Compare what `fromShareUri` reads from them, never their texts; and take
 * the address of a file that is to be shown from `ShareAddresses`.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { EXTENSION_SCHEME } from '../contributions'
import { readAbove, readAddress, type ShareAddress, type ShownName, writeAddress } from './shareAddress'

export { ROOT, type ShareAddress } from './shareAddress'

/** Without a name: in the form of earlier versions. */
export function toShareUri(address: ShareAddress, name?: ShownName): vscode.Uri {
  return vscode.Uri.from({ scheme: EXTENSION_SCHEME, ...writeAddress(address, name) })
}

/** Undefined for other schemes and for what `readAddress` does not take. */
export function fromShareUri(uri: vscode.Uri): ShareAddress | undefined {
  const read = uri.scheme === EXTENSION_SCHEME ? readAddress(uri) : undefined
  if (read === undefined) return undefined
  const { id, path, version } = read
  return version === undefined ? { id, path } : { id, path, version }
}

/** The name that the address of an entry carries; undefined in the form of earlier versions. */
export function nameInUri(uri: vscode.Uri): ShownName | undefined {
  return uri.scheme === EXTENSION_SCHEME ? readAddress(uri)?.name : undefined
}

/** The share whose folder is all that lies below this address. */
export function shareBelow(uri: vscode.Uri): ShareId | undefined {
  return uri.scheme === EXTENSION_SCHEME ? readAbove(uri) : undefined
}
