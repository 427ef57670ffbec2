/** The link as the user gives it: an argument, or `-` for standard input. Either may be a whole message with it in it. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { PeerfoldError } from '../common/errors'
import type { ShareLink } from '../common/link'
import { type FoundLinks, findLinks } from '../common/linkSearch'

/** Lines of standard input that are searched. */
const MAX_LINES = 500

/** The one link in it. @throws PeerfoldError `bad-link` with the reason, also where there are several */
export async function readLink(
  argument: string,
  input: Readable & { readonly isTTY?: boolean } = process.stdin,
): Promise<ShareLink> {
  const found = argument === '-' ? await findInLines(input) : findLinks(argument)
  if (!found.ok) throw new PeerfoldError('bad-link', found.message)
  if (found.links.length > 1)
    throw new PeerfoldError(
      'bad-link',
      `There are ${found.links.length} links in this text. Give one of them.`,
    )
  return found.links[0]
}

/**
 * Reads until there is a link, and not to the end: the program that writes it may keep running, as `peerfold share` does.
 * On a terminal the first line is the whole answer, unless it has the beginning of a link.
 */
async function findInLines(input: Readable & { readonly isTTY?: boolean }): Promise<FoundLinks> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  const read: string[] = []
  let found = findLinks('')
  try {
    for await (const line of lines) {
      if (line.trim() === '' && read.length === 0) continue
      read.push(line)
      found = findLinks(read.join('\n'))
      if (found.ok || read.length === MAX_LINES) break
      if (input.isTTY === true && found.problem !== 'truncated') break
    }
    return found
  } finally {
    lines.close()
    input.destroy()
  }
}
