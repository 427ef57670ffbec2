/**
 * What is asked before anything is shared. A preview shows what would be shared and what is left out, of which the user
 * may let some in. A question of its own asks whether secrets that were let in are meant to be shared.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath } from '../../common/brand'
import { formatBytes, plural, safeText, withoutRoot } from '../../common/format'
import type { SkippedEntry } from '../../common/model'
import type { SharePreview, ShareSource } from '../../common/protocol'
import { diskPath } from '../names'
import { warn } from '../tell'
import {
  allowedPath,
  canBeLetIn,
  chooseLetIn,
  countLines,
  includesSecrets,
  isSecretEntry,
  totalOf,
  unportableLines,
} from './leftOut'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** The most secrets that the warning names. */
const MAX_SECRETS = 10

export interface ShareAnswer {
  readonly agreed: boolean
  readonly isPublic?: boolean
  /** The entries to let in, if the user chose other ones. */
  readonly allowed?: readonly SkippedEntry[]
}

/** Undefined: the user turned away. */
export async function askToShare(
  { ask }: CommandParts,
  source: ShareSource,
  preview: SharePreview,
  allowed: readonly SkippedEntry[],
): Promise<ShareAnswer | undefined> {
  const share = l10n.t('Share')
  const sharePublicly = l10n.t('Share Publicly')
  const showLeftOut = l10n.t('Show What Is Left Out')
  const leftOut = totalOf(preview.skippedCounts)
  const answer = await ask.confirm({
    message: l10n.t(
      'Share “{0}”: {1}, {2}?',
      nameOf(source),
      plural(preview.files, l10n.t('file'), l10n.t('files')),
      formatBytes(preview.bytes),
    ),
    detail: detailOf(source, preview, allowed),
    answers: [share, sharePublicly, ...(leftOut + source.allow.length > 0 ? [showLeftOut] : [])],
  })
  switch (answer) {
    case share:
      return { agreed: true, isPublic: false }
    case sharePublicly:
      return { agreed: true, isPublic: true }
    case showLeftOut: {
      const chosen = await chooseLetIn(ask, allowed, preview.skipped, leftOut)
      return { agreed: false, ...(chosen === undefined ? {} : { allowed: chosen }) }
    }
    default:
      return undefined
  }
}

/** Nothing would be shared: says so, and offers what was left out, as far as that is for the user to decide. */
export async function askWithoutFiles(
  { ask }: CommandParts,
  source: ShareSource,
  { skipped, skippedCounts }: SharePreview,
  allowed: readonly SkippedEntry[],
): Promise<ShareAnswer | undefined> {
  const leftOut = totalOf(skippedCounts)
  const [first] = skipped
  const isSecretFile =
    leftOut === 1 &&
    first !== undefined &&
    isSecretEntry(first) &&
    withoutRoot(first.path) === path.basename(source.source)
  const message = isSecretFile
    ? l10n.t('“{0}” looks like a secret, so it is not shared.', nameOf(source))
    : l10n.t('“{0}” has no files to share.', nameOf(source))
  if (leftOut === 0) {
    warn(message)
    return undefined
  }
  const select = l10n.t('Select Files to Include…')
  const canSelect = skipped.some(canBeLetIn)
  const answer = await ask.confirm({
    message,
    detail: [
      ...(isSecretFile
        ? [safeText(first.detail, 200)]
        : [l10n.t('Left out:'), ...countLines(skippedCounts, skipped)]),
      ...(canSelect ? ['', l10n.t('To share some of it anyway, select it.')] : []),
    ].join('\n'),
    answers: canSelect ? [select] : [],
  })
  if (answer !== select) return undefined
  const chosen = await chooseLetIn(ask, allowed, skipped, leftOut)
  return { agreed: false, ...(chosen === undefined ? {} : { allowed: chosen }) }
}

function detailOf(source: ShareSource, preview: SharePreview, allowed: readonly SkippedEntry[]): string {
  const leftOut = countLines(preview.skippedCounts, preview.skipped)
  const lines = [
    diskPath(source.source),
    '',
    ...(leftOut.length === 0 ? [l10n.t('Nothing is left out.')] : [l10n.t('Left out:'), ...leftOut]),
    ...includedLines(source, allowed),
    ...(preview.allLookedAt === false
      ? [
          l10n.t(
            'Not all files were searched for secrets yet. Those that turn out to hold one are left out and listed.',
          ),
        ]
      : []),
    ...unportableLines(preview.unportable, preview.unportableCount ?? preview.unportable.length),
    '',
    l10n.t(
      '“Share”: only people with the link can read it. “Share Publicly”: every Hyperdrive program can read it by its key. What others have fetched cannot be taken back.',
    ),
  ]
  return lines.join('\n')
}

/** Asks about secrets alone: the button that shares everything else never shares them. */
export async function agreesToSecrets(
  { ask }: CommandParts,
  source: ShareSource,
  allowed: readonly SkippedEntry[],
): Promise<boolean> {
  const secrets = allowed.filter(isSecretEntry)
  if (secrets.length === 0) return true
  const shareSecrets = secrets.length === 1 ? l10n.t('Share the Secret Too') : l10n.t('Share the Secrets Too')
  const answer = await ask.confirm({
    warning: true,
    message: includesSecrets(secrets.length),
    detail: [
      ...secrets
        .slice(0, MAX_SECRETS)
        .map(({ path, detail }) => `${safeText(withoutRoot(path), 80)}: ${safeText(detail, 200)}`),
      ...(secrets.length > MAX_SECRETS ? ['…'] : []),
      '',
      source.isPublic
        ? l10n.t(
            'The share is public: everybody can read this. What others have fetched cannot be taken back.',
          )
        : l10n.t('Everybody with the link can read this. What others have fetched cannot be taken back.'),
    ].join('\n'),
    answers: [shareSecrets],
  })
  return answer === shareSecrets
}

/** What the user lets in. Files that look like secrets have a line of their own. */
function includedLines({ allow }: ShareSource, allowed: readonly SkippedEntry[]): readonly string[] {
  const secrets = new Set(allowed.filter(isSecretEntry).map(allowedPath))
  const listed = (paths: readonly DrivePath[]) =>
    paths.map(allowed => safeText(withoutRoot(allowed), 80)).join(', ')
  const others = allow.filter(allowed => !secrets.has(allowed))
  return [
    ...(others.length === 0 ? [] : [l10n.t('Included by you: {0}', listed(others))]),
    ...(secrets.size === 0 ? [] : [l10n.t('Included by you (look like secrets): {0}', listed([...secrets]))]),
  ]
}

/** The name of a source on the disk. */
export function nameOf({ source }: ShareSource): string {
  return safeText(path.basename(source) || source, 80)
}
