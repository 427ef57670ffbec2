/** magic-wormhole and wormhole-william, over a mailbox server on this machine; bytes go directly between the two. */
import { mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findProgram, freePort } from './programs'
import type { RunContext, Tool } from './run'

const MAILBOX = 'twist3'
const CODE = '7-bench-code'
const LIMIT = 600_000

interface Wormhole {
  readonly name: string
  readonly program: string
  readonly send: readonly string[]
  readonly receive: readonly string[]
  /** What it prints when somebody can fetch. */
  readonly ready: RegExp
}

const WORMHOLES: readonly Wormhole[] = [
  {
    name: 'wormhole-william',
    program: 'wormhole-william',
    send: ['send', '--hide-progress', '--code', CODE],
    receive: ['receive', '--hide-progress', CODE],
    ready: /wormhole.* receive/,
  },
  {
    name: 'magic-wormhole',
    program: 'wormhole',
    // There is no relay: a closed port is found closed at once.
    send: ['--transit-helper', 'tcp:127.0.0.1:9', 'send', '--hide-progress', '--code', CODE],
    receive: ['--transit-helper', 'tcp:127.0.0.1:9', 'receive', '--hide-progress', '--accept-file', CODE],
    ready: /wormhole receive/,
  },
]

export const wormholes: readonly Tool[] = WORMHOLES.map(wormhole => ({
  name: wormhole.name,
  missing: () => {
    const absent = [wormhole.program, MAILBOX].find(program => findProgram(program) === undefined)
    return absent === undefined ? undefined : `${absent} not installed`
  },
  run: context => send(context, wormhole),
}))

async function send(context: RunContext, { program, ...wormhole }: Wormhole): Promise<void> {
  const { folder, source } = context
  const relay = ['--relay-url', await startMailbox(context)]
  const target = join(folder, 'target')
  mkdirSync(target)
  await context.time('prepare', async () => {
    const sender = context.start('sender', program, [...relay, ...wormhole.send, source])
    const ready = (line: string) => wormhole.ready.test(line)
    const lines = (['stdout', 'stderr'] as const).map(from => sender.line(ready, { from, timeout: LIMIT }))
    await Promise.any(lines)
    for (const line of lines) line.catch(oneOfThemIsEnough)
  })
  await context.time('fetch', () =>
    context.finish('receiver', program, [...relay, ...wormhole.receive], { cwd: target, input: 'y\n' }),
  )
  renameSync(join(target, basename(source)), join(folder, 'received'))
  context.check(join(folder, 'received'))
}

/** → its address */
async function startMailbox(context: RunContext): Promise<string> {
  const port = await freePort()
  const endpoint = `tcp:${port}:interface=127.0.0.1`
  const database = join(context.folder, 'mailbox.sqlite')
  const args = ['wormhole-mailbox', '--port', endpoint, '--channel-db', database]
  // It belongs to neither side: others would use one on the internet.
  const mailbox = context.startBeside(MAILBOX, args)
  await mailbox.line(line => /starting on/i.test(line), { timeout: 20_000 })
  return `ws://127.0.0.1:${port}/v1`
}

function oneOfThemIsEnough(): void {}
