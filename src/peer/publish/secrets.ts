/**
 * Which files look like secrets and stay out of a share unless the user lets them in by name.
 *
 * One judgement, asked by every way into a share: `isSecret`. It works in three steps:
 *   1. A name that speaks for itself (`.env`, `id_rsa`, anything in `.ssh`): the content does not matter.
 *   2. A name that may hold a secret (`.npmrc`, `*.pem`): judged by the content, and by the name when there is none.
 *   3. Any other file: a secret when a private key stands in it, as `-----BEGIN … PRIVATE KEY-----`.
 * Names are compared in lower case on every system. `SecretContentFilter` does 2 and 3 while a file streams by.
 */
import { judgeContent, judgedByContent, secretByName } from './secretNames'

export { secretByName } from './secretNames'

export interface SecretVerdict {
  readonly reason: 'secret-name' | 'secret-content'
  /** A sentence for people. */
  readonly detail: string
}

/** Bytes of a file that is judged by its content which are looked at. */
export const SECRET_HEAD = 256 * 1024

const MARK = 'PRIVATE KEY'
const MARK_PATTERN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/
/** Bytes on either side of `MARK` within which the whole of a key's first line lies. */
const MARK_REACH = 64
const KEY_FOUND = 'A private key stands in it.'

/** Whether only the content can tell, so that `isSecret` should be given some of it. */
export function needsContent(drivePath: string): boolean {
  return judgedByContent(drivePath)
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
    if (!judgedByContent(drivePath)) return undefined
    return { reason: 'secret-name', detail: 'Files of this name often hold keys or passwords.' }
  }
  const byContent = contentSecret(drivePath, content)
  return byContent === undefined ? undefined : { reason: 'secret-content', detail: byContent }
}

/** The reason why these bytes are a secret, or undefined. The name alone is not judged here. */
export function contentSecret(drivePath: string, bytes: Uint8Array): string | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (holdsKey(all)) return KEY_FOUND
  return judgedByContent(drivePath)
    ? judgeContent(drivePath, all.toString('latin1', 0, SECRET_HEAD))
    : undefined
}

/**
 * Looks for secrets in a file that arrives in chunks of any size. Feed every chunk to `push`, then call `end`; the
 * first answer that is not undefined is a sentence that says why the file must not be published. Costs one search
 * for a short string per chunk.
 */
export class SecretContentFilter {
  private readonly head: Uint8Array[] = []
  private headBytes = 0
  private tail = Buffer.alloc(0)
  private found: string | undefined

  constructor(private readonly drivePath: string) {
    this.wantsHead = judgedByContent(drivePath)
  }

  private readonly wantsHead: boolean

  push(chunk: Uint8Array): string | undefined {
    if (this.found !== undefined) return this.found
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    // A key's first line may lie across the border of two chunks, or of many small ones.
    const border = Buffer.concat([this.tail, bytes.subarray(0, 2 * MARK_REACH)])
    if (holdsKey(border) || holdsKey(bytes)) this.found = KEY_FOUND
    this.tail = Buffer.from((bytes.length < 2 * MARK_REACH ? border : bytes).subarray(-2 * MARK_REACH))
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

  private judgeHead(): void {
    if (this.found === undefined && this.wantsHead) {
      this.found = judgeContent(this.drivePath, Buffer.concat(this.head).toString('latin1'))
    }
  }
}

function holdsKey(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(MARK); at !== -1; at = bytes.indexOf(MARK, at + MARK.length)) {
    const around = bytes.toString('latin1', Math.max(0, at - MARK_REACH), at + MARK_REACH)
    if (MARK_PATTERN.test(around)) return true
  }
  return false
}
