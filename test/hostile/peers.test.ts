/**
 * Peers that attack: they lie about blocks, stay silent, answer too slowly, flood, ask for ever, send what is no
 * message. Each meets the real peer process of somebody who is fetching a share, beside an honest peer. The share must
 * arrive, the process must live, and the attacker must be gone and stay away for a while.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import DHT from 'hyperdht'
import type Hyperdrive from 'hyperdrive'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import { peerIdOf } from '../../src/peer/keys'
import { candidates } from '../../src/peer/network/tcp'
import { attackGroup, attackGroups } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf, type RawPeer } from '../support/hostilePeer'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

attackGroups('hostile peers', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let bobKey: Buffer
  let attacker: HostilePeer
  let source: string
  let link: string
  let shareId: ShareId
  let drive: Hyperdrive

  before(async function () {
    this.timeout(90_000)
    source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(5_000_000),
      'small.txt': 'small',
    })
    ann = await people.process()
    const shared = await ann.share(source, true)
    link = shared.link
    shareId = shared.id
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const storage = temporaryFolder('bob')
    bob = await people.process({ storage })
    bobKey = publicKeyOf(storage)
    attacker = await HostilePeer.start(people.bootstrap)
    drive = await attacker.mirror(Buffer.from(parsed.link.key, 'hex'))
  })
  afterEach(async () => {
    for (const stream of attacker.streams.splice(0)) stream.destroy()
    // What was fetched goes with it, so that the next test fetches again.
    for (const { id } of (await bob.state()).opened) await bob.request('open.remove', { id })
  })
  after(() => attacker?.close())

  /** Bob has opened the share, found Ann, and can be connected to. */
  async function opened(): Promise<ShareId> {
    return bob.open(link)
  }

  async function assertArrives(id: ShareId): Promise<void> {
    const target = temporaryFolder('target')
    await bob.copy(id, target, 30_000)
    assert.deepEqual(await compareTrees(source, target), [])
  }

  interface Attack {
    readonly stream: NoiseStream
    readonly keyPair: KeyPair
    /** Resolves when the attacker is turned away and not listed any more. */
    readonly gone: () => Promise<void>
  }

  async function attack(): Promise<Attack> {
    const connected = await attacker.connect(bobKey)
    assert.ok(connected !== undefined)
    const { stream, keyPair } = connected
    const id = peerIdOf(keyPair.publicKey)
    const gone = async () => {
      await eventually('the attacker is turned away', () =>
        bob.process.stdout.some(line => line.includes(`peer ${id} is turned away`)),
      )
      await eventually(
        'it is not listed any more',
        async () => !(await bob.state()).peers.some(peer => peer.id === id),
      )
    }
    return { stream, keyPair, gone }
  }

  /** The attacker as one who has the share. */
  async function attackWithShare(id: ShareId): Promise<{ peer: RawPeer; gone: () => Promise<void> }> {
    const { stream, gone } = await attack()
    const peer = await attacker.replicate(drive, stream)
    await eventually('Bob takes it for one who has the share', async () => {
      const share = (await bob.state()).opened.find(share => share.id === id)
      return (share?.peers ?? 0) > 1
    })
    return { peer, gone }
  }

  attackGroup('peers that lie and stall', () => {
    it('corrupted blocks are not kept, who sent them is turned away, and the rest comes from another', async () => {
      const id = await opened()
      await ann.request('share.stop', { id: shareId })
      try {
        const { stream, keyPair, gone } = await attack()
        const peer = await attacker.replicate(drive, stream)
        const { wireData } = peer
        const send = wireData.send.bind(wireData)
        let corrupted = 0
        wireData.send = message => {
          if (message.block === null || message.block.value.length < 1_000) return send(message)
          corrupted++
          const value = Buffer.from(message.block.value)
          value[100] = (value[100] ?? 0) ^ 1
          return send({ ...message, block: { ...message.block, value } })
        }
        const target = temporaryFolder('target')
        const copying = bob.copy(id, target, 40_000)
        await gone()
        assert.ok(corrupted > 0)
        assert.ok(!(await attacker.isLetIn(bobKey, keyPair)), 'it could connect again')
        await ann.request('share.start', { id: shareId })
        await copying
        assert.deepEqual(await compareTrees(source, target), [])
      } finally {
        await ann.request('share.start', { id: shareId })
      }
    })

    const LIES: Record<string, (peer: RawPeer) => void> = {
      'that is false': ({ wireData }) => {
        const send = wireData.send.bind(wireData)
        wireData.send = message => {
          for (const node of message.hash?.nodes ?? []) node.hash[0] = (node.hash[0] ?? 0) ^ 1
          return send(message)
        }
      },
      'that never comes': peer => {
        const answer = peer.onrequest.bind(peer)
        peer.onrequest = async request => {
          if (!isForHash(request)) await answer(request)
        }
      },
    }
    for (const [what, lie] of Object.entries(LIES)) {
      it(`a hash ${what} takes nothing for here that is not`, async () => {
        const id = await opened()
        await ann.request('share.stop', { id: shareId })
        try {
          const { stream, gone } = await attack()
          lie(await attacker.replicate(drive, stream))
          const theirs = Buffer.from(await readFile(join(source, 'large.bin')))
          theirs[2_500_000] = (theirs[2_500_000] ?? 0) ^ 1
          const target = await makeTree(temporaryFolder('target'), { 'large.bin': theirs })
          const copying = bob.copy(id, target, 40_000)
          if (what === 'that is false') await gone()
          await ann.request('share.start', { id: shareId })
          const { conflicts } = await copying
          assert.ok((await readFile(join(target, 'large.bin'))).equals(theirs))
          const copied = await readFile(conflicts[0]?.copy ?? '')
          assert.ok(copied.equals(await readFile(join(source, 'large.bin'))))
        } finally {
          await ann.request('share.start', { id: shareId })
        }
      })
    }

    it('one that never answers does not hold up what another has', async () => {
      const id = await opened()
      const { peer } = await attackWithShare(id)
      peer.onrequest = async () => {}
      await assertArrives(id)
    })

    it('one that answers a byte a second does not hold up what another has', async () => {
      const id = await opened()
      const { peer } = await attackWithShare(id)
      peer.onrequest = async () => {}
      const dripping = setInterval(() => peer.extension('drip', Buffer.from([0])), 1_000)
      try {
        await assertArrives(id)
      } finally {
        clearInterval(dripping)
      }
    })

    it('one that asks for the same block for ever is turned away', async () => {
      const id = await opened()
      await assertArrives(id)
      const { peer, gone } = await attackWithShare(id)
      for (let request = 1; request < 200; request++) peer.wireRequest.send(requestFor(request, 3))
      await gone()
      await assertArrives(id)
    })

    it('one that makes thousands of requests and reads nothing is turned away', async () => {
      const id = await opened()
      await assertArrives(id)
      const { peer, gone } = await attackWithShare(id)
      peer.stream.pause()
      for (let request = 1; request < 12_000; request++)
        peer.wireRequest.send(requestFor(request, request % 5))
      await gone()
      await assertArrives(id)
    })

    it('one whose requests make no sense is turned away', async () => {
      const id = await opened()
      await assertArrives(id)
      const { peer, gone } = await attackWithShare(id)
      for (let request = 1; request < 40; request++) {
        const upgrade = { start: 2 ** 40, length: 2 ** 40 }
        peer.wireRequest.send({ ...requestFor(request, 3), block: null, upgrade })
      }
      await gone()
      await assertArrives(id)
    })

    const FAR = 2 ** 52
    const CLAIMS: Record<string, (peer: RawPeer) => void> = {
      'all blocks there could be': peer => peer.wireRange.send({ drop: false, start: 1, length: FAR }),
      'to have lost them all': peer => peer.wireRange.send({ drop: true, start: 1, length: FAR }),
      'one block far beyond': peer => {
        peer.wireRange.send({ drop: false, start: FAR, length: 1 })
        peer.wireRange.send({ drop: true, start: 5, length: FAR })
      },
      'a map of blocks far beyond': peer => {
        peer.wireBitfield.send({ start: 2 ** 51, bitfield: new Uint32Array(1_024).fill(0xffffffff) })
        peer.wireRange.send({ drop: true, start: 5, length: FAR })
      },
      'to want all blocks there could be': peer => {
        for (let start = 0; start < 100; start++) peer.wireWant.send({ start, length: FAR, any: false })
        peer.wireWant.send({ start: FAR, length: FAR, any: true })
      },
      'a log of endless length': peer =>
        peer.wireSync.send({
          fork: 0,
          length: FAR,
          remoteLength: 0,
          canUpgrade: true,
          uploading: true,
          downloading: true,
          hasManifest: true,
          allowPush: false,
        }),
      'another fork': peer =>
        peer.wireSync.send({
          fork: 1_000,
          length: 10,
          remoteLength: 0,
          canUpgrade: true,
          uploading: true,
          downloading: true,
          hasManifest: true,
          allowPush: false,
        }),
    }
    it('one that claims millions of blocks and takes it back, again and again, holds up nobody', async () => {
      const id = await opened()
      const { peer } = await attackWithShare(id)
      const length = 2 ** 24
      for (let turn = 0; turn < 30; turn++) {
        peer.wireRange.send({ drop: false, start: 0, length })
        peer.wireRange.send({ drop: true, start: 2, length: 1 })
        peer.wireRange.send({ drop: true, start: 1, length })
        peer.wireRange.send({ drop: false, start: 1, length })
        peer.wireBitfield.send({ start: 32, bitfield: new Uint32Array(2 ** 16).fill(turn) })
      }
      let longest = 0
      for (let asked = 0; asked < 30; asked++) {
        const began = performance.now()
        await bob.state()
        longest = Math.max(longest, performance.now() - began)
      }
      assert.ok(longest < 2_000, `it answered after ${Math.round(longest)} ms`)
      await assertArrives(id)
      await assertSmall()
    })

    for (const [what, claim] of Object.entries(CLAIMS)) {
      it(`one that claims ${what} costs neither memory nor time`, async () => {
        const id = await opened()
        const { peer } = await attackWithShare(id)
        claim(peer)
        await assertArrives(id)
        await assertSmall()
      })
    }
  })

  attackGroup('peers that talk nonsense', () => {
    const SENTENCES: Record<string, (stream: NoiseStream) => void> = {
      'half a message': stream => stream.write(Buffer.from([0, 1, 5, 200])),
      'an answer to what was never asked': stream => stream.write(Buffer.from([0, 2, 99])),
      'channels that nobody knows, ten thousand of them': stream => {
        const mux = attacker.muxOf(stream)
        for (let count = 0; count < 10_000; count++)
          mux.createChannel({ protocol: `unknown/${count}` })?.open()
      },
      'a hello of the wrong types': stream =>
        say(stream, { type: 'hello', name: { length: 1e9 }, tcp: [] }, 'text'),
      'a hello without end': stream => say(stream, { type: 'hello', name: 'x'.repeat(1_000_000), tcp: null }),
      'a hundred hellos': stream =>
        say(stream, ...Array.from({ length: 100 }, () => ({ type: 'hello', name: 'x', tcp: null }))),
      'null, numbers and lists': stream => say(stream, null, 7, [], [[]], 'hello', true),
      'JSON that is none': stream => {
        const { control } = channel(stream, c.raw)
        control?.send(Buffer.from('{"type":'))
      },
      'a message of 15 MB': stream => {
        const { control } = channel(stream, c.raw)
        control?.send(Buffer.alloc(15_000_000, 0x20))
      },
    }
    for (const [what, speak] of Object.entries(SENTENCES)) {
      it(`${what}: the share arrives from another, and who said it is turned away`, async () => {
        const id = await opened()
        const { stream, gone } = await attack()
        speak(stream)
        await assertArrives(id)
        await gone()
        await assertSmall()
      })
    }

    it('bytes of no protocol are passed over', async () => {
      const id = await opened()
      const { stream } = await attack()
      for (let count = 0; count < 200; count++) stream.write(Buffer.from(randomBytes(500, count)))
      await assertArrives(id)
      await assertSmall()
    })

    it('a hello with a hostile name is shown as text and nothing else', async () => {
      await opened()
      const { stream } = await attack()
      say(stream, {
        type: 'hello',
        name: '\u001b[2J<img src=x>\u202e\0$(bell)'.padEnd(3_000, 'x'),
        tcp: null,
      })
      let name = ''
      await eventually('the name is known', async () => {
        name = (await bob.state()).peers.find(peer => peer.name !== '')?.name ?? ''
        return name !== ''
      })
      assert.ok(name.length < 200)
      assert.doesNotMatch(name, /[\p{Cc}\u202a-\u202e]/u)
    })
  })

  attackGroup('peers that come in crowds', () => {
    it('a flood of connections from one address leaves room for others', async () => {
      const id = await opened()
      const crowd = await Promise.all(
        Array.from({ length: 60 }, () => attacker.connect(bobKey).catch(() => undefined)),
      )
      assert.ok(crowd.length === 60)
      await eventually('most are refused', async () => (await bob.state()).peers.length <= 24)
      await assertArrives(id)
      assert.ok(bob.process.stdout.some(line => line.includes('too many have not shown where they are')))
    })

    it('one that connects again and again is not listened to', async () => {
      const id = await opened()
      const keyPair = DHT.keyPair()
      for (let count = 0; count < 60; count++) {
        const connected = await attacker.connect(bobKey, keyPair)
        connected?.stream.destroy()
      }
      assert.ok(bob.process.stdout.some(line => line.includes('connects again and again')))
      await assertArrives(id)
    })

    it('a crowd of silent TCP connections from one address keeps nobody else from TCP', async () => {
      const port = await tcpPortOf(bob)
      const crowd = new Set<Socket>()
      let isHeld = true
      /** Connects, and again as soon as it is cut off. */
      const hold = (): Promise<void> =>
        new Promise(resolve => {
          const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
          crowd.add(socket)
          socket.once('connect', () => resolve())
          socket.on('error', () => {})
          socket.once('close', () => {
            crowd.delete(socket)
            if (isHeld) hold().catch(() => {})
            resolve()
          })
        })
      await Promise.all(Array.from({ length: 32 }, hold))
      try {
        for (let count = 0; count < 5; count++) {
          const socket = connect({ port, host: '127.0.0.1' })
          const made: unknown = new NoiseSecretStream(true, socket, {
            keyPair: DHT.keyPair(),
            remotePublicKey: bobKey,
            pattern: 'IK',
          })
          const stream = made as NoiseStream
          stream.on('error', () => {})
          const closed = new Promise<false>(resolve => stream.once('close', () => resolve(false)))
          assert.ok(await Promise.race([stream.opened, closed]), 'the handshake was cut off')
          stream.destroy()
        }
      } finally {
        isHeld = false
        for (const socket of crowd) socket.destroy()
      }
    })

    it('who only opens TCP connections and says nothing is cut off, and the others are not', async () => {
      const port = await tcpPortOf(bob)
      const sockets = Array.from({ length: 100 }, () =>
        connect({ port, host: '127.0.0.1' }).on('error', () => {}),
      )
      const closed = sockets.map(
        socket => new Promise<void>(resolve => socket.once('close', () => resolve())),
      )
      const id = await opened()
      await assertArrives(id)
      await Promise.all(closed)
    })

    it('who sends anything but a handshake over TCP is cut off', async () => {
      const port = await tcpPortOf(bob)
      const texts = ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(100_000), '\xff\xff\xff'.repeat(1_000)]
      const closed = texts.map(async bytes => {
        const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
        socket.write(Buffer.from(bytes, 'latin1'))
        await new Promise<void>(resolve => socket.once('close', () => resolve()))
      })
      await assertArrives(await opened())
      await Promise.all(closed)
    })

    it('an address that is somebody else’s is never tried', () => {
      const others = ['198.51.100.7', '127.0.0.1', '::1', 'example.com', '169.254.169.254', '0.0.0.0', '']
      assert.deepEqual(candidates({ port: 22, addresses: others }, '203.0.113.9', false), ['203.0.113.9'])
      assert.deepEqual(candidates({ port: 22, addresses: others }, '203.0.113.9', true), ['203.0.113.9'])
      assert.deepEqual(candidates({ port: 22, addresses: others }, 'example.com', true), [])
      assert.deepEqual(candidates({ port: 22, addresses: others }, null, true), [])
    })
  })

  attackGroup('peers that the user blocks', () => {
    it('are gone at once, and come back only when they are let in', async () => {
      await opened()
      const connected = await attacker.connect(bobKey)
      assert.ok(connected)
      const { stream, keyPair } = connected
      const peer = peerIdOf(keyPair.publicKey)
      await eventually('it is listed', async () => (await bob.state()).peers.some(({ id }) => id === peer))
      const closed = new Promise<void>(resolve => stream.once('close', () => resolve()))
      await bob.request('peer.block', { peer })
      await closed
      assert.ok(!(await attacker.isLetIn(bobKey, keyPair)))
      await bob.request('peer.unblock', { peer })
      await eventually('it is let in', () => attacker.isLetIn(bobKey, keyPair))
    })
  })

  function channel(
    stream: NoiseStream,
    encoding: unknown,
  ): { control: { send(value: unknown): boolean } | undefined } {
    const made = attacker.muxOf(stream).createChannel({ protocol: 'peerfold/1' })
    const control = made?.addMessage<unknown>({ encoding })
    made?.open()
    return { control }
  }

  function say(stream: NoiseStream, ...messages: unknown[]): void {
    const { control } = channel(stream, c.json)
    for (const message of messages) control?.send(message)
  }

  function requestFor(id: number, index: number): Record<string, unknown> {
    const nothing = { hash: null, seek: null, upgrade: null, manifest: false }
    return { id, fork: 0, block: { index, nodes: 0 }, priority: 0, ...nothing }
  }

  /** Bob's memory is what it should be, and he answers. */
  async function assertSmall(): Promise<void> {
    const { readFileSync } = await import('node:fs')
    if (process.platform !== 'linux') return
    const status = readFileSync(`/proc/${bob.process.pid}/status`, 'utf8')
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    assert.ok(kilobytes < 600_000, `${kilobytes} kB`)
    await bob.request(
      'fs.list',
      { id: (await bob.state()).opened[0]?.id as ShareId, path: '/' as DrivePath },
      5_000,
    )
  }

  async function tcpPortOf(peer: PeerProcess): Promise<number> {
    await opened()
    const { readdirSync, readFileSync, readlinkSync } = await import('node:fs')
    const inodes = readdirSync(`/proc/${peer.process.pid}/fd`).flatMap(fd => {
      try {
        return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${peer.process.pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return [] // closed meanwhile
      }
    })
    for (const file of ['tcp', 'tcp6']) {
      for (const line of readFileSync(`/proc/net/${file}`, 'utf8').split('\n').slice(1)) {
        const fields = line.trim().split(/\s+/)
        if (fields[3] === '0A' && inodes.includes(fields[9] ?? ''))
          return Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
      }
    }
    throw new Error('it does not listen')
  }
})

function isForHash(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'hash' in request && request.hash !== null
}
