/**
 * Opens somebody's link: finds it in the text that was given, asks for consent naming the share and its fingerprint,
 * and only then joins it. The name in a link is whatever its maker wrote, and is marked as such.
 *
 * One question at a time: whoever calls again for a share that is being asked about gets the answer to that question.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { fingerprint, formatLink, type ShareLink, shareIdOf } from '../../common/link'
import { findLinks } from '../../common/linkSearch'
import { Commands, Views } from '../contributions'
import { childOf } from '../files/drivePath'
import { ROOT } from '../files/shareUri'
import { offerCommand, tell } from '../tell'
import { givenText, isScripted } from './commandArguments'
import { linksOnClipboard } from './linkText'
import { OneQuestion } from './oneQuestion'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Milliseconds that the Opened Shares view shows progress while nobody is found; the search itself goes on. */
const READY_LIMIT = 30_000
/** Milliseconds for a list of one file that has just arrived. */
const LIST_LIMIT = 5_000

export interface OpenedLink {
  readonly id: ShareId
  /** It is shared from this machine. */
  readonly own: boolean
}

/** By share id. */
const questions = new OneQuestion<OpenedLink>()

/**
 * `given`: a text with a link in it, or `{ link, ask: false }`. Undefined when the user turned away.
 * @throws PeerfoldError `bad-link`
 */
export async function openLink(parts: CommandParts, given?: unknown): Promise<OpenedLink | undefined> {
  const text = typeof given === 'string' ? given : (givenText(given, 'link') ?? (await askForLink(parts)))
  if (text === undefined) return undefined
  const found = findLinks(text)
  if (!found.ok) throw new PeerfoldError('bad-link', found.message)
  if (isScripted([given])) return join(parts, found.links[0], false)
  const link = found.links.length === 1 ? found.links[0] : await choose(parts, found.links)
  if (link === undefined) return undefined
  return questions.ask(shareIdOf(link.key), async () =>
    (await consents(parts, link)) ? join(parts, link, true) : undefined,
  )
}

async function choose({ ask }: CommandParts, links: readonly ShareLink[]): Promise<ShareLink | undefined> {
  const items = links.map(link => ({
    label: link.name === undefined ? l10n.t('A share without a name') : safeText(link.name, 96),
    description: fingerprint(shareIdOf(link.key)),
    link,
  }))
  const chosen = await ask.pick(items, {
    title: l10n.t('Open Shared Link'),
    placeholder: l10n.t('There are {0} links in this text. Which one?', links.length),
  })
  return chosen?.link
}

async function askForLink({ ask }: CommandParts): Promise<string | undefined> {
  return ask.text({
    title: l10n.t('Open Shared Link'),
    prompt: l10n.t('Paste the link, or the whole message it came in. A Hyperdrive key works too.'),
    value: await linksOnClipboard(),
    placeholder: `${vscode.env.uriScheme}://peerfold.peerfold/open/pf…`,
    problem: value => {
      const found = findLinks(value)
      return found.ok || value.trim() === '' ? undefined : found.message
    },
  })
}

async function consents({ ask, model }: CommandParts, link: ShareLink): Promise<boolean> {
  const id = shareIdOf(link.key)
  if (model.opened(id) !== undefined || model.share(id) !== undefined) return true // agreed to before
  const open = l10n.t('Open')
  const named = link.name === undefined ? undefined : safeText(link.name, 96)
  const answer = await ask.confirm({
    message:
      named === undefined
        ? l10n.t('Open this share?')
        : l10n.t('Open the share that calls itself “{0}”?', named),
    detail: [
      l10n.t('Fingerprint: {0}', fingerprint(id)),
      '',
      l10n.t(
        'Whoever made the link chose the name, but not the fingerprint. To be sure who sent it, compare the fingerprint with them.',
      ),
      l10n.t(
        'Those who offer this share learn your network address. Nothing is written to your folders until you save a copy.',
      ),
    ].join('\n'),
    answers: [open],
  })
  return answer === open
}

/** @param showFile a single file is shown at once, in an editor */
async function join(parts: CommandParts, link: ShareLink, showFile: boolean): Promise<OpenedLink> {
  const { peer, model, views } = parts
  const opened = await peer.request('open.add', { link: formatLink(link), keep: true })
  if (opened.own) {
    tell(
      l10n.t(
        '“{0}” is shared from this machine: its files are already here.',
        safeText(model.nameOf(opened.id), 80),
      ),
      offerCommand(l10n.t('Reveal on Disk'), Commands.reveal, opened.id),
    )
    views.showShare(opened.id)
    return opened
  }
  void showArrival(parts, opened.id, showFile && link.isFile)
  return opened
}

/** Not waited for, and never rejects: the share is in the list from now on, whoever is found and whenever. */
async function showArrival(parts: CommandParts, id: ShareId, showFile: boolean): Promise<void> {
  const { peer, views, log } = parts
  const location = { viewId: Views.opened }
  const arrive = () =>
    peer.request('open.ready', { id, newest: false, timeout: READY_LIMIT }, { timeout: READY_LIMIT + 10_000 })
  const reveal = async (arrived: Thenable<unknown>) => {
    await views.revealOpened(id)
    await arrived
    await views.revealOpened(id) // its files are there to be unfolded now
  }
  const show = async (arrived: Thenable<unknown>) => {
    await arrived
    if (showFile) await showOnlyFile(parts, id)
  }
  try {
    await vscode.commands.executeCommand(`${Views.opened}.focus`)
    const arrived = vscode.window.withProgress({ location }, arrive)
    // A busy tree takes its time to reveal something: the file does not wait for it.
    await Promise.all([reveal(arrived), show(arrived)])
  } catch (error) {
    // The view says why nobody is found, for as long as that is so.
    log.info(`${fingerprint(id)} is not here yet: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function showOnlyFile({ peer, addresses }: CommandParts, id: ShareId): Promise<void> {
  const [file] = await peer.request('fs.list', { id, path: ROOT, limit: 1, timeout: LIST_LIMIT })
  if (file === undefined || file.kind === 'folder') return
  const uri = addresses.uriOf({ id, path: childOf(ROOT, file.name) })
  await vscode.commands.executeCommand('vscode.open', uri)
}
