/**
 * Where a command's words go. Standard output carries results only: lines of text, or with --json one object a line.
 * Notes, errors and the progress line go to standard error. Texts of strangers are made harmless on the way.
 */
import type { UserError } from '../common/errors'
import { explainConflicts } from '../common/explain'
import { formatCount, safeText, withoutRoot } from '../common/format'
import { english } from '../common/localizer'
import type { SkippedEntry, TransferResult } from '../common/model'
import { write } from '../wire/lostReaders'

/** Entries of a list that are shown to people; the rest is counted. */
const LISTED = 20

export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
}

export class Output {
  private progressShown = ''

  constructor(
    readonly json: boolean,
    private readonly streams: Streams = { out: process.stdout, err: process.stderr },
  ) {}

  /** A line of the result, for people and simple scripts. Nothing with --json. */
  line(text: string): void {
    if (this.json) return
    this.withoutProgress(() => write(this.streams.out, `${safe(text)}\n`))
  }

  /** An object of the result. Nothing without --json. */
  event(event: string, fields: object = {}): void {
    if (!this.json) return
    write(this.streams.out, `${escapeForTerminals(JSON.stringify({ event, ...fields }))}\n`)
  }

  /** Something worth knowing that is not the result, a line each. */
  note(...lines: readonly string[]): void {
    this.withoutProgress(() => write(this.streams.err, lines.map(line => `${safe(line)}\n`).join('')))
  }

  error({ code, message }: { readonly code: UserError['code'] | 'usage'; readonly message: string }): void {
    this.clearProgress()
    this.event('error', { code, message })
    this.note(`peerfold: ${message}`)
  }

  /** Replaces the progress line. On a terminal only. */
  progress(text: string): void {
    if (!this.showsProgress) return
    const { err } = this.streams
    // The end of the line matters least, and a line that wraps could not be replaced.
    const shown = [...safe(text)].slice(0, (err.columns || 80) - 1).join('')
    if (shown === this.progressShown) return
    this.progressShown = shown
    write(err, `\r\u001b[K${shown}`)
  }

  clearProgress(): void {
    if (this.progressShown !== '') write(this.streams.err, '\r\u001b[K')
    this.progressShown = ''
  }

  get showsProgress(): boolean {
    return !this.json && this.streams.err.isTTY === true
  }

  /** Lists skipped entries, conflicts, and files that deserve a look. */
  remarks({ skipped, skippedCount, conflicts, warnings }: TransferResult): void {
    this.skipped(skipped, skippedCount)
    this.list(
      explainConflicts(conflicts.length, english).replace(/\.$/, ':'),
      conflicts.map(({ path, copy }) => `${path} → ${copy}`),
      conflicts.length,
    )
    this.list('Look at these before you run anything:', warnings, warnings.length)
  }

  skipped(skipped: readonly SkippedEntry[], count: number): void {
    this.list('Left out:', skipped.map(inShare), count)
  }

  /** Lists what is shared although receivers on some systems leave it out. */
  unportable(entries: readonly SkippedEntry[], count: number): void {
    this.list(
      'Shared, but not written on every system:',
      entries.map(inShare),
      Math.max(count, entries.length),
    )
  }

  private list(title: string, items: readonly string[], count: number): void {
    if (count === 0) return
    const shown = items.slice(0, LISTED)
    this.note(title, ...shown.map(item => `  ${item}`))
    if (count > shown.length) this.note(`  … and ${formatCount(count - shown.length)} more`)
  }

  private withoutProgress(say: () => void): void {
    const shown = this.progressShown
    this.clearProgress()
    say()
    if (shown !== '') this.progress(shown)
  }
}

/** Paths as commands take and list them: without the leading slash. */
function inShare({ path, detail }: SkippedEntry): string {
  return `${withoutRoot(path)}: ${detail}`
}

function safe(line: string): string {
  return safeText(line, Number.POSITIVE_INFINITY)
}

/** JSON leaves some characters as they are that terminals act on; escaped they mean the same. */
function escapeForTerminals(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
