/** What a window does by itself about the peer process: what it sends, and when it joins. */
import assert from 'node:assert/strict'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PeerfoldError } from '../../src/common/errors'
import { english } from '../../src/common/localizer'
import type { PeerProcessStatus } from '../../src/editor/peerProcess'
import { Resume } from '../../src/editor/resume'
import { sentSettings } from '../../src/editor/sentSettings'
import { temporaryFolder } from '../support/folders'

describe('the settings a window sends', () => {
  const plain = { displayName: 'Zoë', ignore: ['*.log'], directTcp: true, limits: {} }

  it('travel one by one, so that none takes another with it', () => {
    const { requests, problems } = sentSettings(plain, english)
    assert.deepEqual(requests, [{ name: 'Zoë' }, { ignore: ['*.log'] }, { directTcp: true }, { limits: {} }])
    assert.deepEqual(problems, [])
  })

  it('are cut to what is taken, which is said', () => {
    const ignore = ['a', 'x'.repeat(1_001), ...Array.from({ length: 1_000 }, (_, at) => `${at}`)]
    const { requests, problems } = sentSettings({ ...plain, displayName: 'ü🙂'.repeat(30), ignore }, english)
    assert.equal(requests[0]?.name, `${'ü🙂'.repeat(21)}ü`)
    assert.equal(requests[1]?.ignore?.length, 1_000)
    assert.ok(requests[1]?.ignore?.every(pattern => pattern.length < 1_001))
    assert.equal(problems.length, 3)
  })
})

describe('a window that started nothing', () => {
  /** A peer process as a window sees it; counts how often it is joined, and must not be started. */
  const makeWindow = () => {
    const dataFolder = temporaryFolder('window')
    const endpointPath = join(dataFolder, 'endpoint.json')
    const catalogPath = join(dataFolder, 'catalog')
    let joins = 0
    let join_ = async () => true
    let status: PeerProcessStatus = { kind: 'off' }
    const peer = {
      dataFolder,
      endpointPath,
      catalogPath,
      get status() {
        return status
      },
      start: () => assert.fail('it started a process'),
      join: () => {
        joins++
        return join_()
      },
    }
    const memory = { get: () => undefined, update: async () => {}, keys: () => [] }
    const model = { state: undefined, onDidChange: () => ({ dispose: () => {} }) }
    const resume = new Resume(memory, peer, model)
    return {
      resume,
      joins: () => joins,
      answers: (join: () => Promise<boolean>) => {
        join_ = join
      },
      is: (kind: 'off' | 'ended' | 'running') => {
        status = { kind }
      },
      announce: (seconds: number) => {
        writeFileSync(endpointPath, '{}')
        utimesSync(endpointPath, seconds, seconds)
      },
    }
  }
  let window: ReturnType<typeof makeWindow>
  beforeEach(() => {
    window = makeWindow()
  })
  afterEach(() => window.resume.dispose())

  it('joins what another one started, also after an end', async () => {
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 0)
    window.announce(1)
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 1)
    window.is('ended')
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 2)
    window.is('running')
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 2)
  })

  it('leaves alone what a crash left over, until a process announces itself anew', async () => {
    window.announce(1)
    window.answers(async () => false)
    await window.resume.joinIfRunning()
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 1)
    window.announce(2)
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 2)
  })

  it('takes a refusal in silence, and does not ask again', async () => {
    window.announce(1)
    window.answers(() => Promise.reject(new PeerfoldError('bootstrap-differs', '127.0.0.1:1')))
    await window.resume.joinIfRunning()
    await window.resume.joinIfRunning()
    assert.equal(window.joins(), 1)
  })
})
