/**
 * Watches the event loop of a VS Code extension host from inside. Loaded by `--require` into every process of a VS Code
 * server, it does something in extension hosts only.
 *
 * A timer beats every two milliseconds. The system says for every beat how long this thread ran since the one before and
 * how long it was ready to run but had no processor, so that what others took is not laid to our charge; a profile says
 * which functions ran. Both go by the same clock, and SIGUSR2 writes them to `<pid>.json` in $PEERFOLD_LOOP_PROBE.
 * Linux only.
 */
import { openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { BEAT, type LateBeat, type LoopRecording, SAMPLE_EVERY } from './loopRecording'

/** Milliseconds between two beats, or of work between them, from which they are worth remembering. */
const LATE = 4 * BEAT
const WORK = 2 * BEAT

function watch(folder: string): void {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY * 1000 })
  session.post('Profiler.start')
  const delay = monitorEventLoopDelay({ resolution: BEAT })
  delay.enable()
  const startedAt = now()
  const late = beat()
  process.once('SIGUSR2', () => {
    delay.disable() // the end of the profile takes seconds
    session.post('Profiler.stop', (error, result) => {
      if (error !== null) throw error
      const { user, system } = process.cpuUsage()
      const recording: LoopRecording = {
        startedAt,
        endedAt: now(),
        late: late(),
        delay: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
        cpu: (user + system) / 1000,
        profile: result.profile,
      }
      const file = join(folder, `${process.pid}.json`)
      writeFileSync(`${file}.new`, JSON.stringify(recording))
      renameSync(`${file}.new`, file)
    })
  })
}

/** Beats until it is asked for what was late; from then on no more. */
function beat(): () => LateBeat[] {
  const late: LateBeat[] = []
  const used = usage()
  let last = now()
  let { ran, waited } = used()
  const timer = setInterval(() => {
    const at = now()
    const { ran: nowRan, waited: nowWaited } = used()
    if (at - last > LATE || nowRan - ran > WORK)
      late.push({ from: last, to: at, ran: nowRan - ran, waited: nowWaited - waited })
    last = at
    ran = nowRan
    waited = nowWaited
  }, BEAT)
  timer.unref()
  return () => {
    clearInterval(timer)
    return late
  }
}

/** What this thread used since it began, in milliseconds: time on a processor, and time spent waiting for one. */
function usage(): () => { ran: number; waited: number } {
  const file = openSync('/proc/thread-self/schedstat', 'r')
  const buffer = Buffer.alloc(128)
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0)
    const [ran = 0, waited = 0] = buffer.toString('latin1', 0, length).split(' ').map(Number)
    return { ran: ran / 1e6, waited: waited / 1e6 }
  }
}

/** Milliseconds, by the clock that profiles use. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const folder = process.env.PEERFOLD_LOOP_PROBE
if (folder !== undefined && process.argv.includes('--type=extensionHost')) watch(folder)
