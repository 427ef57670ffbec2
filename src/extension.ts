/**
 * Where VS Code comes in. activate() builds the objects of editor/ in the order they need each other and registers
 * everything before it returns; nothing in it waits, and the peer process starts when it is first needed.
 */
import * as vscode from 'vscode'
import { askUser } from './editor/ask'
import { finishAddingToWorkspace } from './editor/commands/addToWorkspace'
import { FollowedCopies } from './editor/commands/followCopy'
import type { CommandParts } from './editor/commands/parts'
import { registerCommands } from './editor/commands/registerCommands'
import { EXTENSION_SCHEME } from './editor/contributions'
import { copiedShares } from './editor/copyTargets'
import { Dashboard } from './editor/dashboard/dashboardPanel'
import { ChangedFiles } from './editor/files/changedFiles'
import { Listings } from './editor/files/listings'
import { PeerfoldFileSystem } from './editor/files/peerfoldFileSystem'
import { ShareAddresses } from './editor/files/shareAddresses'
import { VersionListings } from './editor/files/versionListings'
import { HeldFilesNotice } from './editor/heldFiles'
import { LettingGo } from './editor/lettingGo'
import { LinkHandler } from './editor/links/uriHandler'
import { LiveNews } from './editor/liveNews'
import { MountedShares } from './editor/mountedShares'
import { PeerModel } from './editor/peerModel'
import { PeerProcess } from './editor/peerProcess'
import { Resume } from './editor/resume'
import { SaveAs } from './editor/saveAs'
import { SharesHere } from './editor/sharesHere'
import { tellError } from './editor/tell'
import { StatusBar } from './editor/views/statusBar'
import { PeerfoldViews } from './editor/views/views'

/** What other extensions and tests get from activating this one. Everything else goes by commands. */
export interface PeerfoldExports {
  /** Milliseconds that `activate` took. */
  readonly activatedIn: number
}

/** Milliseconds that a tree waits for the beginning of a list of files before it says that it is on its way. */
const SO_FAR_TIMEOUT = 1_000

export function activate(context: vscode.ExtensionContext): PeerfoldExports {
  const startedAt = performance.now()
  const own = <T extends vscode.Disposable>(resource: T): T => {
    context.subscriptions.push(resource)
    return resource
  }
  const memory = context.globalState
  const log = own(vscode.window.createOutputChannel('Peerfold', { log: true }))
  const peer = own(new PeerProcess(context.extensionPath, log))
  const model = own(new PeerModel(peer))
  const listings = new Listings({
    list: (id, path, page) => peer.request('fs.list', { id, path, ...page }),
    listSoFar: (id, path, limit) =>
      peer.request('fs.list', { id, path, limit, timeout: SO_FAR_TIMEOUT, soFar: true }),
    stat: (id, path) => peer.request('fs.stat', { id, path }),
  })
  const versionListings = new VersionListings(peer, listings)
  const addresses = new ShareAddresses(memory, model)
  const changedFiles = own(new ChangedFiles(peer, listings, addresses))
  const files = own(new PeerfoldFileSystem(peer, model, versionListings, changedFiles, addresses))
  own(
    vscode.workspace.registerFileSystemProvider(EXTENSION_SCHEME, files, {
      isCaseSensitive: true,
      isReadonly: PeerfoldFileSystem.readonlyReason(),
    }),
  )
  own(vscode.window.registerUriHandler(new LinkHandler()))
  const views = own(
    new PeerfoldViews(model, peer, listings, versionListings, changedFiles, addresses, log, () =>
      copiedShares(memory),
    ),
  )
  own(new StatusBar(model))
  own(new LiveNews(model))
  own(new SharesHere(model))
  own(new HeldFilesNotice(peer, model))
  own(new SaveAs(log))
  own(new MountedShares(memory))
  const dashboard = own(
    new Dashboard({
      extensionUri: context.extensionUri,
      model,
      runCommand: (command, ...args) => void vscode.commands.executeCommand(command, ...args),
    }),
  )
  const parts: CommandParts = {
    peer,
    model,
    views,
    addresses,
    letGo: own(new LettingGo(peer, model)),
    ask: askUser,
    log,
    memory,
    copies: { follow: copy => copies.follow(copy) },
  }
  const copies = own(new FollowedCopies(context.workspaceState, parts))
  own(registerCommands(parts, () => dashboard.show()))

  const resume = own(new Resume(memory, peer, model))
  own(views.onDidLook(() => start(resume.startIfAnythingWas(), log)))
  start(resume.resume(), log)
  finishAddingToWorkspace(parts).catch((error: unknown) => tellError(error))
  const activatedIn = performance.now() - startedAt
  log.info(`activated in ${activatedIn.toFixed(1)} ms`)
  return { activatedIn }
}

/** In the background: what fails shows in the views and the status bar, which tell the state of the peer process. */
function start(started: Promise<void>, log: vscode.LogOutputChannel): void {
  started.catch((error: unknown) => log.error(String(error)))
}
