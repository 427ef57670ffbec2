/**
 * `npm run bench [-- options]`: sets up what is missing, builds what users get (with names, where they are to be read in
 * profiles), and runs test/bench/run.bench.ts. `--help` tells more.
 */
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

try {
  const args = process.argv.slice(2)
  await installPackages()
  await build(...(args.includes('--cpu-prof') ? [] : ['--production']))
  process.exitCode = await run(process.execPath, [join(root, 'dist/test/bench/run.bench.js'), ...args])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
