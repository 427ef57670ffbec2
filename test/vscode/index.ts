/** What VS Code's extension host runs in the vscode lane: every suite beside this file. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runMocha } from '../support/runMocha'

/** Called by VS Code. Rejects when a test failed or none ran, which makes VS Code exit with 1. */
export async function run(): Promise<void> {
  const suites = readdirSync(__dirname).filter(file => file.endsWith('.test.js'))
  const { passed, failed } = await runMocha(
    suites.sort().map(file => join(__dirname, file)),
    { timeout: 60_000 },
  )
  if (failed > 0 || passed === 0) throw new Error(`${failed} of ${passed + failed} tests failed`)
}
