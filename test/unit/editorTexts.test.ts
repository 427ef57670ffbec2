import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DrivePath, PeerId, ShareId } from '../../src/common/brand'
import { PeerfoldError } from '../../src/common/errors'
import { describePath, explainSearch, sharerName } from '../../src/common/explain'
import { describeLive, explainLive } from '../../src/common/explainLive'
import type {
  LiveCopyState,
  OpenedShareState,
  PathReason,
  PeerState,
  ShareState,
  TransferState,
} from '../../src/common/model'
import { folderName } from '../../src/editor/folderName'
import { pickerText, TOAST_LINE, toastButtons, toastText } from '../../src/editor/names'
import {
  describeOpened,
  describeOpenedAmong,
  describePeer,
  describeShare,
  describeTransfer,
  explainOpened,
  explainPeer,
  titleOfTransfer,
} from '../../src/editor/views/describe'
import { liveFacets, openedFacets, shareFacets, transferFacets } from '../../src/editor/views/facets'
import { statusText } from '../../src/editor/views/statusText'
import { projectRoot } from '../support/projectRoot'

const l10n = {
  t: (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d)\}/g, (_, at: string) => String(args[Number(at)])),
}
const id = 'y'.repeat(52) as ShareId
const noRates = { down: 0, up: 0 }

const share: ShareState = {
  id,
  name: 'notes',
  source: '/home/ann/notes',
  isFile: false,
  isPublic: false,
  status: { kind: 'sharing' },
  files: 3,
  bytes: 1_500,
  version: 4,
  skipped: {},
  peers: 3,
  rates: { down: 0, up: 2_100_000 },
}
const opened: OpenedShareState = {
  id,
  name: 'notes',
  fingerprint: 'abcd-efgh-ijkl',
  isFile: false,
  isPublic: false,
  status: { kind: 'connected' },
  contents: { version: 4, files: 3, bytes: 1_000 },
  bytesHere: 400,
  peers: 1,
  rates: noRates,
  stopped: false,
}
const transfer: TransferState = {
  id: 'job',
  kind: 'copy',
  share: id,
  name: 'notes',
  folder: '/home/bob/notes',
  status: { kind: 'running' },
  files: { done: 1, total: 3 },
  bytes: { done: 450, total: 1_000 },
  rate: 3_100_000,
  timeLeft: 12,
}
const state: PeerState = {
  revision: 1,
  me: { id: 'me' as PeerId, name: 'Ann' },
  network: { kind: 'online', firewalled: false },
  keepRunning: false,
  rates: noRates,
  shares: [share],
  opened: [],
  peers: [],
  transfers: [],
}

describe('what views say', () => {
  it('tells peers and speed of a share', () => {
    assert.equal(describeShare(share, l10n), '3 peers · ↑ 2.1 MB/s')
    assert.equal(describeShare({ ...share, peers: 0, rates: noRates }, l10n), 'no peers')
    const talk = { down: 68, up: 999 }
    assert.equal(describeShare({ ...share, rates: talk }, l10n), '3 peers')
    assert.equal(
      statusText({ kind: 'running' }, { ...state, rates: talk }, l10n)?.text,
      '$(broadcast) no peers',
    )
    assert.equal(describeShare({ ...share, status: { kind: 'stopped' } }, l10n), 'stopped')
    const gone = new PeerfoldError('source-vanished', share.source).toUserError()
    assert.equal(
      describeShare({ ...share, status: { kind: 'failed', error: gone } }, l10n),
      '“notes” is gone',
    )
  })

  it('tells what is here of an opened share while nobody is connected', () => {
    const offline = { ...opened, status: { kind: 'offline', why: 'nobody-announces' }, peers: 0 } as const
    assert.equal(describeOpened(opened, l10n), '1 peer')
    assert.equal(describeOpened(offline, l10n), 'offline · 40% here')
    assert.match(explainOpened(offline, l10n), /Nobody offers this share right now/)
    assert.match(explainOpened(offline, l10n), /Fingerprint: abcd-efgh-ijkl/)
    assert.equal(describeOpened({ ...offline, stopped: true }, l10n), 'disconnected · 40% here')
  })

  it('tells opened shares of one name apart', () => {
    const namesake = { ...opened, id: `b${'y'.repeat(51)}` as ShareId, name: opened.name.toUpperCase() }
    const another = { ...namesake, name: `${opened.name} 2` }
    assert.equal(describeOpenedAmong([opened, another], opened, l10n), '1 peer')
    assert.equal(describeOpenedAmong([opened, namesake], opened, l10n), '(yyyy) · 1 peer')
    assert.equal(describeOpenedAmong([opened, namesake], namesake, l10n), '(byyy) · 1 peer')
  })

  it('says why nobody is found, each reason in its own words', () => {
    const reasons = [
      'just-started',
      'bootstrap-unreachable',
      'nobody-announces',
      'cannot-connect',
      'no-answer',
    ] as const
    const said = new Set(reasons.map(why => explainSearch(why, l10n)))
    assert.equal(said.size, reasons.length)
  })

  it('tells how far a transfer is, and how it ended', () => {
    assert.equal(describeTransfer(transfer, l10n), '45% · 3.1 MB/s · 12 s left')
    assert.equal(describeTransfer({ ...transfer, rate: 68 }, l10n), '45% · 12 s left')
    const error = new PeerfoldError('stalled', 'notes').toUserError()
    assert.equal(
      describeTransfer({ ...transfer, status: { kind: 'paused', error } }, l10n),
      'waiting for a peer · 45%',
    )
    const result = {
      files: 3,
      bytes: 9,
      fetched: 9,
      skipped: [],
      skippedCount: 2,
      conflicts: [{ path: '/a', copy: '/b' }],
      warnings: [],
      stale: false,
    }
    assert.equal(
      describeTransfer({ ...transfer, status: { kind: 'done', result } }, l10n),
      '1 conflict · 2 skipped',
    )
    const changes = { added: 0, updated: 1, gone: 1 }
    assert.equal(
      describeTransfer({ ...transfer, status: { kind: 'done', result: { ...result, changes } } }, l10n),
      '1 conflict · 2 skipped · 1 updated, 1 no longer shared',
      'what needs the user comes first, where a narrow row still shows it',
    )
  })

  it('shows strangers’ names as text on one line', () => {
    const peer = {
      id: 'abc' as PeerId,
      name: 'eve\u001b[31m\n\u202etxt',
      transport: 'udx',
      blocked: false,
      shares: [],
      rates: noRates,
      downBytes: 0,
      upBytes: 0,
    } as const
    const [first] = explainPeer(peer, () => '', l10n).split('\n')
    assert.equal(first, 'eve\\u{1b}[31m\\u{a}\\u{202e}txt')
    const owner = { ...peer, shares: [id], owns: [id], rates: { down: 2_100_000, up: 0 } }
    const nameOf = () => 'no\u202etes'
    assert.equal(describePeer(owner, nameOf, l10n), 'owner of no\\u{202e}tes · ↓ 2.1 MB/s')
    assert.match(
      explainPeer(owner, nameOf, l10n),
      /\nOwner of no\\u\{202e\}tes, proven by the key of the share\n/,
    )
    assert.equal(describePeer({ ...peer, shares: [id] }, nameOf, l10n), '1 share in common')
    assert.equal(sharerName({ ...state, peers: [{ ...peer, shares: [id] }, owner] }, id, l10n), first)
    for (const peers of [[], [{ ...peer, shares: [id] }], [{ ...owner, name: ' ' }]])
      assert.equal(sharerName({ ...state, peers }, id, l10n), 'the sharer')
  })

  it('says over what a peer is connected, and why', () => {
    const said = (transport: 'udx' | 'tcp', path?: PathReason) =>
      describePath({ transport, ...(path === undefined ? {} : { path }) }, l10n)
    assert.equal(said('udx', 'only'), 'UDX, the only way')
    assert.equal(said('tcp', 'near'), 'TCP, short way')
    assert.equal(said('udx', 'first'), 'UDX, TCP not tried yet')
    assert.equal(said('tcp', 'first'), 'TCP, being tried')
    assert.equal(said('udx', 'faster'), 'UDX, measured faster')
    assert.equal(said('tcp'), 'TCP')
  })

  it('names what is fetched to be shown', () => {
    assert.equal(titleOfTransfer({ ...transfer, kind: 'read', name: 'plan.pdf' }, l10n), 'Fetching plan.pdf')
  })

  it('gives menus what they match on', () => {
    assert.equal(shareFacets(share), 'share:sharing:folder')
    assert.equal(openedFacets({ ...opened, stopped: true, isFile: true }, false), 'opened:stopped:file')
    assert.equal(openedFacets(opened, true), 'opened:connected:folder:copied')
    assert.equal(transferFacets(transfer), 'transfer:copy:running:folder')
    const { folder: _, ...withoutFolder } = transfer
    assert.equal(transferFacets(withoutFolder), 'transfer:copy:running')
  })
})

describe('the status bar item', () => {
  it('hides while nothing is shared, opened or moving', () => {
    assert.equal(statusText({ kind: 'off' }, undefined, l10n), undefined)
    assert.equal(statusText({ kind: 'running' }, { ...state, shares: [] }, l10n), undefined)
  })

  it('tells peers and speed, and shows a pin while sharing outlives the editor', () => {
    const shown = statusText(
      { kind: 'running' },
      { ...state, keepRunning: true, rates: { down: 2_100_000, up: 0 } },
      l10n,
    )
    assert.equal(shown?.text, '$(broadcast) no peers · ↓ 2.1 MB/s $(pinned)')
    assert.match(shown?.tooltip ?? '', /Sharing continues when VS Code closes/)
    assert.equal(shown?.command, 'peerfold.openDashboard')
  })

  it('warns while the network cannot be reached', () => {
    const network = { kind: 'unreachable', bootstrap: ['127.0.0.1:1'] } as const
    const shown = statusText({ kind: 'running' }, { ...state, network }, l10n)
    assert.match(shown?.text ?? '', /^\$\(warning\)/)
    assert.match(shown?.tooltip ?? '', /The network cannot be reached/)
  })

  it('is an error that leads to the log when the peer process cannot run', () => {
    const error = new PeerfoldError('store-locked', '/data').toUserError()
    const shown = statusText({ kind: 'failed', error }, undefined, l10n)
    assert.equal(shown?.isError, true)
    assert.equal(shown?.command, 'peerfold.showLog')
  })
})

describe('a folder that is kept in sync', () => {
  const copy: LiveCopyState = {
    id: 'live',
    share: id,
    path: '/' as DrivePath,
    folder: '/home/bob/no\u202etes',
    name: 'notes',
    status: { kind: 'in-step' },
    version: 4,
    conflictCount: 0,
    conflicts: [],
    deletedHere: 0,
    skippedCount: 0,
  }
  const full = new PeerfoldError('no-space', '/home/bob').toUserError()
  const question = { kind: 'removal', files: 3, of: 4 } as const
  const asking = {
    kind: 'asking',
    question,
    error: new PeerfoldError('live-removal', '3 files').toUserError(),
  } as const

  for (const [expected, change] of [
    ['in sync', {}],
    ['in sync, nobody online', { status: { kind: 'in-step', doubt: 'unheard' } }],
    ['in sync when its share was stopped', { status: { kind: 'in-step', doubt: 'stopped' } }],
    [
      'in sync, nobody online · 1 conflict',
      { status: { kind: 'in-step', doubt: 'unheard' }, conflictCount: 1 },
    ],
    ['in sync · 3 not written', { skippedCount: 3 }],
    ['in sync · 2 not written · 1 not to be had', { skippedCount: 3, absentCount: 1 }],
    ['in sync · 1 not to be had', { skippedCount: 1, absentCount: 1 }],
    ['fetching 12 of 40', { status: { kind: 'updating', files: { done: 12, total: 40 } } }],
    ['looking for changes…', { status: { kind: 'updating', files: { done: 0 } } }],
    ['2 conflicts', { conflictCount: 2 }],
    ['paused · 1 conflict', { status: { kind: 'paused' }, conflictCount: 1 }],
    ['paused: disk full', { status: { kind: 'waiting', error: full } }],
    ['waits for your decision', { status: asking }],
  ] as const) {
    it(`reads “${expected}”`, () => assert.equal(describeLive({ ...copy, ...change }, l10n), expected))
  }

  it('tells in the status bar what matters most of several, and warns when the user has to do something', () => {
    const shown = (...changes: Partial<LiveCopyState>[]) => {
      const live = changes.map(change => ({ ...copy, ...change }))
      return statusText({ kind: 'running' }, { ...state, live }, l10n)?.text
    }
    assert.equal(shown({}), '$(broadcast) no peers · in sync')
    assert.equal(shown({ status: { kind: 'paused' } }, {}), '$(broadcast) no peers · in sync')
    assert.equal(shown({ conflictCount: 1 }, { conflictCount: 2 }), '$(warning) no peers · 3 conflicts')
    assert.equal(
      shown({ conflictCount: 1 }, { status: asking }),
      '$(warning) no peers · waits for your decision',
    )
  })

  it('says in full what it waits for, and makes a stranger’s text harmless', () => {
    assert.match(
      explainLive({ ...copy, status: asking }, 'no\u202etes', l10n),
      /^Follows “no\\u\{202e\}tes”\nThe new version/,
    )
    assert.match(
      explainLive({ ...copy, deletedHere: 2, only: ['*.md'] }, 'x', l10n),
      /Only \*\.md\n.*\n.*left so: 2/,
    )
  })

  it('gives menus what they match on', () => {
    assert.equal(liveFacets(copy), 'live:in-step')
    assert.equal(
      liveFacets({ ...copy, status: asking, conflictCount: 1, deletedHere: 1 }),
      'live:asking:conflicts:deleted',
    )
  })
})

describe('a notification', () => {
  it('has a button where it is longer than the one line that VS Code would show of it', () => {
    const bundle = readFileSync(join(projectRoot, 'l10n', 'bundle.l10n.json'), 'utf8')
    const texts = Object.keys(JSON.parse(bundle)).map(toastText)
    assert.ok(texts.some(text => text.length > TOAST_LINE))
    for (const text of texts)
      assert.deepEqual(toastButtons(text, [], 'OK'), text.length > TOAST_LINE ? ['OK'] : [], text)
    assert.deepEqual(toastButtons('long '.repeat(40), ['Show Log'], 'OK'), ['Show Log'])
  })

  it('names what lies in the home folder as its owner does', () => {
    const { message } = new PeerfoldError('target-vanished', join(homedir(), 'shed', 'garden'))
    assert.equal(toastText(message), `“${join('~', 'shed', 'garden')}” is gone. Put it back, then retry.`)
    const other = new PeerfoldError('target-vanished', `${homedir()}2`).message
    assert.equal(toastText(other), other)
  })

  it('is shown by tell.ts alone, which gives it that button', () => {
    const editor = join(projectRoot, 'src', 'editor')
    const showing = readdirSync(editor, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .filter(file => /show(Information|Warning|Error)Message/.test(readFileSync(join(editor, file), 'utf8')))
    assert.deepEqual(showing.sort(), ['ask.ts', 'tell.ts'], 'ask.ts shows modal dialogs')
  })
})

describe('strangers’ names where characters have a meaning', () => {
  it('make no link in a toast and no icon in a picker', () => {
    assert.equal(toastText('[free](command:evil.run)'), '[free] (command:evil.run)')
    assert.equal(pickerText('$(check) verified'), '\\$(check) verified')
  })

  it('become the name of one ordinary folder', () => {
    assert.equal(folderName('My notes: 2024/25'), 'My notes 202425')
    assert.equal(folderName('../../etc'), 'etc')
    assert.equal(folderName('CON'), 'Share CON')
    assert.equal(folderName('nul.txt'), 'Share nul.txt')
    assert.equal(folderName('  . '), 'Shared folder')
    assert.equal(folderName('\u202egnp.exe. '), 'gnp.exe')
    assert.ok([...folderName('😀'.repeat(500))].length <= 60)
  })
})
