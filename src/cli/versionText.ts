/** Versions as people write them: by number, by a time, or by how long ago; and times as they are shown. */

/** A version by its number, or the newest one at a time (milliseconds since 1970). */
export type VersionWanted = { readonly version: number } | { readonly time: number }

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/** `1234`; `2h`, `3d`; `2026-03-01`, `2026-03-01 18:30`, in this machine's time unless it says otherwise. */
export function readVersion(text: string, now = Date.now()): VersionWanted | undefined {
  if (/^\d{1,15}$/.test(text)) return { version: Number(text) }
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return { time: now - Number(count) * (UNITS[unit] ?? 0) }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined
  // `Date.parse` takes a date without a time for one in UTC.
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(time) ? undefined : { time }
}

/** `2026-03-01 18:30:05`, in this machine's time. */
export function timeText(time: number | undefined): string {
  if (time === undefined) return 'at some time'
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
