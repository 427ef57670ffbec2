/** What a recording of an extension host says, step by step of what was done in it: the figures of the workload `editor`. */
import { type LoopRecording, type Stretch, stretchesOf } from './loopRecording'

/** Milliseconds for which the loop may be held up at a stretch. */
export const BLOCKING_TARGET = 50
/** The longest stretches that are told, and names of functions in each. */
const TOLD = 10
const TOLD_OF_OTHERS = 3
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

/** A stretch, with the functions that took most of it. */
export type Told = Stretch & { readonly phase: string }

export interface Blocking {
  /** Milliseconds. */
  readonly target: number
  /** `ours` or `withUs` is more than that. */
  readonly missed: boolean
  readonly phases: readonly PhaseBlocking[]
  readonly ours: number
  readonly withUs: number
  readonly any: number
  /** Delays of the loop by the clock, with those that other processes cause. */
  readonly delay: { readonly p99: number; readonly max: number }
  /** Seconds of processor time that the extension host used, the watching included. */
  readonly cpu: number
  /** Those in which our code has a part. */
  readonly longest: readonly Told[]
  /** Those of VS Code and of other extensions. */
  readonly others: readonly Told[]
}

/** @param program path of our program: functions in it are ours */
export function blockingOf(recording: LoopRecording, phases: readonly Phase[], program: string): Blocking {
  const all = stretchesOf(recording, url => url.endsWith(program))
  const within = phases.map(phase => ({
    phase,
    stretches: all.filter(({ at }) => at >= phase.from && at < phase.to),
  }))
  const told = within.flatMap(({ phase, stretches }) =>
    stretches.map(stretch => ({ ...stretch, phase: phase.name })),
  )
  const whole = summary(within.flatMap(({ stretches }) => stretches))
  return {
    target: BLOCKING_TARGET,
    missed: Math.max(whole.ours, whole.withUs) > BLOCKING_TARGET,
    phases: within.map(({ phase, stretches }) => ({
      name: phase.name,
      lasted: phase.to - Math.max(phase.from, recording.startedAt),
      ...summary(stretches),
    })),
    ...whole,
    delay: recording.delay,
    cpu: recording.cpu / 1000,
    longest: longestOf(told.filter(hasPart), ({ withUs }) => withUs, TOLD),
    others: longestOf(
      told.filter(stretch => !hasPart(stretch)),
      ({ ran }) => ran,
      TOLD_OF_OTHERS,
    ),
  }
}

function longestOf(stretches: readonly Told[], length: (stretch: Told) => number, count: number): Told[] {
  return [...stretches]
    .sort((a, b) => length(b) - length(a))
    .slice(0, count)
    .map(stretch => ({
      ...stretch,
      functions: stretch.functions.slice(0, NAMES),
      others: stretch.others.slice(0, NAMES),
    }))
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
