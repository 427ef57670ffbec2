/**
 * Opens somebody's link: reads it, asks for consent naming the share and its fingerprint, and only then joins it. The
 * name in a link is whatever its maker wrote, and is marked as such.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { fingerprint, formatLink, parseLink, type ShareLink, shareIdOf } from '../../common/link'
import { Commands, Views } from '../contributions'
import { offerCommand, tell } from '../tell'
import { givenText, isScripted } from './given'
import { linkOnClipboard } from './linkText'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Milliseconds that the Opened Shares view shows progress while nobody is found; the search itself goes on. */
const READY_LIMIT = 30_000

export interface OpenedLink {
  readonly id: ShareId
  /** It is shared from this machine. */
  readonly own: boolean
}

/** `given`: a link, or `{ link, ask: false }`. Undefined when the user turned away. Throws `PeerfoldError`. */
export async function openLink(parts: CommandParts, given?: unknown): Promise<OpenedLink | undefined> {
  const text = typeof given === 'string' ? given : (givenText(given, 'link') ?? (await askForLink(parts)))
  if (text === undefined) return undefined
  const parsed = parseLink(text)
  if (!parsed.ok) throw new PeerfoldError('bad-link', parsed.message)
  if (!isScripted([given]) && !(await consents(parts, parsed.link))) return undefined
  return join(parts, parsed.link)
}

async function askForLink({ ask }: CommandParts): Promise<string | undefined> {
  return ask.text({
    title: l10n.t('Open Shared Link'),
    prompt: l10n.t('Paste the link you were sent, or a Hyperdrive key.'),
    value: await linkOnClipboard(),
    placeholder: `${vscode.env.uriScheme}://peerfold.peerfold/open/pf…`,
    problem: value => {
      const parsed = parseLink(value)
      return parsed.ok || value.trim() === '' ? undefined : parsed.message
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
        'The name is chosen by whoever made the link; the fingerprint is not. If it matters who sent it, compare the fingerprint with them.',
      ),
      l10n.t(
        'Peerfold connects to whoever offers this share, and they learn this machine’s network address. Nothing is written to your folders until you save a copy.',
      ),
    ].join('\n'),
    answers: [open],
  })
  return answer === open
}

async function join(parts: CommandParts, link: ShareLink): Promise<OpenedLink> {
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
  void showArrival(parts, opened.id)
  return opened
}

/** Not waited for, and never rejects: the share is in the list from now on, whoever is found and whenever. */
async function showArrival({ peer, views, log }: CommandParts, id: ShareId): Promise<void> {
  const location = { viewId: Views.opened }
  try {
    await vscode.commands.executeCommand(`${Views.opened}.focus`)
    await views.revealOpened(id)
    await vscode.window.withProgress({ location }, () =>
      peer.request(
        'open.ready',
        { id, newest: false, timeout: READY_LIMIT },
        { timeout: READY_LIMIT + 10_000 },
      ),
    )
    await views.revealOpened(id)
  } catch (error) {
    // The view says why nobody is found, for as long as that is so.
    log.info(`${fingerprint(id)} is not here yet: ${error instanceof Error ? error.message : String(error)}`)
  }
}
