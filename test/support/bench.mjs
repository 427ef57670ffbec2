/**
 * `npm run bench [-- options]`: sets up what is missing, builds what users get, and runs test/bench/run.bench.ts. The
 * build keeps its names where a profile lists functions. `--help` tells more.
 */
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

try {
  const args = process.argv.slice(2)
  await installPackages()
  const tellsFunctions = args.some(option => /^--cpu-prof|\beditor\b/.test(option))
  await build(...(tellsFunctions ? [] : ['--production']))
  process.exitCode = await run(process.execPath, [join(root, 'dist/test/bench/run.bench.js'), ...args])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
