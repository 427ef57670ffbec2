/**
 * What the suites of the vscode lane talk to: another person's Peerfold (the command, in processes and with a data
 * folder of its own), and the peer process of the window under test, whose state they wait for.
 */
import { strict as assert } from 'node:assert'
import { cp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as vscode from 'vscode'
import { PeerClient } from '../../src/client/peerClient'
import type { ShareId } from '../../src/common/brand'
import type { PeerState } from '../../src/common/model'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { makeTree, type Tree, temporaryFolder } from '../support/folders'
import { peerfold, startPeerfold } from '../support/processes'

/** Milliseconds that anything waits for another peer. */
const PATIENCE = 40_000

export interface OtherPeer {
  readonly link: string
  /** The folder that is shared. */
  readonly folder: string
  /** Ends the command and its peer process: nobody has the share any more. */
  stop(): Promise<void>
  /** Comes back after `stop`, with the same share. */
  comeBack(): Promise<void>
}

/** Another person shares a folder that holds this. */
export async function startOtherPeer(name: string, tree: Tree): Promise<OtherPeer> {
  const home = temporaryFolder('other')
  const folder = await makeTree(join(home, name), tree)
  const options = { storage: join(home, 'storage'), bootstrap: environment('PEERFOLD_TEST_BOOTSTRAP') }
  const start = () => startPeerfold(['share', folder], options)
  let sharing = start()
  const link = await sharing.line(line => line !== '', { timeout: PATIENCE })
  return {
    link,
    folder,
    stop: async () => {
      await sharing.stop()
      await peerfold(['stop'], options)
    },
    comeBack: async () => {
      sharing = start()
      await sharing.line(line => line !== '', { timeout: PATIENCE })
    },
  }
}

/** The data folder of the window under test. */
export function storageUnderTest(): string {
  return environment('PEERFOLD_TEST_STORAGE')
}

/** Resolves with the first state of the window's peer process for which `holds` is true. */
export async function untilState(holds: (state: PeerState) => boolean, what: string): Promise<PeerState> {
  const client = new PeerClient({
    storage: storageUnderTest(),
    client: 'command',
    peerProgram: join(extensionPath(), 'dist', 'peer.js'),
  })
  try {
    return await within(
      PATIENCE,
      what,
      new Promise<PeerState>((resolve, reject) => {
        client.on('state', state => {
          if (holds(state)) resolve(state)
        })
        client.connect().catch(reject)
      }),
    )
  } finally {
    client.dispose()
  }
}

/** Forgets an opened share as another program does: the window is not asked. */
export async function removeElsewhere(id: ShareId): Promise<void> {
  const client = new PeerClient({
    storage: storageUnderTest(),
    client: 'command',
    peerProgram: join(extensionPath(), 'dist', 'peer.js'),
  })
  try {
    await client.connect()
    await client.request('open.remove', { id }, { timeout: PATIENCE })
  } finally {
    client.dispose()
  }
}

/**
 * Brings the newest version of a share to the window under test while that has no peer process. Done in a folder that
 * the window does not know: it would join a process that runs on its own.
 *
 * @returns what `peerfold ls` prints of the share
 */
export async function bringWithoutWindow(link: string): Promise<string> {
  const bootstrap = environment('PEERFOLD_TEST_BOOTSTRAP')
  const elsewhere = temporaryFolder('elsewhere')
  const here = dataFolderPaths(storageUnderTest()).format
  const there = dataFolderPaths(elsewhere).format
  await cp(here, there, { recursive: true })
  const { stdout } = await peerfold(['ls', link], { storage: elsewhere, bootstrap })
  await rm(here, { recursive: true })
  await cp(there, here, { recursive: true })
  return stdout.join('\n')
}

/** Opens a link as a script does, and waits until its list of files is here. */
export async function openAndList(link: string): Promise<ShareId> {
  const opened = await run<{ id: ShareId }>('peerfold.openLink', { link, ask: false })
  await untilState(
    state => state.opened.some(({ id, contents }) => id === opened.id && contents !== undefined),
    'the list of files arrived',
  )
  return opened.id
}

/** Runs a command and fails when it gives nothing back. */
export async function run<T>(command: string, ...args: readonly unknown[]): Promise<T> {
  const result = await vscode.commands.executeCommand<T | undefined>(command, ...args)
  assert.ok(result !== undefined, `${command} gave nothing back`)
  return result
}

export function extension(): vscode.Extension<{ readonly activatedIn: number }> {
  const found = vscode.extensions.getExtension<{ readonly activatedIn: number }>('peerfold.peerfold')
  assert.ok(found, 'the extension is not installed')
  return found
}

export function extensionPath(): string {
  return extension().extensionPath
}

export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves with the next event for which `holds` is true. Listens at once. */
export function nextEvent<T>(event: vscode.Event<T>, holds: (value: T) => boolean, what: string): Promise<T> {
  let subscription: vscode.Disposable | undefined
  const happened = new Promise<T>(resolve => {
    subscription = event(value => {
      if (holds(value)) resolve(value)
    })
  })
  return within(PATIENCE, what, happened).finally(() => subscription?.dispose())
}

/** Rejects unless it fails; → the `code` of the error. */
export async function codeOfFailure(failing: Thenable<unknown>): Promise<string | undefined> {
  try {
    await failing
  } catch (error) {
    assert.ok(error instanceof vscode.FileSystemError, `${basename(String(error))} is no FileSystemError`)
    return error.code
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

function environment(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is not set`)
  return value
}
