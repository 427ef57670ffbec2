/** Peers that keep others from the newest version by what they do not say, or say and cannot prove. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hyperdrive from 'hyperdrive'
import type { PeerId, ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import { peerIdOf } from '../../src/peer/keys'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf, type RawPeer } from '../support/hostilePeer'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

/** Milliseconds: two seconds, and what a busy machine takes. */
const AT_MOST = 4_000

attackGroup('peers that keep others from the newest version', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let bobKey: Buffer
  let attacker: HostilePeer
  let source: string
  let link: string
  let id: ShareId
  let drive: Hyperdrive

  beforeEach(async () => {
    source = await makeTree(temporaryFolder('source'), { 'a.txt': 'before' })
    ann = await people.process()
    ;({ id, link } = await ann.share(source, true))
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const storage = temporaryFolder('bob')
    bob = await people.process({ storage })
    bobKey = publicKeyOf(storage)
    attacker = await HostilePeer.start(people.bootstrap)
    drive = await attacker.mirror(Buffer.from(parsed.link.key, 'hex'))
    await attacker.hideMirror()
    await bob.open(link)
    await bob.read(id, '/a.txt')
  })
  afterEach(async () => {
    await Promise.all([bob.stop(), ann.stop(), attacker.close()])
  })

  /** The attacker as one who has the share. */
  const attack = async (): Promise<PeerId> => {
    const connected = await attacker.connect(bobKey)
    assert.ok(connected !== undefined)
    const added = new Promise(resolve => drive.core.once('peer-add', resolve))
    attacker.muxOf(connected.stream)
    void attacker.replicate(drive, connected.stream)
    await added
    await eventually('Bob takes it for one who has the share', async () => {
      return ((await bob.state()).opened.find(share => share.id === id)?.peers ?? 0) > 1
    })
    return peerIdOf(connected.keyPair.publicKey)
  }

  const ask = async () => {
    const begun = performance.now()
    const answer = await bob.request('open.ready', { id, newest: true, timeout: 20_000 })
    return { ...answer, took: performance.now() - begun }
  }

  const publish = async (content: string) => {
    await writeFile(join(source, 'a.txt'), content)
    await ann.rescan(id)
  }

  const annGoes = async () => {
    await ann.stop()
    await eventually('Ann is gone', async () => {
      return (await bob.state()).opened.find(share => share.id === id)?.peers === 1
    })
  }

  it('one that never says what it has delays two seconds, once, and is named, unless the owner has told', async () => {
    Object.assign(drive.core.core, { _repairMode: true }) // in which Hypercore tells nobody its length
    const mute = await attack()
    const first = await ask()
    assert.deepEqual([first.stale, first.silent], [false, []])
    await publish('after')
    assert.ok((await ask()).took < AT_MOST)
    assert.equal(String(await bob.read(id, '/a.txt')), 'after')
    await annGoes()
    const { took, stale, silent } = await ask()
    assert.ok(took < AT_MOST, `took ${took} ms`)
    assert.deepEqual([stale, silent?.map(peer => peer.id)], [true, [mute]])
    const again = await ask()
    assert.ok(again.took < 1_000, `took ${again.took} ms the second time`)
    assert.deepEqual(
      again.silent?.map(peer => peer.id),
      [mute],
    )
  })

  for (const [how, answers] of [
    ['and does not answer', false],
    ['and says that it has it not', true],
  ] as const)
    it(`one that claims ten blocks more than there are ${how} delays no longer, and keeps nobody from the newest`, async () => {
      drive.core.on('peer-add', (peer: RawPeer) => {
        const send = peer.wireSync.send.bind(peer.wireSync)
        peer.wireSync.send = message => send({ ...Object(message), length: drive.core.length + 10 })
        if (!answers) peer.onrequest = async () => {}
        peer.sendSync()
      })
      const liar = await attack()
      assert.deepEqual((await ask()).silent, [])
      await publish('after')
      const { took } = await ask()
      assert.ok(took < AT_MOST, `took ${took} ms`)
      assert.equal(String(await bob.read(id, '/a.txt')), 'after')
      await annGoes()
      const last = await ask()
      assert.ok(last.took < AT_MOST, `took ${last.took} ms`)
      assert.deepEqual(
        last.silent?.map(peer => peer.id),
        [liar],
      )
    })
})
