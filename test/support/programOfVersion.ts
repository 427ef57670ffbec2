/** The peer program as another version of itself: the same code with another version number. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { VERSION } from '../../src/common/version'
import { built } from './projectRoot'

/** → the path of the program; it is removed when this process ends. */
export function peerProgramOfVersion(version: string): string {
  const text = readFileSync(built('peer.js'), 'utf8')
  const changed = text.replaceAll(`"${VERSION}"`, `"${version}"`)
  if (changed === text) throw new Error(`the peer program does not say “${VERSION}”`)
  const path = built(`peer-${version}-${process.pid}.js`) // beside its packages
  writeFileSync(path, changed)
  process.once('exit', () => rmSync(path, { force: true }))
  return path
}
