/**
 * A local program that keeps swapping a folder for a link to another place and back, as fast as it can.
 * Arguments: the folder, where the link leads. Says `ready` first; on SIGTERM puts the folder back, says how often
 * it swapped, and ends.
 */
import { existsSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'

const [folder = '', outside = ''] = process.argv.slice(2)
const away = `${folder}.away`
let swaps = 0
let strays = 0

process.on('SIGTERM', () => {
  console.log(`swaps ${swaps}`)
  process.exit(0)
})
console.log('ready')
turn()

function turn(): void {
  for (let count = 0; count < 20; count++) swap()
  setImmediate(turn)
}

function swap(): void {
  renameSync(folder, away)
  try {
    symlinkSync(outside, folder)
  } catch {
    // The writer made the folder anew in the moment it was missing; that one is put aside, still inside the copy.
    if (existsSync(folder)) renameSync(folder, `${folder}.stray${strays++}`)
    putBack()
    return
  }
  swaps++
  unlinkSync(folder)
  putBack()
}

/** The folder may have been made anew here too, and again while that one is put aside. */
function putBack(): void {
  while (existsSync(away)) {
    try {
      renameSync(away, folder)
    } catch {
      renameSync(folder, `${folder}.stray${strays++}`)
    }
  }
  mkdirSync(folder, { recursive: true })
}
