/**
 * magic-wormhole and wormhole-william, over a mailbox server on this machine; bytes go directly between the two.
 *
 * wormhole-william has the name of its relay built in and gives up when it cannot reach it. In a mount namespace of its
 * own that name means this machine, where somebody listens who never answers: nothing leaves the machine.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { basename, join } from 'node:path'
import { findProgram, freePort } from './programs'
import type { RunContext, Tool } from './run'

const MAILBOX = 'twist3'
const CODE = '7-bench-code'
const LIMIT = 300_000
const WILLIAMS_RELAY = { host: 'transit.magic-wormhole.io', port: 4001 }
/** `sh -c` with the hosts file as $0 and the program and its arguments behind it. */
const WITH_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"'

interface Wormhole {
  readonly name: string
  readonly program: string
  readonly send: readonly string[]
  readonly receive: readonly string[]
}

const WILLIAM: Wormhole = {
  name: 'wormhole-william',
  program: 'wormhole-william',
  send: ['send', '--hide-progress', '--code', CODE],
  receive: ['receive', '--hide-progress', CODE],
}
/** There is no relay: a closed port is found closed at once. */
const NO_RELAY = ['--transit-helper', 'tcp:127.0.0.1:9']
const MAGIC: Wormhole = {
  name: 'magic-wormhole',
  program: 'wormhole',
  send: [...NO_RELAY, 'send', '--hide-progress', '--code', CODE],
  receive: [...NO_RELAY, 'receive', '--hide-progress', '--accept-file', CODE],
}

export const wormholes: readonly Tool[] = [
  {
    name: WILLIAM.name,
    missing: () => notInstalled(WILLIAM) ?? (canNameHosts() ? undefined : 'mount namespaces are not allowed'),
    run: context => withoutRelay(() => send(context, WILLIAM, asThisMachine(context))),
  },
  { name: MAGIC.name, missing: () => notInstalled(MAGIC), run: context => send(context, MAGIC, []) },
]

function notInstalled({ program }: Wormhole): string | undefined {
  const absent = [program, MAILBOX].find(name => findProgram(name) === undefined)
  return absent === undefined ? undefined : `${absent} not installed`
}

/** @param within program and arguments that run what follows them */
async function send(context: RunContext, wormhole: Wormhole, within: readonly string[]): Promise<void> {
  const { folder, source } = context
  const [program = '', ...before] = [...within, wormhole.program, '--relay-url', await startMailbox(context)]
  const target = join(folder, 'target')
  mkdirSync(target)
  await context.time('prepare', async () => {
    const sender = context.start('sender', program, [...before, ...wormhole.send, source])
    await Promise.any(
      (['stdout', 'stderr'] as const).map(from =>
        sender.line(line => line.includes('Wormhole code is'), { from, timeout: LIMIT }),
      ),
    )
  })
  await context.time('fetch', () =>
    context.finish('receiver', program, [...before, ...wormhole.receive], { cwd: target, input: 'y\n' }),
  )
  renameSync(join(target, basename(source)), join(folder, 'received'))
  context.check(join(folder, 'received'))
}

/** → its address. It belongs to neither side: other people use one on the internet. */
async function startMailbox(context: RunContext): Promise<string> {
  const port = await freePort()
  const endpoint = `tcp:${port}:interface=127.0.0.1`
  const database = join(context.folder, 'mailbox.sqlite')
  const args = ['wormhole-mailbox', '--port', endpoint, '--channel-db', database]
  const mailbox = context.startBeside(MAILBOX, args)
  await mailbox.line(line => line.includes('Starting reactor'), { timeout: 20_000 })
  return `ws://127.0.0.1:${port}/v1`
}

function asThisMachine(context: RunContext): string[] {
  const hosts = join(context.folder, 'hosts')
  writeFileSync(hosts, `127.0.0.1 localhost ${WILLIAMS_RELAY.host}\n`)
  return ['unshare', ...namespaceFlags(), 'sh', '-c', WITH_HOSTS, hosts]
}

function canNameHosts(): boolean {
  const args = [...namespaceFlags(), 'sh', '-c', WITH_HOSTS, '/etc/hosts', 'true']
  return spawnSync('unshare', args, { stdio: 'ignore' }).status === 0
}

function namespaceFlags(): string[] {
  return process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
}

async function withoutRelay(work: () => Promise<void>): Promise<void> {
  const waiting = new Set<Socket>()
  const relay = createServer(socket => waiting.add(socket.on('error', isGone)))
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject)
    relay.listen(WILLIAMS_RELAY.port, '127.0.0.1', () => resolve())
  })
  try {
    await work()
  } finally {
    for (const socket of waiting) socket.destroy()
    relay.close()
  }
}

/** It had no need of the relay any more. */
function isGone(): void {}
