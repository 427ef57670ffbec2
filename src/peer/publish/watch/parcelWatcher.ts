/**
 * The native watcher, @parcel/watcher, and what has to be known of its inside. As read in 2.6.0:
 *
 *   - Its `ignore` takes whatever holds a glob character for a pattern, so the folder `[work]/node_modules` is not
 *     ignored. `ignorePaths`, which its own wrapper makes of the rest, is taken as it stands.
 *   - Events are handed over when none was added for 50 ms, or 500 ms after the last hand-over. After 500 ms without a
 *     hand-over, the first event is handed over at once and alone, and what belongs to it comes later. So while files
 *     are written without a pause, there is a hand-over every 500 ms, and a file may be told 500 ms after it changed.
 *   - An event in the moment of a hand-over is lost at times: it is taken for handed over.
 *   - An error other than “must be re-scanned” is the last thing that a subscription says.
 *   - On Linux one thread reads the events of all subscriptions, and a signal ends it (parcel-bundler/watcher#253).
 *     It then waits for itself for ever and keeps its inotify descriptor, with a watch for every folder; here that
 *     is closed. It also keeps its picture of the tree, and a new subscription of the same path would take that one:
 *     folders made since are missing from it. So the next subscription names the folder by another path.
 */
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Options, SubscribeCallback } from '@parcel/watcher'

export interface WatchEvent {
  /** Absolute. */
  readonly path: string
  readonly type: 'create' | 'update' | 'delete'
}

/**
 * @param isFirst more of the same may be told: within `MORE_WITHIN` if all of it has happened, otherwise within
 *   `NEXT_WITHIN`
 */
export type OnEvents = (error: Error | null, events: readonly WatchEvent[], isFirst?: boolean) => void

/** Milliseconds without an event after which events are handed over. */
export const MORE_WITHIN = 50
/** Milliseconds after a hand-over within which what was seen meanwhile is handed over, and a little more. */
export const NEXT_WITHIN = 600
/**
 * Milliseconds without a hand-over after which the first event is handed over at once; a little less than the true
 * time.
 */
const FIRST_AFTER = 450
/** Milliseconds within which one hand-over reaches all subscriptions. */
const TOGETHER = 5

/** @param options.ignorePaths absolute paths of folders that are not watched */
export type Subscribe = (
  folder: string,
  onEvents: OnEvents,
  options: { readonly ignorePaths: string[] },
) => Promise<{ unsubscribe(): Promise<void> }>

/** Leads to the same folders, under another name. */
const OTHER_NAME = '/proc/self/root'
/** Each leaves a thread behind, and a name may lead through 40 links only. */
const MAX_LOST = 12

/** How many times the thread has ended in this process. */
let lost = 0
let handedOverAt = 0
let wasFirst = true

export async function loadParcelWatcher(): Promise<Subscribe> {
  const { default: watcher } = await import('@parcel/watcher')
  return (folder, onEvents, { ignorePaths }) => {
    if (lost > MAX_LOST) throw new Error(`it has ended by itself ${lost} times`)
    const before = OTHER_NAME.repeat(lost)
    const madeWhenLost = lost
    const onNative: SubscribeCallback = (error, events) => {
      if (error !== null && isEnd(error) && process.platform === 'linux' && lost === madeWhenLost) {
        lost++
        closeLost()
      }
      onEvents(
        error,
        events.map(({ path, type }) => ({ path: path.slice(before.length), type })),
        isFirst(),
      )
    }
    const options: Options & { ignorePaths: string[] } = {
      ignorePaths: ignorePaths.map(path => before + resolve(path)),
    }
    return watcher.subscribe(before + folder, onNative, options)
  }
}

/** To be called at every hand-over: whether there was none for long enough that this came at once. */
function isFirst(): boolean {
  const now = performance.now()
  const pause = now - handedOverAt
  if (pause > TOGETHER) wasFirst = pause > FIRST_AFTER
  handedOverAt = now
  return wasFirst
}

/** Whether an error was the last thing that a subscription said; otherwise events were lost, and more will come. */
export function isEnd({ message }: Error): boolean {
  return !/re-?scan/i.test(message)
}

/**
 * Closes the descriptor that the thread left, if it is the only one. Nothing else in this process watches by inotify.
 * Among several, the lost one cannot be told.
 */
function closeLost(): void {
  const inUse = inotifyDescriptors().filter(({ watches }) => watches > 0)
  const [only] = inUse
  if (only !== undefined && inUse.length === 1) closeSync(only.descriptor)
}

/** The inotify descriptors of this process (Linux), each with the number of its watches. */
export function inotifyDescriptors(): { descriptor: number; watches: number }[] {
  return readdirSync('/proc/self/fd').flatMap(name => {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) !== 'anon_inode:inotify') return []
      const info = readFileSync(`/proc/self/fdinfo/${name}`, 'utf8')
      return [{ descriptor: Number(name), watches: info.match(/^inotify wd:/gm)?.length ?? 0 }]
    } catch {
      return [] // closed since the folder was read, as the one that reads it is
    }
  })
}
