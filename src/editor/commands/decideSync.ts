/** “Decide How Sync Continues…”: what a folder in sync asks, as a question with its answers. */
import * as vscode from 'vscode'
import { safeText } from '../../common/format'
import type { LiveAnswer, LiveQuestion } from '../../common/model'
import { diskPath } from '../names'
import { chooseLive } from './chooseLive'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** `given`: a row or an id. Throws `PeerfoldError`. */
export async function decideSync(parts: CommandParts, given?: unknown): Promise<void> {
  const title = l10n.t('Decide How Sync Continues')
  const copy = await chooseLive(parts, given, title, ({ status }) => status.kind === 'asking')
  if (copy?.status.kind !== 'asking') return
  const { question, error } = copy.status
  const answers = answersTo(question)
  const chosen = await parts.ask.confirm({
    message: safeText(error.message, 600),
    detail: diskPath(copy.folder),
    answers: answers.map(({ label }) => label),
    warning: true,
  })
  const answer = answers.find(({ label }) => label === chosen)?.answer
  if (answer !== undefined)
    await parts.peer.request('live.answer', { live: copy.id, question: question.kind, answer })
}

function answersTo({
  kind,
}: LiveQuestion): readonly { readonly label: string; readonly answer: LiveAnswer }[] {
  switch (kind) {
    case 'removal':
      return [
        { label: l10n.t('Take Them Away Here'), answer: 'go-on' },
        { label: l10n.t('Keep Them Here'), answer: 'keep' },
      ]
    case 'conflicts':
      return [{ label: l10n.t('Save Theirs Beside Mine'), answer: 'go-on' }]
    case 'emptied':
      return [
        { label: l10n.t('Write Everything Again'), answer: 'go-on' },
        { label: l10n.t('Leave Them Deleted'), answer: 'keep' },
      ]
  }
}
