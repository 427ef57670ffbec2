/** What a recording of an extension host says, step by step of what was done in it: the figures of the workload `editor`. */
import { type LoopRecording, type Stretch, stretchesOf } from './loopRecording'

/** Milliseconds for which the loop may be held up at a stretch. */
export const BLOCKING_TARGET = 50
/** The longest stretches that are told, and names of functions in each. */
const TOLD = 10
const NAMES = 4
/** Share of a turn of the loop from which our code has a part in it: a passing notification is no reason for it. */
const PART = 0.1

/** One step, from and to by the monotonic clock in milliseconds. */
export interface Phase {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** Milliseconds on a processor. */
export interface PhaseBlocking {
  readonly name: string
  /** By the clock. */
  readonly lasted: number
  /** The longest stretch with functions of ours on the stack. */
  readonly ours: number
  /** The longest turn of the loop in which ours have a part, with what VS Code does in it, but no other extension. */
  readonly withUs: number
  /** The longest turn of all, whoever took it: VS Code, other extensions. */
  readonly any: number
}

export interface Blocking {
  readonly phases: readonly PhaseBlocking[]
  readonly ours: number
  readonly withUs: number
  readonly any: number
  /** Delays of the loop by the clock, with those that other processes cause. */
  readonly delay: { readonly p99: number; readonly max: number }
  /** Seconds of processor time that the extension host used, the watching included. */
  readonly cpu: number
  readonly longest: readonly (Stretch & { readonly phase: string })[]
}

/** @param program path of our program: functions in it are ours */
export function blockingOf(recording: LoopRecording, phases: readonly Phase[], program: string): Blocking {
  const all = stretchesOf(recording, url => url.endsWith(program))
  const within = phases.map(phase => ({
    phase,
    stretches: all.filter(({ at }) => at >= phase.from && at < phase.to),
  }))
  return {
    phases: within.map(({ phase, stretches }) => ({
      name: phase.name,
      lasted: phase.to - Math.max(phase.from, recording.startedAt),
      ...summary(stretches),
    })),
    ...summary(within.flatMap(({ stretches }) => stretches)),
    delay: recording.delay,
    cpu: recording.cpu / 1000,
    longest: within
      .flatMap(({ phase, stretches }) => stretches.map(stretch => ({ ...stretch, phase: phase.name })))
      .filter(hasPart)
      .sort((a, b) => b.withUs - a.withUs)
      .slice(0, TOLD)
      .map(stretch => ({
        ...stretch,
        functions: stretch.functions.slice(0, NAMES),
        others: stretch.others.slice(0, NAMES),
      })),
  }
}

function summary(stretches: readonly Stretch[]): Pick<Blocking, 'ours' | 'withUs' | 'any'> {
  return {
    ours: Math.max(0, ...stretches.map(({ ours }) => ours)),
    withUs: Math.max(0, ...stretches.filter(hasPart).map(({ withUs }) => withUs)),
    any: Math.max(0, ...stretches.map(({ ran }) => ran)),
  }
}

function hasPart({ ours, ran }: Stretch): boolean {
  return ours >= ran * PART
}
