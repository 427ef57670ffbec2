/**
 * A peer process of an earlier version as far as others see it: it holds the lock, listens where its endpoint file says,
 * and ends in order when it is asked to. With a key it proves itself and is asked over its socket, in its own protocol.
 * Without a key it is one of Peerfold 0.3.0, which proves nothing and is asked by a signal.
 * Arguments: the data folder, the socket, the key. It prints `listening` first, `asked` when it gets the signal, `stop`
 * and the parameters when it is asked over the socket, and as 0.3.0 `sent` and what it was sent, in hex.
 */
import { openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import { PROTOCOL_VERSION } from '../../src/common/protocol'
import { isSameProof, newNonce, proofOf } from '../../src/wire/challenge'
import { acceptConnection, type Handlers } from '../../src/wire/connection'

const [storage = '', socket = '', key] = process.argv.slice(2)
const protocol = PROTOCOL_VERSION - 1
if (!tryLock(openSync(join(storage, 'lock'), 'a+', 0o600))) throw new Error('another has the lock')
const endpoint = join(storage, 'endpoint.json')

function end(): void {
  rmSync(endpoint)
  process.exit(0)
}

process.umask(0o077)
const server = createServer(client => {
  if (key !== undefined) return answer(client, key)
  client.on('error', () => {}) // closing follows
  client.on('data', part => console.log(`sent ${part.toString('hex')}`))
})
server.listen(socket, () => {
  writeFileSync(join(storage, 'token'), `${'a'.repeat(64)}\n`)
  const own = key === undefined ? {} : { key, protocol }
  writeFileSync(endpoint, `${JSON.stringify({ socket, pid: process.pid, version: '0.3.0', ...own })}\n`)
  console.log('listening')
})
process.on('SIGTERM', () => {
  console.log('asked')
  end()
})

function answer(client: Socket, key: string): void {
  let expected: Uint8Array | undefined
  let isWelcome = false
  const connection = acceptConnection(client)
  const handlers: Partial<Handlers> = {
    challenge: async ({ protocol: said, nonce }) => {
      if (said !== protocol) throw new Error('another protocol')
      const meeting = { protocol, socket, clientNonce: nonce, peerNonce: newNonce() }
      expected = proofOf('client', key, meeting)
      return { nonce: meeting.peerNonce, proof: proofOf('peer', key, meeting) }
    },
    hello: async ({ proof }) => {
      isWelcome = proof !== undefined && expected !== undefined && isSameProof(proof, expected)
      if (!isWelcome) throw new Error('the proof is wrong')
      connection.trust()
      return { protocol, version: '0.3.0', pid: process.pid, state: {} as never }
    },
    'process.stop': async params => {
      if (!isWelcome) throw new Error('say hello first')
      console.log(`stop ${JSON.stringify(params)}`)
      setImmediate(end)
      return null
    },
  }
  connection.handle(handlers as Handlers)
}
