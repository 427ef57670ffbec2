/**
 * Takes a data folder over and is killed at a chosen moment. Arguments: the data folder, and how many changes of the
 * file system come before the kill. A file that is being written then is written by half. Without the second argument
 * nothing is killed, and the number of changes is printed.
 */
import fs from 'node:fs'
import { takeOver } from '../../src/peer/store/takeOver'
import { dataFolderPaths } from '../../src/wire/dataFolder'

const [root = '', before] = process.argv.slice(2)
let changes = 0

function count(): boolean {
  return String(changes++) === before
}
function end(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;); // until the signal is here
}

const { mkdirSync, openSync, renameSync, writeFileSync } = fs
Object.assign(fs, {
  mkdirSync: (...args: Parameters<typeof mkdirSync>) => (count() ? end() : mkdirSync(...args)),
  openSync: (...args: Parameters<typeof openSync>) =>
    args[1] === 'w' && count() ? end() : openSync(...args),
  renameSync: (...args: Parameters<typeof renameSync>) => (count() ? end() : renameSync(...args)),
  writeFileSync: (...[file, text]: Parameters<typeof writeFileSync>) => {
    if (!count()) return writeFileSync(file, text)
    writeFileSync(file, String(text).slice(0, String(text).length / 2))
    return end()
  },
})

takeOver(dataFolderPaths(root))
console.log(changes)
