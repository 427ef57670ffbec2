/**
 * Peerfold as two people on one machine, to be tried by hand: a private DHT, and two VS Codes with the packaged
 * extension, each with a data folder of its own. Alice's shares a sample folder. Nothing of the user's is touched, and
 * Ctrl-C ends and removes all of it.
 */
import { join } from 'node:path'
import { makeTree, temporaryFolder } from './folders'
import { startLocalDht } from './localDht'
import { peerfold, startPeerfold } from './processes'
import { projectRoot } from './projectRoot'
import { installExtension, startVSCodeServer, type VSCodeServer } from './vscodeServer'

interface Person {
  readonly server: VSCodeServer
  readonly storage: string
}

const sample = {
  'Read me first.md': [
    '# Alice shares this folder',
    '',
    'Bob sees it as soon as he opens the link. Change this file in Alice’s window, save it, and look at Bob’s.',
    '',
  ].join('\n'),
  poems: {
    'tide.txt': 'The tide goes out, the tide comes in,\nand every pebble has been kin.\n',
    'lamp.txt': 'A lamp that lights another lamp\nis not the darker for it.\n',
  },
  src: { 'greet.ts': 'export function greet(name: string): string {\n  return "Hello, " + name\n}\n' },
  '.gitignore': 'notes-to-self.txt\n',
  'notes-to-self.txt': 'Named in .gitignore: this is not shared.\n',
}

async function main(): Promise<void> {
  const home = temporaryFolder('start')
  const interrupted = new Promise<void>(resolve => {
    // Ctrl-C may arrive twice, from the terminal and from npm; the second must not cut the clean-up short.
    process.on('SIGINT', resolve).on('SIGTERM', resolve)
  })
  const dht = await startLocalDht()
  const [alice, bob, aliceFolder, bobFolder] = await Promise.all([
    startPerson(join(home, 'alice'), dht.bootstrap),
    startPerson(join(home, 'bob'), dht.bootstrap),
    makeTree(join(home, 'Alice’s sample'), sample),
    makeTree(join(home, 'Bob’s folder'), {}),
  ])
  const sharing = startPeerfold(['share', aliceFolder], { storage: alice.storage, bootstrap: dht.bootstrap })
  const link = await sharing.line(line => line !== '')

  console.log(`
Peerfold runs as two people on this machine. Open both windows in a browser:

  Alice  ${alice.server.folderUrl(aliceFolder)}
         has a sample folder open and shares it
  Bob    ${bob.server.folderUrl(bobFolder)}
         press F1, run “Peerfold: Open Shared Link…”, and paste:

${link}

Ctrl-C ends both and removes what they made.`)

  await interrupted
  console.log('\nending…')
  await sharing.stop()
  await Promise.all([alice, bob].map(stopPerson))
  await dht.stop()
  process.exit(0)
}

/** An installation of VS Code with the extension, which finds others through the private DHT only. */
async function startPerson(folder: string, bootstrap: string): Promise<Person> {
  const dataDir = join(folder, 'vscode')
  const storage = join(folder, 'peerfold')
  const vsix = join(projectRoot, 'out', `peerfold-${process.platform}-${process.arch}.vsix`)
  await installExtension(vsix, dataDir)
  const settings = { 'peerfold.bootstrap': [bootstrap], 'peerfold.storageFolder': storage }
  return { server: await startVSCodeServer({ dataDir, settings }), storage }
}

/** The peer process outlives the window by design, so it is asked to end as well. */
async function stopPerson({ server, storage }: Person): Promise<void> {
  await server.stop()
  await peerfold(['stop'], { storage })
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
