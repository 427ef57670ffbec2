/** `npm run bench [-- options]`: sets up what is missing, builds, and runs test/bench/run.bench.ts. `--help` tells more. */
import { join } from 'node:path'
import { build, installPackages, root, run } from './install.mjs'

try {
  await installPackages()
  await build()
  process.exitCode = await run(process.execPath, [
    join(root, 'dist/test/bench/run.bench.js'),
    ...process.argv.slice(2),
  ])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
