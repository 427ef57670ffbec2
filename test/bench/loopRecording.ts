/**
 * From what loopProbe.process.ts recorded to the stretches in which an event loop was blocked, and by whom.
 *
 * A stretch is what the thread did between two beats that came too late: one turn of the loop. Its length is the time
 * that the thread ran, not the time that passed: time in which it was ready to run and other processes had the processors is not
 * its own. Of that time, ours is the share of the samples that have a function of ours on the stack, whatever it
 * called. Garbage is collected on everybody's account and is shared out likewise.
 */
import type { Profiler } from 'node:inspector'

/** Milliseconds between two beats, and between two samples of the profile. */
export const BEAT = 2
export const SAMPLE_EVERY = 1

/** Between two beats, in milliseconds; `from` and `to` by the monotonic clock. */
export interface LateBeat {
  readonly from: number
  readonly to: number
  /** On a processor. */
  readonly ran: number
  /** Ready to run, while others had the processors. */
  readonly waited: number
}

export interface LoopRecording {
  readonly startedAt: number
  readonly endedAt: number
  readonly late: readonly LateBeat[]
  /** Delays of the loop as perf_hooks has them, milliseconds: by the clock, so other processes count, too. */
  readonly delay: { readonly p99: number; readonly max: number }
  /** Processor time of the whole process, milliseconds. */
  readonly cpu: number
  readonly profile: Profiler.Profile
}

/** One turn of the loop. All times are milliseconds. */
export interface Stretch {
  /** By the monotonic clock. */
  readonly at: number
  /** By the clock. */
  readonly lasted: number
  /** On a processor. */
  readonly ran: number
  /** With a function of ours on the stack. */
  readonly ours: number
  /** The same and what VS Code did by itself in this turn, such as sending what we returned; no other extension's. */
  readonly withUs: number
  /** Our functions by the time in them and in what they called, the longest first. */
  readonly functions: readonly { readonly name: string; readonly time: number }[]
  /** The same of everybody's: time in themselves. */
  readonly others: readonly { readonly name: string; readonly time: number }[]
}

/** What a sample says. */
interface Sampled {
  readonly kind: 'idle' | 'garbage' | 'ours' | 'editor' | 'other extension'
  /** Our functions on the stack, each once. */
  readonly functions: readonly string[]
  readonly self: string
}

/** Programs of extensions that VS Code brings along lie there. */
const EXTENSIONS = /\/extensions\/[^/]+\//

/** @param isOurs tells by the address of a script */
export function stretchesOf(
  { late, profile }: LoopRecording,
  isOurs: (url: string) => boolean,
): readonly Stretch[] {
  const sampled = samplesByNode(profile, isOurs)
  const times = timesOf(profile)
  return late.map(({ from, to, ran }) => {
    const inside: Sampled[] = []
    for (let at = firstAtLeast(times, from); at < times.length && (times[at] ?? 0) < to; at++) {
      const sample = sampled.get(profile.samples?.[at] ?? -1)
      if (sample !== undefined) inside.push(sample)
    }
    const busy = inside.filter(({ kind }) => kind !== 'idle' && kind !== 'garbage')
    const each = busy.length === 0 ? 0 : ran / busy.length
    const ours = busy.filter(({ kind }) => kind === 'ours')
    return {
      at: from,
      lasted: to - from,
      ran,
      ours: ours.length * each,
      withUs: busy.filter(({ kind }) => kind !== 'other extension').length * each,
      functions: longest(
        ours.flatMap(({ functions }) => functions),
        each,
      ),
      others: longest(
        busy.map(({ self }) => self),
        each,
      ),
    }
  })
}

function longest(names: readonly string[], each: number): { name: string; time: number }[] {
  const times = new Map<string, number>()
  for (const name of names) times.set(name, (times.get(name) ?? 0) + each)
  return [...times].map(([name, time]) => ({ name, time })).sort((a, b) => b.time - a.time)
}

/** The time of every sample, in milliseconds by the monotonic clock. */
function timesOf({ startTime, timeDeltas = [] }: Profiler.Profile): Float64Array {
  const times = new Float64Array(timeDeltas.length)
  let at = startTime
  timeDeltas.forEach((delta, index) => {
    at += delta
    times[index] = at / 1000
  })
  return times
}

function samplesByNode(
  { nodes }: Profiler.Profile,
  isOurs: (url: string) => boolean,
): ReadonlyMap<number, Sampled> {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const sampled = new Map<number, Sampled>()
  const visit = (node: Profiler.ProfileNode, above: Sampled) => {
    const { functionName, url, lineNumber } = node.callFrame
    const self = `${functionName || '(anonymous)'} ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`
    const functions =
      isOurs(url) && !above.functions.includes(self) ? [...above.functions, self] : above.functions
    const sample = { kind: kindOf(functionName, url, functions, above.kind), functions, self }
    sampled.set(node.id, sample)
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) visit(child, sample)
    }
  }
  const [root] = nodes
  if (root !== undefined) visit(root, { kind: 'editor', functions: [], self: '' })
  return sampled
}

function kindOf(name: string, url: string, ours: readonly string[], above: Sampled['kind']): Sampled['kind'] {
  if (name === '(idle)') return 'idle'
  if (name === '(garbage collector)') return 'garbage'
  if (ours.length > 0) return 'ours'
  return above === 'other extension' || EXTENSIONS.test(url) ? 'other extension' : 'editor'
}

/** The first index of a sorted list whose value is at least this. */
function firstAtLeast(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
