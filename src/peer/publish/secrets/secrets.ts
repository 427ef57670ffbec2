/**
 * Which files look like secrets and stay out of a share unless the user lets them in by name.
 *
 * One judgement, asked by every way into a share: `isSecret`. It works in three steps:
 *   1. A name or a place that speaks for itself (secretNames.ts): the content does not matter.
 *   2. A name or an ending that may hold a secret (secretFiles.ts): judged by its content.
 *   3. Any other text: a secret when a private key (keyBlock.ts), a token (tokenSearch.ts, tokenKinds.ts) or an
 *      address with a password (addressSecret.ts) stands in it.
 * Names are compared in lower case on every system, without what editors and backups add (plainName.ts). All text is
 * looked at; of binary files only a private key in letters is found. `SecretContentFilter` does 2 and 3 while a file
 * streams by. What is found is told by kind and line, and never shown.
 */
import { findKeyBlock, KEY_REACH } from './keyBlock'
import { isJudged, judgedByName, judgeFile } from './secretFiles'
import type { Find } from './secretFind'
import { secretByName } from './secretNames'
import { findToken, TOKEN_REACH } from './tokenSearch'

export { secretByName } from './secretNames'

/**
 * Counts up whenever new rules hold back files that were shared before. Each share keeps the number that it was
 * published with, so that its owner can be told before files leave it.
 */
export const SECRET_RULES_VERSION = 2

export interface SecretVerdict {
  readonly reason: 'secret-name' | 'secret-content'
  /** A sentence for people. */
  readonly detail: string
}

/** Bytes of a file that step 2 looks at. */
export const SECRET_HEAD = 256 * 1024
/** Bytes within which lines are counted. */
const COUNTED = 16 * 1024 * 1024
/** Bytes in which a zero byte makes a file binary. */
const BINARY_HEAD = 8 * 1024
/** How a swap file of Vim begins, which holds text. */
const SWAP_FILE = 'b0VIM'

/** Whether only the content can tell, so that `isSecret` should be given some of it. */
export function needsContent(drivePath: string): boolean {
  return judgedByName(drivePath.toLowerCase())
}

/**
 * Judges one file.
 *
 * @param drivePath `/` separated, starting with `/`; a folder's ends with `/`
 * @param content the file's bytes, or its first `SECRET_HEAD` bytes; absent when they cannot be had or are not
 *   looked at: names that need their content then count as secrets
 */
export function isSecret(drivePath: string, content?: Uint8Array): SecretVerdict | undefined {
  const byName = secretByName(drivePath)
  if (byName !== undefined) return { reason: 'secret-name', detail: byName }
  if (content === undefined) {
    if (!needsContent(drivePath)) return undefined
    return { reason: 'secret-name', detail: 'Files of this name often hold keys or passwords.' }
  }
  const byContent = contentSecret(drivePath, content)
  return byContent === undefined ? undefined : { reason: 'secret-content', detail: byContent }
}

/** The reason why these bytes are a secret, or undefined. The name alone is not judged here. */
export function contentSecret(drivePath: string, bytes: Uint8Array): string | undefined {
  const all = readable(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const anywhere = findKeyBlock(all) ?? (isBinary(all) ? undefined : findToken(all))
  const found = anywhere ?? judgeHead(drivePath, all)
  return found === undefined ? undefined : sentence(found.kind, lineOf(all, found.at))
}

/**
 * Looks for secrets in a file that arrives in chunks of any size. Feed every chunk to `push`, then call `end`; the
 * first answer that is not undefined is a sentence that says why the file must not be published.
 */
export class SecretContentFilter {
  private readonly head: Uint8Array[] = []
  private headBytes = 0
  private tail = Buffer.alloc(0)
  /** Line feeds before `tail`, while they are counted. */
  private lines = 0
  private bytes = 0
  private isText: boolean | undefined
  private found: string | undefined
  private readonly wantsHead: boolean

  constructor(private readonly drivePath: string) {
    this.wantsHead = isJudged(drivePath.toLowerCase())
  }

  push(chunk: Uint8Array): string | undefined {
    if (this.found !== undefined) return this.found
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.isText ??= !isBinary(bytes)
    // A secret may lie across the border of two chunks, or of many small ones.
    const border = Buffer.concat([this.tail, bytes.subarray(0, REACH)])
    this.lookAt(border, this.lines)
    const linesBefore = this.lines + this.count(this.tail)
    this.lookAt(bytes, linesBefore)
    const [all, before] = bytes.length < REACH ? [border, this.lines] : [bytes, linesBefore]
    const tail = all.subarray(-REACH)
    this.lines = before + this.count(all.subarray(0, all.length - tail.length))
    this.tail = Buffer.from(tail)
    this.bytes += bytes.length
    if (this.wantsHead && this.headBytes < SECRET_HEAD) {
      this.head.push(Buffer.from(bytes.subarray(0, SECRET_HEAD - this.headBytes)))
      this.headBytes += Math.min(bytes.length, SECRET_HEAD - this.headBytes)
      if (this.headBytes === SECRET_HEAD) this.judgeHead()
    }
    return this.found
  }

  end(): string | undefined {
    if (this.headBytes < SECRET_HEAD) this.judgeHead()
    return this.found
  }

  private lookAt(bytes: Buffer, linesBefore: number): void {
    if (this.found !== undefined) return
    const found = findKeyBlock(bytes) ?? (this.isText ? findToken(bytes) : undefined)
    if (found === undefined) return
    const line = this.bytes < COUNTED ? linesBefore + lineOf(bytes, found.at) : undefined
    this.found = sentence(found.kind, line)
  }

  private judgeHead(): void {
    if (this.found !== undefined || !this.wantsHead) return
    const head = readable(Buffer.concat(this.head))
    const found = judgeHead(this.drivePath, head)
    if (found !== undefined) this.found = sentence(found.kind, lineOf(head, found.at))
  }

  private count(bytes: Buffer): number {
    return this.bytes < COUNTED ? lineOf(bytes, bytes.length) - 1 : 0
  }
}

const REACH = Math.max(KEY_REACH, TOKEN_REACH)

function judgeHead(drivePath: string, bytes: Buffer): Find | undefined {
  const path = drivePath.toLowerCase()
  if (!isJudged(path)) return undefined
  // The lines of a swap file of Vim end in zero bytes.
  return judgeFile(
    path,
    bytes.toString('latin1', 0, Math.min(bytes.length, SECRET_HEAD)).replaceAll('\0', '\n'),
  )
}

/** Text in UTF-16, as Windows writes it, becomes text of one byte a character. */
function readable(bytes: Buffer): Buffer {
  if (bytes[0] !== 0xff || bytes[1] !== 0xfe) return bytes
  return Buffer.from(bytes.subarray(2).toString('utf16le'), 'latin1')
}

function isBinary(bytes: Buffer): boolean {
  const head = bytes.subarray(0, BINARY_HEAD)
  return head.includes(0) && head.toString('latin1', 0, SWAP_FILE.length) !== SWAP_FILE
}

/** Counted from 1. */
function lineOf(bytes: Buffer, at: number): number {
  let line = 1
  for (let next = bytes.indexOf(0x0a); next !== -1 && next < at; next = bytes.indexOf(0x0a, next + 1)) line++
  return line
}

function sentence(kind: string, line: number | undefined): string {
  return line === undefined ? `${kind} stands in it.` : `${kind} stands in line ${line}.`
}
