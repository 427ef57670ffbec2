/**
 * What “Two people” in .vscode/launch.json needs before its windows open: a folder for each person, and a private DHT
 * by which the two find each other. Runs until it is ended. The names and the port stand in launch.json, too.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './install.mjs'

const PORT = 49_770

for (const [person, note] of [
  ['alice', 'Share this folder: F1, “Peerfold: Share Folder with Peer”.\n'],
  ['bob', 'Open Alice’s link here: F1, “Peerfold: Open Shared Link…”.\n'],
]) {
  const folder = join(root, 'out', 'people', person)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'read me.md')
  if (!existsSync(file)) writeFileSync(file, note)
}
process.exitCode = await run(process.execPath, [join(root, 'dist/cli.js'), 'dht', '--port', String(PORT)])
