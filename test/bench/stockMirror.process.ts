/**
 * stockMirror.process.js publish <folder> <store> <bootstrap>        serves a drive until it is killed
 * stockMirror.process.js fetch <folder> <store> <bootstrap> <key>    ends when the folder is there
 *
 * Prints the drive's key when its work is done.
 */
import { createRequire } from 'node:module'
import type { NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import DHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'

/** What it does not matter to know more of: a drive on a disk, and a drive that can be mirrored. */
interface Mirrors {
  mirror(to: unknown, options?: { prune?: boolean }): { done(): Promise<unknown> }
}
type LocaldriveConstructor = new (folder: string) => Mirrors

async function main([
  task,
  folder = '',
  storage = '',
  bootstrap = '',
  key,
]: readonly string[]): Promise<void> {
  const Localdrive: LocaldriveConstructor = createRequire(`${process.env.PEERFOLD_BENCH_LOCALDRIVE}/`)(
    'localdrive',
  )
  const store = new Corestore(storage)
  const drive = new Hyperdrive(store, key === undefined ? null : Buffer.from(key, 'hex'))
  await drive.ready()
  const [host = '', port] = bootstrap.split(':')
  const swarm = new Hyperswarm({ dht: new DHT({ bootstrap: [{ host, port: Number(port) }] }) })
  swarm.on('connection', (stream: NoiseStream) => {
    stream.on('error', closesAsWell)
    store.replicate(stream)
  })
  const local = new Localdrive(folder)
  if (task === 'publish') {
    await local.mirror(drive).done()
    await swarm.join(drive.discoveryKey).flushed()
    console.log(drive.key.toString('hex'))
    return
  }
  const found = drive.findingPeers()
  swarm.join(drive.discoveryKey)
  swarm.flush().then(found, found)
  await drive.update({ wait: true })
  await mirrors(drive).mirror(local).done()
  console.log(drive.key.toString('hex'))
  process.exit(0)
}

/** Hyperdrive's own `mirror`, which our types do not name because the product does not use it. */
function mirrors(drive: object): Mirrors {
  if ('mirror' in drive && typeof drive.mirror === 'function') return drive as Mirrors
  throw new Error('this hyperdrive cannot mirror')
}

/** A connection that breaks also closes, and Hyperswarm listens to that. */
function closesAsWell(): void {}

main(process.argv.slice(2)).catch(error => {
  console.error(error)
  process.exit(1)
})
