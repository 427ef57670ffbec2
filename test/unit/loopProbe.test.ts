/**
 * The bench of the extension host’s event loop (`npm run bench -- --only editor`) is run on request only. This keeps what
 * it judges by from rotting: its probe in a process of its own, whose event loop is held up on purpose.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Blocking, blockingOf } from '../bench/blocking'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { startProcess } from '../support/ownedProcess'
import { built } from '../support/projectRoot'

/** Milliseconds of processor time. */
const OURS = 90
const OTHERS = 180

describe('the probe of an event loop', () => {
  let blocking: Blocking

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    blocking = await watched()
  })

  it('says how long our code held up the loop, and in which function', () => {
    assert.ok(blocking.ours > OURS * 0.7 && blocking.ours < OURS * 1.6, `${blocking.ours} ms`)
    const [longest] = blocking.longest
    assert.ok(longest?.functions.some(({ name }) => /^holdUp extension\.js:/.test(name)))
  })

  it('does not lay to our charge what another extension did in the same turn', () => {
    assert.ok(blocking.any > OTHERS * 0.7, `${blocking.any} ms`)
    assert.ok(blocking.withUs < OTHERS * 0.7, `${blocking.withUs} ms`)
  })

  it('does not count time in which the process waits', () => {
    const [start] = blocking.phases
    assert.ok((start?.lasted ?? 0) > OURS + OTHERS)
    assert.ok(blocking.cpu < (start?.lasted ?? 0) / 1000, `${blocking.cpu} s of processor time`)
  })
})

async function watched(): Promise<Blocking> {
  const folder = temporaryFolder('probe')
  const extension = join(folder, 'extension.js')
  const holdUp = (name: string) => `
    const { readFileSync } = require('node:fs')
    exports.holdUp = function ${name}(milliseconds) {
      // Of this thread: what others of the process use, such as the profiler's, is not time that the loop was held up.
      const used = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
      for (const end = used() + milliseconds; used() < end; );
    }`
  mkdirSync(join(folder, 'extensions', 'other'), { recursive: true })
  writeFileSync(extension, holdUp('holdUp'))
  writeFileSync(join(folder, 'extensions', 'other', 'main.js'), holdUp('holdUpToo'))
  writeFileSync(
    join(folder, 'host.js'),
    `setTimeout(() => require('./extension.js').holdUp(${OURS}), 200)
     setTimeout(() => {
       require('./extension.js').holdUp(${OURS / 2})
       require('./extensions/other/main.js').holdUp(${OTHERS})
     }, 600)
     setTimeout(() => console.log('done'), 1200)
     setInterval(() => {}, 1000)`,
  )
  const host = startProcess(
    process.execPath,
    ['--require', built('test/bench/loopProbe.process.js'), join(folder, 'host.js'), '--type=extensionHost'],
    { env: { PEERFOLD_LOOP_PROBE: folder, NODE_OPTIONS: undefined } },
  )
  try {
    await host.line(line => line === 'done')
    host.kill('SIGUSR2')
    const file = join(folder, `${host.pid}.json`)
    await eventually('the recording is written', () => existsSync(file))
    const phases = [{ name: 'all', from: 0, to: Number(process.hrtime.bigint()) / 1e6 }]
    return blockingOf(JSON.parse(readFileSync(file, 'utf8')), phases, extension)
  } finally {
    await host.stop()
  }
}
