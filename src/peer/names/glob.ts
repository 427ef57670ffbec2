/**
 * One pattern of an ignore file, compiled and matched as gitignore(5) describes.
 *
 * A pattern is cut at its slashes into segments. A segment is a list of tokens (a character, `?`, `*`, a bracket
 * class) or the globstar `**`. Since `*` never crosses a slash, both levels can be matched by remembering only the
 * last star: O(pattern × path) at worst. Regular expressions would be shorter, but an ignore file may come from a
 * stranger, and one line of nested globstars would then keep the process busy for seconds.
 *
 * Differences from git, on purpose: characters are UTF-16 units instead of bytes, and `**` beside other characters
 * (`a**b`) is always an ordinary star, as the manual says.
 */

type Token = string | { readonly any: true } | { readonly star: true } | CharClass

interface CharClass {
  readonly negated: boolean
  readonly ranges: readonly (readonly [low: string, high: string])[]
}

const ANY: Token = { any: true }
const STAR: Token = { star: true }
const SLASH = Symbol('slash')
const GLOBSTAR = Symbol('globstar')

type Segment = typeof GLOBSTAR | readonly Token[]

/**
 * Whether a path matches. It is given by its components, of which those from index `from` on lie below the ignore
 * file. They come in lower case where case does not count.
 */
export type PathMatcher = (components: readonly string[], from: number) => boolean

const NEVER: PathMatcher = () => false

/**
 * Compiles a pattern without its leading `!` and its trailing `/`.
 *
 * A pattern with a slash at the beginning or in the middle is anchored at the folder of its ignore file. Any other
 * one is compared with the last component only. A malformed pattern (an open bracket, a lone backslash at the end)
 * matches nothing.
 */
export function compileGlob(pattern: string, ignoreCase: boolean): PathMatcher {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  const last = (components: readonly string[]) => components[components.length - 1] ?? ''
  const body = fold(pattern)

  if (body === '') return NEVER
  if (!/[*?[\\/]/.test(body)) return components => last(components) === body
  if (/^\*[^*?[\\/]+$/.test(body)) {
    const ending = body.slice(1)
    return components => last(components).endsWith(ending)
  }

  const tokens = tokenize(pattern, ignoreCase)
  if (tokens === undefined) return NEVER
  const segments = splitSegments(tokens)
  if (body.includes('/')) {
    if (tokens[0] === SLASH) segments.shift()
    return (components, from) => matchPath(segments, components, from)
  }
  const only = segments[0] === undefined || segments[0] === GLOBSTAR ? [STAR] : segments[0]
  return components => matchName(only, last(components))
}

function matchPath(segments: readonly Segment[], components: readonly string[], from: number): boolean {
  let at = from
  let segment = 0
  let resumeSegment = -1
  let resumeAt = 0
  while (at < components.length) {
    const current = segments[segment]
    if (current === GLOBSTAR) {
      if (segment === segments.length - 1) return true
      segment++
      resumeSegment = segment
      resumeAt = at
    } else if (current !== undefined && matchName(current, components[at] ?? '')) {
      segment++
      at++
    } else if (resumeSegment >= 0) {
      segment = resumeSegment
      at = ++resumeAt
    } else {
      return false
    }
  }
  return segment === segments.length
}

function matchName(tokens: readonly Token[], name: string): boolean {
  let at = 0
  let token = 0
  let resumeToken = -1
  let resumeAt = 0
  while (at < name.length) {
    const current = tokens[token]
    if (current === STAR) {
      token++
      resumeToken = token
      resumeAt = at
    } else if (current !== undefined && matchChar(current, name.charAt(at))) {
      token++
      at++
    } else if (resumeToken >= 0) {
      token = resumeToken
      at = ++resumeAt
    } else {
      return false
    }
  }
  while (tokens[token] === STAR) token++
  return token === tokens.length
}

function matchChar(token: Token, char: string): boolean {
  if (typeof token === 'string') return token === char
  if (!('ranges' in token)) return true
  return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated
}

/** The pattern as tokens with slashes between, or undefined when it is malformed. */
function tokenize(pattern: string, ignoreCase: boolean): (Token | typeof SLASH)[] | undefined {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  const tokens: (Token | typeof SLASH)[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    if (char === '/') tokens.push(SLASH)
    else if (char === '*') tokens.push(STAR)
    else if (char === '?') tokens.push(ANY)
    else if (char === '\\') {
      if (++at === pattern.length) return undefined
      tokens.push(pattern.charAt(at) === '/' ? SLASH : fold(pattern.charAt(at)))
    } else if (char === '[') {
      const parsed = parseClass(pattern, at, ignoreCase)
      if (parsed === undefined) return undefined
      tokens.push(parsed.token)
      at = parsed.end
    } else tokens.push(fold(char))
  }
  return tokens
}

function splitSegments(tokens: readonly (Token | typeof SLASH)[]): Segment[] {
  const lists: Token[][] = [[]]
  for (const token of tokens) {
    if (token === SLASH) lists.push([])
    else lists[lists.length - 1]?.push(token)
  }
  return lists.map(list => (list.length > 1 && list.every(token => token === STAR) ? GLOBSTAR : list))
}

const POSIX_CLASSES: ReadonlyMap<string, CharClass['ranges']> = new Map(
  Object.entries({
    alnum: ['09', 'AZ', 'az'],
    alpha: ['AZ', 'az'],
    blank: ['  ', '\t\t'],
    cntrl: ['\0\x1f', '\x7f\x7f'],
    digit: ['09'],
    graph: ['!~'],
    lower: ['az'],
    print: [' ~'],
    punct: ['!/', ':@', '[`', '{~'],
    space: ['  ', '\t\n', '\r\r'],
    upper: ['AZ'],
    xdigit: ['09', 'AF', 'af'],
  }).map(([name, pairs]) => [name, pairs.map(pair => [pair.charAt(0), pair.charAt(1)] as const)]),
)

/** Reads the bracket expression that opens at `start`; `end` is the index of its `]`. */
function parseClass(
  pattern: string,
  start: number,
  ignoreCase: boolean,
): { token: CharClass; end: number } | undefined {
  const ranges: (readonly [string, string])[] = []
  const add = (low: string, high: string) => {
    ranges.push([low, high])
    if (!ignoreCase) return
    ranges.push([low.toLowerCase(), high.toLowerCase()])
  }
  let at = start + 1
  const negated = pattern.charAt(at) === '!' || pattern.charAt(at) === '^'
  if (negated) at++
  for (let first = true; ; first = false) {
    if (at >= pattern.length) return undefined
    if (pattern.charAt(at) === ']' && !first) return { token: { negated, ranges }, end: at }
    const posix = /^\[:([^\]]*):\]/.exec(pattern.slice(at, at + 16))
    if (posix !== null) {
      const known = POSIX_CLASSES.get(posix[1] ?? '')
      if (known === undefined) return undefined
      for (const [low, high] of known) add(low, high)
      at += posix[0].length
      continue
    }
    if (pattern.charAt(at) === '\\') at++
    const low = pattern.charAt(at)
    if (low === '') return undefined
    at++
    if (pattern.charAt(at) !== '-' || pattern.charAt(at + 1) === ']' || at + 1 >= pattern.length) {
      add(low, low)
      continue
    }
    at++
    if (pattern.charAt(at) === '\\') at++
    const high = pattern.charAt(at)
    if (high === '') return undefined
    at++
    add(low, high)
    // git compares a range's first character by itself, so a backward range still matches that one.
    if (low > high) add(low, low)
  }
}
