/** Hyperdrive as its documentation uses it: `localdrive.mirror(drive)` in, `drive.mirror(localdrive)` out. */
import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { built } from '../support/projectRoot'
import { localdriveFolder } from './install'
import type { RunContext, Tool } from './run'

const LIMIT = 600_000

export const stock: Tool = {
  name: 'stock hyperdrive mirror',
  missing: () => (localdriveFolder() === undefined ? 'localdrive not installed' : undefined),
  run: async context => {
    const { folder, workload } = context
    const source = workload.isFile ? dirname(context.source) : context.source
    const target = join(folder, 'target')
    mkdirSync(target)
    const bootstrap = await context.dht()
    const publish = () =>
      mirror(context, 'sender', ['publish', source, join(folder, 'store-sender'), bootstrap])
    const { key, running } = await context.time('prepare', publish)
    const fetch = async () => {
      const arrived = await mirror(context, 'receiver', [
        'fetch',
        target,
        join(folder, 'store-receiver'),
        bootstrap,
        key,
      ])
      await arrived.running.ended
    }
    await context.time('fetch', fetch)
    context.check(workload.isFile ? join(target, basename(context.source)) : target)
    await context.time('fetch again', fetch)
    await running.stop()
    await context.time('prepare again', publish)
  },
}

async function mirror(context: RunContext, side: 'sender' | 'receiver', args: readonly string[]) {
  const program = built('test/bench/stockMirror.process.js')
  const running = context.start(side, process.execPath, [program, ...args], {
    env: { PEERFOLD_BENCH_LOCALDRIVE: localdriveFolder() },
  })
  const key = await running.line(line => /^[0-9a-f]{64}$/.test(line), { timeout: LIMIT })
  return { key, running }
}
