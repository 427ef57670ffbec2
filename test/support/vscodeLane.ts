/**
 * The vscode lane: mocha inside a real extension host, by @vscode/test-electron. With PEERFOLD_DESKTOP=1 that is a
 * downloaded desktop VS Code, otherwise VS Code server. The suites are the same and cannot tell. They find a local DHT
 * and an empty data folder in the settings, and in PEERFOLD_TEST_BOOTSTRAP and PEERFOLD_TEST_STORAGE.
 */
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { runTests, TestRunFailedError } from '@vscode/test-electron'
import { makeTree, temporaryFolder } from './folders'
import { startLocalDht } from './localDht'
import { built, projectRoot } from './projectRoot'

async function main(): Promise<void> {
  const temporary = temporaryFolder('vscode')
  const workspace = await makeTree(join(temporary, 'workspace'), {
    'read me.txt': 'A file to look at.\n',
    src: { 'main.ts': 'export const answer = 42\n' },
  })
  const storage = join(temporary, 'storage')
  const dht = existsSync(built('dht.js')) ? await startLocalDht() : undefined
  const bootstrap = dht?.bootstrap ?? '127.0.0.1:1'
  const userData = await makeTree(join(temporary, 'user-data'), {
    User: {
      'settings.json': JSON.stringify({
        'peerfold.storageFolder': storage,
        'peerfold.bootstrap': [bootstrap],
      }),
    },
  })
  const launcher = built('test/support/codeLauncher.js')
  chmodSync(launcher, 0o755)
  try {
    await runTests({
      ...(process.env.PEERFOLD_DESKTOP === '1' ? {} : { vscodeExecutablePath: launcher }),
      extensionDevelopmentPath: projectRoot,
      extensionTestsPath: built('test/vscode/index.js'),
      extensionTestsEnv: { PEERFOLD_TEST_STORAGE: storage, PEERFOLD_TEST_BOOTSTRAP: bootstrap },
      launchArgs: [workspace, `--user-data-dir=${userData}`],
    })
  } finally {
    await dht?.stop()
  }
}

main().then(
  () => process.exit(0),
  error => {
    // A failed run has printed what failed.
    if (!(error instanceof TestRunFailedError)) console.error(error)
    process.exit(1)
  },
)
