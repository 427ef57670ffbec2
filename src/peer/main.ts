/**
 * The peer process: owns the store and the swarm, answers windows and commands.
 *
 *   peer.js --storage <data folder> [--bootstrap host:port,…] [--no-tcp] [--grace seconds] [--hold seconds]
 *     [--told-for seconds] [--keep-no-versions]
 *
 * `--grace`: how long superseded bytes stay for readers that are fetching them. `--hold`: how long many vanished files
 * are held before they count as deleted. `--told-for`: how long files that newer rules hide stay published after the
 * user was told. `--keep-no-versions`: former versions are kept only for shares that have a rule of their own.
 *
 * Start-up order: take the lock, then remove a stale socket, then listen, then say where. Exit codes: 0 ended in
 * order, 3 another process has the lock, 4 the store is damaged or had met a full disk (the next process repairs it),
 * 1 anything else.
 */
import { parseArgs } from 'node:util'
import { toUserError } from '../common/errors'
import { PROTOCOL_VERSION } from '../common/protocol'
import { newKey } from '../wire/challenge'
import { ensureDataFolder } from '../wire/dataFolder'
import { assertFormatKnown } from '../wire/dataFormat'
import {
  processSpace,
  removeEndpoint,
  removeSocketFolder,
  socketPath,
  writeEndpoint,
  writeTokenForEarlier,
} from '../wire/endpoint'
import { outliveReader, write } from '../wire/lostReaders'
import { loadKeyPair } from './keys'
import { takeLock } from './lock'
import { collectWhenCalm } from './memory'
import { Peer } from './peer'
import { PeerServer } from './service/server'
import { isDamage, noteDamage } from './store/store'
import { takeOver } from './store/takeOver'

declare const PEERFOLD_VERSION: string

const EXIT_LOCKED = 3
const EXIT_DAMAGED = 4
/** An orderly end that takes longer than this (milliseconds) is cut short: the store survives it. */
const END_WITHIN = 8_000

function log(line: string): void {
  write(process.stdout, `${new Date().toISOString()} ${line.replace(/[\p{Cc}]/gu, ' ')}\n`)
}

function secondsOf(text: string, option: string): number {
  const seconds = Number(text)
  if (text !== '' && seconds >= 0 && seconds < 2 ** 31 / 1_000) return seconds
  throw new Error(`--${option} is not a number of seconds`)
}

async function main(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) outliveReader(stream)
  const { values } = parseArgs({
    options: {
      storage: { type: 'string' },
      bootstrap: { type: 'string' },
      'no-tcp': { type: 'boolean', default: false },
      grace: { type: 'string' },
      hold: { type: 'string' },
      'told-for': { type: 'string' },
      'keep-no-versions': { type: 'boolean', default: false },
    },
  })
  if (values.storage === undefined) throw new Error('--storage is missing')
  assertFormatKnown(values.storage)
  const paths = ensureDataFolder(values.storage)
  const lock = takeLock(paths.lock)
  if (lock === undefined) {
    log('another peer process has the lock')
    process.exit(EXIT_LOCKED)
  }
  assertFormatKnown(paths.root) // the process that had the lock may have been newer
  takeOver(paths)
  collectWhenCalm()

  let peer: Peer | undefined
  let ending = false
  const onIdle = () => {
    if (ending) return
    ending = true
    server.refuseAll()
    end().catch(error => log(`the end was not orderly: ${String(error)}`))
  }
  const end = async () => {
    const limit = setTimeout(() => process.exit(1), END_WITHIN)
    log('ending')
    await removeEndpoint(paths.root)
    await server.close()
    await removeSocketFolder(socket)
    await peer?.close()
    clearTimeout(limit)
    lock.release()
    process.exit(0)
  }

  const onDamage = (error: unknown) => {
    log(`the store is damaged: ${String(error)}`)
    noteDamage(paths, error)
    process.exit(EXIT_DAMAGED)
  }
  process.on('unhandledRejection', error => {
    log(`unhandled: ${error instanceof Error ? error.stack : String(error)}`)
    if (peer !== undefined) peer.checkForDamage(error)
    else if (isDamage(error)) onDamage(error)
  })
  const onRoomAgain = () => {
    log('there is room again on the disk of the store, which is opened anew')
    process.exit(EXIT_DAMAGED)
  }

  peer = await Peer.open({
    paths,
    keyPair: loadKeyPair(paths.keys),
    bootstrap: values.bootstrap?.split(',').filter(Boolean) ?? [],
    tcp: !values['no-tcp'],
    keepVersions: !values['keep-no-versions'],
    ...(values.grace === undefined ? {} : { grace: secondsOf(values.grace, 'grace') * 1_000 }),
    ...(values.hold === undefined ? {} : { hold: secondsOf(values.hold, 'hold') * 1_000 }),
    ...(values['told-for'] === undefined
      ? {}
      : { toldFor: secondsOf(values['told-for'], 'told-for') * 1_000 }),
    log,
    onDamage,
    onRoomAgain,
  })
  const socket = socketPath(paths.root)
  const key = newKey()
  await writeTokenForEarlier(paths.root)
  const version = PEERFOLD_VERSION
  const processes = processSpace()
  const server = await PeerServer.listen({
    service: peer.service,
    socket,
    key,
    version,
    dataFolder: paths.root,
    onIdle,
    log,
  })
  await writeEndpoint(paths.root, {
    socket,
    pid: process.pid,
    version,
    protocol: PROTOCOL_VERSION,
    key,
    ...(processes === undefined ? {} : { processes }),
  })
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onIdle)
  log(`listening, pid ${process.pid}`)
}

main().catch(error => {
  log(`could not start: ${toUserError(error).message}`)
  process.exit(1)
})
