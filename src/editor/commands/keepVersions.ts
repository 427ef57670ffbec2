/** Which former versions of a share are kept: pinned ones, and the rule for all others. */
import * as vscode from 'vscode'
import { formatBytes, safeText } from '../../common/format'
import type { KeepRule } from '../../common/keptVersions'
import { progressIfSlow } from '../progressIfSlow'
import { chooseShare } from './chooseShare'
import { givenShare } from './commandArguments'
import type { CommandParts } from './parts'
import { meantVersion } from './showHistory'

const { l10n } = vscode

export async function pinVersion(parts: CommandParts, given?: unknown): Promise<void> {
  await setPinned(parts, given, true, l10n.t('Keep a Version'))
}

export async function unpinVersion(parts: CommandParts, given?: unknown): Promise<void> {
  await setPinned(parts, given, false, l10n.t('Do Not Keep a Version'))
}

/** “Kept Versions…”: the rule of a share, how many bytes its former versions may take, and of which files they are kept. */
export async function keepVersions(parts: CommandParts, given?: unknown): Promise<void> {
  const { peer, ask, model, views } = parts
  const title = l10n.t('Kept Versions')
  // The view passes nothing to the commands in its title.
  const id = givenShare(given) ?? views.historyShown ?? (await chooseShare(parts, 'any', title))
  if (id === undefined) return
  const { rule, bytes, budget, pinned, large } = await peer.request('versions.keeping', { id })
  const now = l10n.t('Now: {0} of {1} at most', formatBytes(bytes), formatBytes(budget))
  const pins = pinned.length === 0 ? '' : ` · ${l10n.t('{0} pinned', String(pinned.length))}`
  const items = rules().map(item => ({
    ...item,
    ...(isSame(item.rule, rule) ? { description: l10n.t('chosen') } : {}),
  }))
  const budgetItem = { label: l10n.t('Room for Former Versions…'), description: formatBytes(budget) }
  const isOwn = model.share(id) !== undefined
  const others: Choice[] = isOwn ? [budgetItem, largeItem(large)] : [budgetItem]
  const chosen = await ask.pick<Choice>([...items, ...others], {
    title: `${title}: ${model.nameOf(id)}`,
    placeholder: `${now}${pins}`,
  })
  if (chosen === undefined) return
  const { rule: chosenRule, large: chosenLarge } = chosen
  if (chosenRule !== undefined || chosenLarge !== undefined) {
    const change = {
      ...(chosenRule === undefined ? {} : { rule: chosenRule }),
      ...(chosenLarge === undefined ? {} : { large: chosenLarge }),
    }
    await progressIfSlow({
      title: l10n.t('Keeping what “{0}” has now…', safeText(model.nameOf(id), 60)),
      work: () => peer.request('versions.keep', { id, ...change }),
      cancellable: false,
    })
    return
  }
  const room = await ask.text({
    title: l10n.t('Room for Former Versions'),
    prompt: l10n.t('Megabytes that only former versions may take. The oldest go first.'),
    value: String(Math.round(budget / 1_000_000)),
    placeholder: '2000',
    problem: value => (/^\d{1,9}$/.test(value.trim()) ? undefined : l10n.t('A whole number of megabytes.')),
  })
  if (room !== undefined) await peer.request('versions.keep', { id, budget: Number(room.trim()) * 1_000_000 })
}

async function setPinned(parts: CommandParts, given: unknown, pinned: boolean, title: string): Promise<void> {
  const entry = await meantVersion(parts, given, title)
  if (entry === undefined) return
  await parts.peer.request('versions.pin', { id: entry.id, version: entry.version, pinned })
  await parts.views.historyChanged()
}

type Choice = vscode.QuickPickItem & { readonly rule?: KeepRule; readonly large?: boolean }

function largeItem(large: boolean): Choice {
  if (large)
    return {
      label: l10n.t('Not of Files over 1 MB'),
      detail: l10n.t('Their content stays in the shared folder alone'),
      large: false,
    }
  return {
    label: l10n.t('Of Files over 1 MB Too'),
    detail: l10n.t('The data folder has their content a second time then'),
    large: true,
  }
}

function rules(): readonly (vscode.QuickPickItem & { readonly rule: KeepRule })[] {
  return [
    {
      label: l10n.t('Fewer the Older They Are'),
      detail: l10n.t('All of the last day, one an hour for a week, one a day for three months'),
      rule: { kind: 'thinned' },
    },
    { label: l10n.t('All Versions'), rule: { kind: 'all' } },
    { label: l10n.t('Those of 30 Days'), rule: { kind: 'days', days: 30 } },
    { label: l10n.t('Those of 7 Days'), rule: { kind: 'days', days: 7 } },
    { label: l10n.t('The Last 100'), rule: { kind: 'count', count: 100 } },
    { label: l10n.t('The Last 10'), rule: { kind: 'count', count: 10 } },
    {
      label: l10n.t('None But the Newest'),
      detail: l10n.t('Former content leaves the disk after ten minutes'),
      rule: { kind: 'none' },
    },
  ]
}

function isSame(a: KeepRule, b: KeepRule): boolean {
  return JSON.stringify(a, Object.keys(a).sort()) === JSON.stringify(b, Object.keys(b).sort())
}
