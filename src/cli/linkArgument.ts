/** The link as the user gives it: an argument, or `-` for the first line of standard input. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { PeerfoldError } from '../common/errors'
import { parseLink } from '../common/link'

/** A text that `parseLink` takes. Throws `bad-link` with the reason. */
export async function readLink(argument: string, input: Readable = process.stdin): Promise<string> {
  const text = argument === '-' ? await firstLine(input) : argument
  const parsed = parseLink(text)
  if (!parsed.ok) throw new PeerfoldError('bad-link', parsed.message)
  return text.trim()
}

/** Does not wait for the end: whoever writes the link may go on running, as `peerfold share` does. */
async function firstLine(input: Readable): Promise<string> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  try {
    for await (const line of lines) if (line.trim() !== '') return line
    return ''
  } finally {
    lines.close()
    input.destroy()
  }
}
