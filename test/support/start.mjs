/** `npm start`: sets up what is missing, builds, and opens Peerfold as two people (test/support/demo.ts). */
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

try {
  await installPackages()
  await build('--package')
  process.exitCode = await run(process.execPath, [join(root, 'dist/test/support/demo.js')])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
