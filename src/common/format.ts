/**
 * Numbers and strangers' texts as people read them: the same in the editor, the dashboard and the terminal.
 * Sizes are decimal (1 MB = 1,000,000 bytes), as disks and networks count.
 */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `0 B`, `999 B`, `1.0 kB`, `2.1 MB`, `34 GB`. */
export function formatBytes(bytes: number): string {
  if (!(bytes > 0)) return '0 B'
  let value = bytes
  let unit = 0
  // 999.5 would round to 1000: that is the next unit already.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** `2.1 MB/s`, of bytes a second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** Bytes a second. Lower rates come from messages of the protocol or one saved line: nobody waits for those. */
const LEAST_RATE = 1_000

/** The rate as it is shown: 0 when it is not worth telling. */
export function noticeable(bytesPerSecond: number): number {
  return bytesPerSecond >= LEAST_RATE ? bytesPerSecond : 0
}

/** `now`, `8 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`, of seconds. */
export function formatDuration(seconds: number): string {
  if (!(seconds >= 0.5)) return 'now'
  if (!Number.isFinite(seconds)) return 'a long time'
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return twoParts(days, 'd', hours % 24, 'h')
  if (hours > 0) return twoParts(hours, 'h', minutes % 60, 'min')
  if (minutes > 0) return twoParts(minutes, 'min', whole % 60, 's')
  return `${whole} s`
}

function twoParts(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first} ${firstUnit}` : `${first} ${firstUnit} ${second} ${secondUnit}`
}

/** `1 file`, `2,000 files`; `plural(2, 'copy', 'copies')` → `2 copies`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** A path in a share as people read it, and as commands take and list it: `beds/tomatoes.md`; `/` for the share itself. */
export function withoutRoot(path: string): string {
  return path.replace(/^\/(?=.)/, '')
}

/** With commas between thousands, independent of the machine's locale. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Whole percent done, never 100 before all is done; undefined while the total is unknown. */
export function percent(done: number, total: number | undefined): number | undefined {
  if (total === undefined) return undefined
  if (done >= total) return 100
  return Math.min(99, Math.max(0, Math.floor((done / total) * 100)))
}

/** `45%`: whole percent, as `percent` gives them; empty while they are unknown. */
export function formatPercent(part: number | undefined): string {
  return part === undefined ? '' : `${part}%`
}

/** Longest text of a stranger that is shown where nothing else is said. */
const MAX_TEXT = 200

/**
 * A stranger's text, harmless to show on one line: control characters (terminal escapes and line breaks are made of
 * them), bidirectional controls, invisible characters and lone surrogates become visible (`\u{1b}`); all else stays.
 * `max`: characters, counted as people type them; the middle of a longer text gives way to `…`.
 */
export function safeText(text: string, max: number = MAX_TEXT): string {
  return shorten(text, max).replace(
    UNSAFE,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** Joiners (U+200C, U+200D) stay: emoji and several scripts need them. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200c|\u200d)\p{Cf}/gu

/** The end of a file name tells what it is, so a long text loses its middle. */
function shorten(text: string, max: number): string {
  if (text.length <= max) return text
  const characters = [...text]
  if (characters.length <= max) return text
  const tail = Math.floor((max - 1) / 3)
  const head = Math.max(0, max - 1 - tail)
  return `${characters.slice(0, head).join('')}…${tail === 0 ? '' : characters.slice(-tail).join('')}`
}
