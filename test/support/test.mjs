/**
 * `npm test [-- lane…]`: sets up what is missing, builds, and runs the lanes (test/support/lanes.ts). The last line
 * is `N passed, N failed`.
 */
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

const lanes = process.argv.slice(2)

try {
  const started = Date.now()
  await installPackages()
  // Only the ui lane needs the VSIX; the programs in it are then the ones all lanes test.
  await build(...(lanes.length === 0 || lanes.includes('ui') ? ['--package'] : []))
  console.log(`set-up: ${((Date.now() - started) / 1000).toFixed(1)} s`)
  process.exitCode = await run(process.execPath, [join(root, 'dist/test/support/lanes.js'), ...lanes])
} catch (error) {
  console.error(error.message)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
