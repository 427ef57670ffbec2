/**
 * Two Syncthing instances on this machine that know each other's address, without discovery, relays or watching. Its
 * fetch is done when the receiver's own status says that it is idle and needs nothing more.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Side } from './meter'
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

export const syncthing: Tool = {
  name: 'Syncthing',
  missing: () => (findProgram('syncthing') === undefined ? 'syncthing not installed' : undefined),
  run: async context => {
    const { folder, workload, made } = context
    const source = workload.isFile ? dirname(context.source) : context.source
    const target = join(folder, 'target')
    mkdirSync(join(target, MARKER), { recursive: true })
    const sender = await makeInstance(context, 'sender')
    const receiver = await makeInstance(context, 'receiver')
    // The marker is any name that is there while the folder is: this one leaves the source as it was.
    const marker = readdirSync(source)[0] ?? ''
    writeConfig(sender, receiver, source, marker)
    writeConfig(receiver, sender, target, MARKER)

    const start = ({ side, home }: Instance) =>
      context.start(
        side,
        'syncthing',
        ['serve', '--home', home, '--no-browser', '--no-restart', '--no-upgrade'],
        {
          env: { HOME: home },
        },
      )
    await context.time('prepare', async () => {
      start(sender)
      await until(sender, status => status.state === 'idle' && status.localFiles === made.files)
    })
    await context.time('fetch', async () => {
      start(receiver)
      await until(
        receiver,
        status => status.state === 'idle' && status.needFiles === 0 && status.localFiles === made.files,
      )
    })
    context.check(workload.isFile ? join(target, 'one.bin') : target, [MARKER])
    await context.time('prepare again', () => scan(sender))
    await context.time('fetch again', () => scan(receiver))
  },
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

function writeConfig(self: Instance, other: Instance, folder: string, marker: string): void {
  const device = ({ id, listen }: Instance) =>
    `<device id="${id}" name="${id.slice(0, 7)}"><address>${listen}</address></device>`
  const config = `<configuration version="35">
  <folder id="${FOLDER}" path="${folder}" type="sendreceive" rescanIntervalS="0" fsWatcherEnabled="false">
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
