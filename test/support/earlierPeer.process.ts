/**
 * A peer process of Peerfold 0.3.0 as far as others see it: it holds the lock, listens where its endpoint file says,
 * waits for a `hello` with its token, and ends in order when it is asked to by a signal.
 * Arguments: the data folder, the socket. Says `listening` first, `asked` when it gets the signal, and what it was
 * sent, in hex.
 */
import { openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'

const [storage = '', socket = ''] = process.argv.slice(2)
if (!tryLock(openSync(join(storage, 'lock'), 'a+', 0o600))) throw new Error('another has the lock')
const endpoint = join(storage, 'endpoint.json')

process.umask(0o077)
const server = createServer(client => {
  client.on('error', () => {}) // closing follows
  client.on('data', part => console.log(`sent ${part.toString('hex')}`))
})
server.listen(socket, () => {
  writeFileSync(join(storage, 'token'), `${'a'.repeat(64)}\n`)
  writeFileSync(endpoint, `${JSON.stringify({ socket, pid: process.pid, version: '0.3.0' })}\n`)
  console.log('listening')
})
process.on('SIGTERM', () => {
  console.log('asked')
  rmSync(endpoint)
  process.exit(0)
})
