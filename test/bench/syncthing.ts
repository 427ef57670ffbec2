/**
 * Two Syncthing instances on this machine that know each other's address, without discovery or relays. Its
 * fetch is done when the receiver's own status says that it is idle and needs nothing more.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CHANGED, eachChange, secondsOf } from './changes'
import type { Side } from './meter'
import { IN_STEP, timesInStep } from './onDisk'
import { findProgram, freePort } from './programs'
import type { RunContext, Tool } from './run'

const KEY = 'bench'
const FOLDER = 'bench'
const MARKER = '.stfolder'
const LIMIT = 600_000
const POLL_EVERY = 20

interface Instance {
  readonly side: Side
  readonly home: string
  readonly id: string
  readonly api: string
  readonly listen: string
}

const missing = () => (findProgram('syncthing') === undefined ? 'syncthing not installed' : undefined)

export const syncthing: Tool = {
  name: 'Syncthing',
  missing,
  run: async context => {
    const { workload, made } = context
    const source = workload.isFile ? dirname(context.source) : context.source
    // The marker is any name that is there while the folder is: this one leaves the source as it was.
    const pair = await Pair.make(context, source, readdirSync(source)[0] ?? '')
    await context.time('prepare', () => pair.prepare(made.files))
    await context.time('fetch', () => pair.fetch(made.files))
    context.check(workload.isFile ? join(pair.target, 'one.bin') : pair.target, [MARKER])
    await context.time('prepare again', () => scan(pair.sender))
    await context.time('fetch again', () => scan(pair.receiver))
  },
}

/** It waits one second for what else its watcher tells, the least that can be set; by default ten. */
export const syncthingInStep: Tool = {
  name: 'Syncthing in step',
  missing,
  workloads: [...IN_STEP],
  run: context =>
    withPair(
      context,
      async pair => {
        const { files } = context.made
        await pair.prepare(files)
        await pair.fetch(files)
        context.onDisk = await timesInStep(context, pair.target)
      },
      true,
    ),
}

/** Bytes are all that the receiver got, with what the programs say to each other. */
export const syncthingChanges: Tool = {
  name: 'Syncthing changes',
  missing,
  workloads: [...CHANGED],
  run: context =>
    withPair(context, async pair => {
      await pair.prepare(1)
      await pair.fetch(1)
      await eachChange(context, async () => {
        const before = await received(pair.receiver)
        const published = await secondsOf(() => scan(pair.sender))
        const updated = await secondsOf(() => until(pair.receiver, () => isSame(context.source, pair.target)))
        context.check(pair.target, [MARKER])
        return { fetched: (await received(pair.receiver)) - before, published, updated }
      })
    }),
}

/** With a marker of its own in the source, which is taken away afterwards. */
async function withPair(
  context: RunContext,
  work: (pair: Pair) => Promise<void>,
  watches = false,
): Promise<void> {
  const marker = join(context.source, MARKER)
  mkdirSync(marker)
  try {
    await work(await Pair.make(context, context.source, MARKER, watches))
  } finally {
    await context.stop()
    rmSync(marker, { recursive: true })
  }
}

/** By names and times: what it writes is whole when it has its name. */
function isSame(source: string, target: string): boolean {
  const listed = (folder: string) =>
    readdirSync(folder).map(name =>
      name === MARKER ? name : `${name} ${statSync(join(folder, name)).mtimeMs}`,
    )
  return listed(source).join() === listed(target).join()
}

class Pair {
  private constructor(
    private readonly context: RunContext,
    readonly sender: Instance,
    readonly receiver: Instance,
    readonly target: string,
  ) {}

  static async make(context: RunContext, source: string, marker: string, watches = false): Promise<Pair> {
    const target = join(context.folder, 'target')
    mkdirSync(join(target, MARKER), { recursive: true })
    const sender = await makeInstance(context, 'sender')
    const receiver = await makeInstance(context, 'receiver')
    writeConfig(sender, receiver, source, marker, watches)
    writeConfig(receiver, sender, target, MARKER, watches)
    return new Pair(context, sender, receiver, target)
  }

  /** Starts the sender; it has looked through its folder then. */
  async prepare(files: number): Promise<void> {
    this.start(this.sender)
    await until(this.sender, status => status.state === 'idle' && status.localFiles === files)
  }

  /** Starts the receiver; it has everything then. */
  async fetch(files: number): Promise<void> {
    this.start(this.receiver)
    await until(
      this.receiver,
      status => status.state === 'idle' && status.needFiles === 0 && status.localFiles === files,
    )
  }

  private start({ side, home }: Instance): void {
    const args = ['serve', '--home', home, '--no-browser', '--no-restart', '--no-upgrade']
    this.context.start(side, 'syncthing', args, { env: { HOME: home } })
  }
}

async function makeInstance(context: RunContext, side: Side): Promise<Instance> {
  const home = join(context.folder, `syncthing-${side}`)
  await context.finish(side, 'syncthing', ['generate', '--home', home, '--no-default-folder'], {
    env: { HOME: home },
  })
  const device = context.start(side, 'syncthing', ['serve', '--home', home, '--device-id'], {
    env: { HOME: home },
  })
  const id = await device.line(line => /^[A-Z0-9]{7}(-[A-Z0-9]{7}){7}$/.test(line))
  return {
    side,
    home,
    id,
    api: `127.0.0.1:${await freePort()}`,
    listen: `tcp://127.0.0.1:${await freePort()}`,
  }
}

function writeConfig(
  self: Instance,
  other: Instance,
  folder: string,
  marker: string,
  watches: boolean,
): void {
  const device = ({ id, listen }: Instance) =>
    `<device id="${id}" name="${id.slice(0, 7)}"><address>${listen}</address></device>`
  const config = `<configuration version="35">
  <folder id="${FOLDER}" path="${folder}" type="sendreceive" rescanIntervalS="0" fsWatcherEnabled="${watches}" fsWatcherDelayS="1">
    <filesystemType>basic</filesystemType>
    <device id="${self.id}"></device><device id="${other.id}"></device>
    <markerName>${marker}</markerName>
    <minDiskFree unit="%">0</minDiskFree>
  </folder>
  ${device(self)}
  ${device(other)}
  <gui enabled="true" tls="false"><address>${self.api}</address><apikey>${KEY}</apikey></gui>
  <options>
    <listenAddress>${self.listen}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <stunServer></stunServer>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <crashReportingEnabled>false</crashReportingEnabled>
    <reconnectionIntervalS>1</reconnectionIntervalS>
    <startBrowser>false</startBrowser>
    <minHomeDiskFree unit="%">0</minHomeDiskFree>
  </options>
</configuration>
`
  writeFileSync(join(self.home, 'config.xml'), config)
}

interface Status {
  readonly total?: { readonly inBytesTotal?: unknown }
  readonly state?: unknown
  readonly localFiles?: unknown
  readonly needFiles?: unknown
}

async function until(instance: Instance, isReached: (status: Status) => boolean): Promise<void> {
  const deadline = Date.now() + LIMIT
  for (;;) {
    const status = await ask(instance, 'GET', `db/status?folder=${FOLDER}`)
    if (status !== undefined && isReached(status)) return
    if (Date.now() > deadline) throw new Error(`syncthing did not get ready: ${JSON.stringify(status)}`)
    await delay(POLL_EVERY)
  }
}

/** Answers when the folder has been looked through. */
async function scan(instance: Instance): Promise<void> {
  if ((await ask(instance, 'POST', `db/scan?folder=${FOLDER}`)) === undefined) throw new Error('no scan')
}

/** Bytes, from its start on. */
async function received(instance: Instance): Promise<number> {
  return Number((await ask(instance, 'GET', 'system/connections'))?.total?.inBytesTotal)
}

/** Undefined while it does not answer. */
async function ask({ api }: Instance, method: string, path: string): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${api}/rest/${path}`, { method, headers: { 'X-API-Key': KEY } })
    if (!response.ok) return undefined
    const text = await response.text()
    const value: unknown = text === '' ? {} : JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // it has not opened its port yet
  }
}
