/**
 * Opens somebody's link: finds it in the text that was given, asks for consent naming the share and its fingerprint,
 * and only then joins it. The name in a link is whatever its maker wrote, and is marked as such.
 *
 * There is one question at a time: a second call for the same file of the same version gets the answer to the first.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { fingerprint, formatLink, linkOfShare, type ShareLink, shareIdOf, targetOf } from '../../common/link'
import { findLinks } from '../../common/linkSearch'
import { pickerText } from '../names'
import { givenText, isScripted } from './commandArguments'
import { linksOnClipboard } from './linkText'
import { OneQuestion } from './oneQuestion'
import type { CommandParts } from './parts'
import { showArrival, shownPath, showOwn } from './showLinked'

const { l10n } = vscode

export interface OpenedLink {
  readonly id: ShareId
  /** It is shared from this machine. */
  readonly own: boolean
}

/** By what the link points at. */
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
  return questions.ask(targetOf(link), async () =>
    (await consents(parts, link)) ? join(parts, link, true) : undefined,
  )
}

async function choose({ ask }: CommandParts, links: readonly ShareLink[]): Promise<ShareLink | undefined> {
  const items = links.map(link => ({
    label: link.name === undefined ? l10n.t('A share without a name') : pickerText(link.name),
    description: fingerprint(shareIdOf(link.key)),
    ...(link.path === undefined ? {} : { detail: pickerText(shownPath(link.path)) }),
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

async function consents(parts: CommandParts, link: ShareLink): Promise<boolean> {
  const id = shareIdOf(link.key)
  if (await isKnown(parts, id)) return true // agreed to before
  const open = l10n.t('Open')
  const named = link.name === undefined ? undefined : safeText(link.name, 96)
  const answer = await parts.ask.confirm({
    message:
      named === undefined
        ? l10n.t('Open this share?')
        : l10n.t('Open the share that calls itself “{0}”?', named),
    detail: [
      ...(link.path === undefined ? [] : [l10n.t('Shows: {0}', shownPath(link.path))]),
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

/** Asked of the peer process as well: the model may not show yet what was opened a moment ago. Starts none. */
async function isKnown({ peer, model }: CommandParts, id: ShareId): Promise<boolean> {
  if (model.opened(id) !== undefined || model.share(id) !== undefined) return true
  if (peer.status.kind !== 'running') return false
  const { shares, opened } = await peer.request('state.get', {})
  return [...shares, ...opened].some(share => share.id === id)
}

/** @param show what the link points at is shown at once */
async function join(parts: CommandParts, link: ShareLink, show: boolean): Promise<OpenedLink> {
  const opened = await parts.peer.request('open.add', { link: formatLink(linkOfShare(link)), keep: true })
  const target = show ? link : undefined
  if (opened.own) await showOwn(parts, opened.id, target)
  else void showArrival(parts, opened.id, target)
  await parts.model.untilKnown(opened.id)
  return opened
}
