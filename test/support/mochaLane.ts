/** A mocha lane as a process: `node dist/test/support/mochaLane.js <milliseconds a test may take> <suite>…` */
import { resolve } from 'node:path'
import { runMocha } from './runMocha'

/** Each suite is a bundle of its own and listens for the end of the process to clean up. */
const manySuites = 200

async function main([timeout, ...suites]: readonly string[]): Promise<void> {
  process.setMaxListeners(manySuites)
  const { failed } = await runMocha(
    suites.map(suite => resolve(suite)),
    { timeout: Number(timeout) },
  )
  // Not left to the event loop: a handle that a test forgot would keep the lane waiting until its budget is used up.
  process.exit(failed > 0 ? 1 : 0)
}

main(process.argv.slice(2)).catch(error => {
  console.error(error) // a suite that cannot be loaded
  process.exit(1)
})
