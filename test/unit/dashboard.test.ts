import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type DashboardState, HISTORY_SECONDS, isFromDashboard } from '../../src/common/dashboardMessages'
import { PeerfoldError } from '../../src/common/errors'
import type { PeerState } from '../../src/common/model'
import { announcements } from '../../src/dashboard/announce'
import { l10n, useTranslations } from '../../src/dashboard/l10n'
import { type Markup, textOf } from '../../src/dashboard/markup'
import { page } from '../../src/dashboard/page'
import {
  openedSentence,
  shareSentence,
  transferSentence,
  transferStateWord,
} from '../../src/dashboard/sentences'
import { chartSentence, linePath, niceCeiling } from '../../src/dashboard/views/chart'
import { commandFor } from '../../src/editor/dashboard/actions'
import { dashboardHtml, makeNonce } from '../../src/editor/dashboard/html'
import { RateHistory } from '../../src/editor/dashboard/rateHistory'
import {
  attacks,
  busyState,
  hostileState,
  message,
  openedShare,
  peerId,
  quietState,
  remotePeer,
  share,
  shareId,
  transfer,
  transferResult,
} from '../ui/dashboardStates'

describe('messages of the dashboard', () => {
  it('takes only actions it knows, with ids that are plain', () => {
    const good = [
      { type: 'ready' },
      { type: 'action', action: { name: 'share-folder' } },
      { type: 'action', action: { name: 'copy-link', share: shareId(1) } },
      { type: 'action', action: { name: 'cancel-transfer', transfer: 'a_b-1' } },
      { type: 'action', action: { name: 'block-peer', peer: peerId(1) } },
      { type: 'action', action: { name: 'solve-conflicts', live: 'a_b-1' } },
    ]
    for (const sent of good) assert.equal(isFromDashboard(sent), true, JSON.stringify(sent))
    const bad = [
      undefined,
      'ready',
      [],
      { type: 'run', command: 'workbench.action.terminal.new' },
      { type: 'action' },
      { type: 'action', action: { name: 'toString' } },
      { type: 'action', action: { name: 'copy-link' } },
      { type: 'action', action: { name: 'copy-link', share: '../../etc' } },
      { type: 'action', action: { name: 'block-peer', peer: 'x'.repeat(65) } },
      { type: 'action', action: { name: 'cancel-transfer', transfer: ['a'] } },
    ]
    for (const sent of bad) assert.equal(isFromDashboard(sent), false, JSON.stringify(sent))
  })

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), value => {
        assert.equal(isFromDashboard({ type: 'action', action: value }), false)
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('what a click means', () => {
  it('is a command with the id of something that is there', () => {
    const [own, foreign] = [shareId(1), shareId(11)]
    const commands = [
      commandFor({ name: 'stop-share', share: own }, busyState),
      commandFor({ name: 'stop-share', share: foreign }, busyState),
      commandFor({ name: 'start-share', share: foreign }, busyState),
      commandFor({ name: 'retry-transfer', transfer: 'copy-2' }, busyState),
      commandFor({ name: 'unblock-peer', peer: peerId(4) }, busyState),
      commandFor({ name: 'share-folder' }, undefined),
      commandFor({ name: 'solve-conflicts', live: 'live-3' }, busyState),
      commandFor({ name: 'decide-sync', live: 'live-4' }, busyState),
    ]
    assert.deepEqual(commands, [
      { command: 'peerfold.stopShare', args: [own] },
      { command: 'peerfold.stopOpened', args: [foreign] },
      { command: 'peerfold.startOpened', args: [foreign] },
      { command: 'peerfold.retry', args: ['copy-2'] },
      { command: 'peerfold.unblockPeer', args: [peerId(4)] },
      { command: 'peerfold.shareFolder', args: [] },
      { command: 'peerfold.reviewConflicts', args: ['live-3'] },
      { command: 'peerfold.decideSync', args: ['live-4'] },
    ])
  })

  it('is nothing for what is gone', () => {
    assert.equal(commandFor({ name: 'copy-link', share: shareId(99) }, busyState), undefined)
    assert.equal(commandFor({ name: 'cancel-transfer', transfer: 'copy-1' }, quietState), undefined)
    assert.equal(commandFor({ name: 'pause-sync', live: 'live-1' }, quietState), undefined)
    assert.equal(commandFor({ name: 'block-peer', peer: peerId(1) }, undefined), undefined)
  })
})

describe('the page of the dashboard', () => {
  it('shows everything of a busy state as text', () => {
    const text = textOfPage(message(busyState))
    for (const { name } of [
      ...busyState.shares,
      ...busyState.opened,
      ...busyState.peers,
      ...busyState.transfers,
      ...(busyState.live ?? []),
    ])
      assert.ok(text.includes(name), name)
  })

  it('shows folders in sync with what they stand for, and no section where there are none', () => {
    const text = textOfPage(message(busyState))
    for (const words of [
      'Folders in Sync',
      'in sync',
      'fetching 12 of 40',
      '2 conflicts',
      '/mnt/stick/slides',
    ])
      assert.ok(text.includes(words), words)
    assert.ok(text.includes('it would take 18 files away here'))
    assert.ok(!textOfPage(message(quietState)).includes('Folders in Sync'))
  })

  it('makes what could deceive visible, wherever a stranger can name something', () => {
    const text = textOfPage(message(hostileState))
    assert.ok(text.includes('invoice\\u{202e}gnp.exe'))
    assert.ok(text.includes('\\u{1b}[31mred'))
    assert.ok(!text.includes(attacks.bidi) && !text.includes('\u001b'))
  })

  it('has a name for every button that acts on one of many things', () => {
    for (const button of buttonsOf(message(busyState))) {
      const { action } = button.attributes
      assert.ok(action, textOf(button))
      const label = button.attributes['aria-label']
      if (Object.keys(action).length > 1) assert.ok(label?.startsWith(`${textOf(button)}: `), textOf(button))
    }
  })

  it('offers nothing that a share or transfer in its state cannot do', () => {
    const names = (changes: Partial<PeerState>) =>
      buttonsOf(message({ ...quietState, ...changes })).map(button => button.attributes.action?.name)
    const stopped = names({ shares: [share(1, { status: { kind: 'stopped' } })] })
    assert.ok(stopped.includes('start-share') && !stopped.includes('stop-share'))
    const done = names({ transfers: [transfer('a', { status: { kind: 'done', result: transferResult } })] })
    assert.ok(!done.includes('cancel-transfer') && !done.includes('retry-transfer'))
    assert.ok(done.includes('clear-transfers'))
    const error = { code: 'io-failed', message: 'It broke.' } as const
    const broken = names({ shares: [share(1, { status: { kind: 'failed', error } })] })
    assert.ok(broken.includes('start-share') && broken.includes('stop-share'))
    const failed = names({ transfers: [transfer('a', { kind: 'copy', status: { kind: 'failed', error } })] })
    assert.ok(failed.includes('retry-transfer'))
    for (const status of [{ kind: 'paused', error }, { kind: 'cancelled' }] as const)
      assert.ok(!names({ transfers: [transfer('a', { status })] }).includes('retry-transfer'), status.kind)
    const importing = names({
      transfers: [transfer('a', { kind: 'import', status: { kind: 'failed', error } })],
    })
    assert.ok(!importing.includes('retry-transfer'))
    const connected = names({ opened: [openedShare(1)] })
    assert.ok(!connected.includes('find-peers'))
  })

  it('shows a hundred of a list and says how many more there are', () => {
    const shares = Array.from({ length: 137 }, (_, seed) => share(seed, { name: `share ${seed}` }))
    const text = textOfPage(message({ ...quietState, shares }))
    assert.ok(text.includes('share 99') && !text.includes('share 100'))
    assert.ok(text.includes('… and 37 more'))
  })

  it('says why there is nothing while the peer process does not run', () => {
    const sent = { ...message(null), history: { down: [], up: [] } }
    assert.match(textOfPage({ ...sent, process: 'failed' }), /could not start.*Try Again.*Show Log/s)
    assert.match(textOfPage({ ...sent, process: 'ended' }), /Peerfold is stopped.*Start Again/s)
    assert.match(textOfPage({ ...sent, process: 'starting' }), /Starting…/)
  })

  it('speaks the language whose texts it was given', () => {
    useTranslations({ '{0} files': '{0} Dateien', Shares: 'Freigaben' })
    try {
      assert.match(textOfPage(message(busyState)), /Freigaben.*1,204 Dateien/s)
      assert.equal(l10n.t('toString'), 'toString')
    } finally {
      useTranslations({})
    }
    assert.match(textOfPage(message(busyState)), /1,204 files/)
  })
})

describe('sentences of the dashboard', () => {
  it('tell who has a share, or why nobody does', () => {
    assert.equal(shareSentence(share(1, { peers: 1 })), 'Shared with 1 peer now.')
    assert.equal(shareSentence(share(1, { peers: 0 })), 'Shared. Nobody is connected now.')
    assert.match(openedSentence(openedShare(1)), /^All of it is here/)
    const offline = openedShare(1, { bytesHere: 0, status: { kind: 'offline', why: 'cannot-connect' } })
    assert.match(openedSentence(offline), /^Nobody is connected\. .*firewall/)
    const searching = openedShare(1, { status: { kind: 'searching', why: 'bootstrap-unreachable' } })
    assert.match(openedSentence(searching), /bootstrap/)
    assert.match(openedSentence({ ...searching, stopped: true }), /^Disconnected/)
  })

  it('call who has no name as everywhere else, and mark who owns a share', () => {
    const silent = [{ id: peerId(5), name: '' }]
    const done = transfer('a', { status: { kind: 'done', result: { ...transferResult, silent } } })
    const nameless = `Peer ${peerId(5).slice(0, 8)}…`
    assert.ok(transferSentence(done).includes(`newer version: ${nameless} did not answer`))
    const owner = remotePeer(5, { name: '', shares: [shareId(1), shareId(11)], owns: [shareId(11)] })
    const state = { ...quietState, shares: [share(1)], opened: [openedShare(11)], peers: [owner] }
    const text = textOfPage(message(state))
    assert.ok(text.includes(nameless) && text.includes('holiday photos, thesis (owner)'), text)
    const me = { id: peerId(5), name: '' }
    assert.ok(textOfPage(message({ ...state, me })).includes(`Others see you as “${nameless}”.`))
  })

  it('say what a transfer waits for', () => {
    const paused = (code: 'stalled' | 'no-space') =>
      transfer('a', { status: { kind: 'paused', error: new PeerfoldError(code, '/x').toUserError() } })
    assert.equal(transferStateWord(paused('stalled')), 'Waiting for a peer')
    assert.equal(transferStateWord(paused('no-space')), 'Waiting')
    assert.equal(transferSentence(paused('stalled')).split('. ')[0], 'Nobody online has the rest')
  })

  it('tell what became of a transfer, and what to look at', () => {
    const result = {
      ...transferResult,
      skippedCount: 2,
      conflicts: [{ path: '/a', copy: '/b' }],
      warnings: ['tasks.json'],
      stale: true,
    }
    const sentence = transferSentence(transfer('a', { status: { kind: 'done', result } }))
    for (const part of [
      '318 files, 86 MB.',
      'Left out: 2.',
      '1 conflict: your version was kept, theirs is saved next to it.',
      'tasks.json',
      'newer version',
    ])
      assert.ok(sentence.includes(part), sentence)
  })
})

describe('announcements of the dashboard', () => {
  it('say nothing at first, and nothing when only numbers change', () => {
    assert.deepEqual(announcements(undefined, busyState), [])
    const faster: PeerState = { ...busyState, rates: { down: 1, up: 2 }, peers: [] }
    assert.deepEqual(announcements(busyState, faster), [])
  })

  it('say that the network went, and that work ended', () => {
    const after: PeerState = {
      ...busyState,
      network: { kind: 'connecting' },
      transfers: busyState.transfers.map(one =>
        one.id === 'copy-1' ? { ...one, status: { kind: 'done', result: transferResult } } : one,
      ),
      live: (busyState.live ?? []).map(one => (one.id === 'live-1' ? { ...one, conflictCount: 1 } : one)),
    }
    const said = announcements(busyState, after)
    assert.deepEqual(said, [
      'Connecting to the network…',
      'Saved sensor recordings: Done. 318 files, 86 MB.',
      'thesis: 1 conflict',
    ])
  })

  it('say that the peer process came or went', () => {
    assert.deepEqual(announcements(null, quietState), ['Peerfold is running.'])
    assert.deepEqual(announcements(quietState, null), ['Peerfold is not running.'])
    assert.deepEqual(announcements(null, null), [])
  })
})

describe('the chart of the dashboard', () => {
  it('has a round number as its top, at or above every value', () => {
    const tops = [10_000, 10_001, 19_999, 20_500_000, 99].map(niceCeiling)
    assert.deepEqual(tops, [10_000, 15_000, 20_000, 30_000_000, 100])
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e12, noNaN: true }), value => {
        assert.ok(niceCeiling(value) >= value && niceCeiling(value) <= value * 2)
      }),
    )
  })

  it('puts the newest value at the right edge, and the top at the top', () => {
    assert.equal(linePath([0, 50, 100], 100), 'M87 100.0L88 50.0L89 0.0')
    assert.equal(linePath([], 100), '')
  })

  it('has words for what it shows', () => {
    assert.equal(
      chartSentence({ down: 1_000, up: 0 }, { down: [5_000, 1_000], up: [2_000, 0] }),
      'Download 1.0 kB/s and upload 0 B/s now; in the last 90 seconds at most 5.0 kB/s and 2.0 kB/s.',
    )
  })

  it('shows no traffic, in words and numbers, where only a few bytes pass', () => {
    const talk = { down: 68, up: 999 }
    const text = textOfPage(
      message(
        {
          ...quietState,
          rates: talk,
          shares: [share(1, { rates: talk })],
          opened: [openedShare(11, { rates: talk })],
          peers: [remotePeer(5, { rates: talk })],
          transfers: [transfer('a', { rate: 68 })],
        },
        { down: [68], up: [999] },
      ),
    )
    assert.doesNotMatch(text, /[1-9]\d* B\/s/)
  })
})

describe('the history of rates', () => {
  it('holds a rate until the next one, second by second', () => {
    const history = new RateHistory()
    history.record(10_000, { down: 5, up: 1 })
    history.record(12_500, { down: 9, up: 1 })
    history.record(14_000, { down: 0, up: 0 })
    assert.deepEqual(history.series(15_000), { down: [5, 5, 5, 9, 9, 0], up: [1, 1, 1, 1, 1, 0] })
  })

  it('shows a burst that was shorter than a second', () => {
    const history = new RateHistory()
    history.record(0, { down: 0, up: 0 })
    history.record(1_200, { down: 70, up: 0 })
    history.record(1_400, { down: 0, up: 0 })
    assert.deepEqual(history.series(2_000).down, [0, 0, 70])
  })

  it('reaches back as far as the chart, and keeps no more', () => {
    const history = new RateHistory()
    for (let at = 0; at < 1_000_000; at += 250) history.record(at, { down: at, up: 0 })
    const { down, up } = history.series(1_000_000)
    assert.equal(down.length, HISTORY_SECONDS)
    assert.equal(up.length, HISTORY_SECONDS)
    assert.equal(down.at(-1), 999_750)
    assert.equal(down[0], 911_000)
  })

  it('knows nothing before the first rate', () => {
    assert.deepEqual(new RateHistory().series(5), { down: [], up: [] })
  })
})

describe('the HTML of the dashboard', () => {
  const html = dashboardHtml({
    script: 'https://host/dist/dashboard.js?a="b"',
    styles: 'https://host/dist/dashboard.css',
    styleSource: "'self' https://*.host",
    nonce: makeNonce(),
    language: 'en"><script>',
  })

  it('allows one script by nonce, one source of styles, and nothing else', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? ''
    const nonce = /<script nonce="([0-9a-f]+)"/.exec(html)?.[1] ?? ''
    assert.ok(nonce.length >= 32)
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      "style-src 'self' https://*.host",
      "base-uri 'none'",
      "form-action 'none'",
    ])
    assert.doesNotMatch(html, /unsafe|style="|<style| on[a-z]+=/)
  })

  it('escapes what it is given', () => {
    assert.equal(html.match(/<script/g)?.length, 1)
    assert.ok(html.includes('dashboard.js?a=&quot;b&quot;'))
  })

  it('has a fresh nonce for every page', () => {
    assert.notEqual(makeNonce(), makeNonce())
  })
})

function textOfPage(sent: DashboardState): string {
  return page(sent).map(textOf).join(' ')
}

function buttonsOf(sent: DashboardState): Markup.Element[] {
  const found: Markup.Element[] = []
  const look = (markup: Markup): void => {
    if (typeof markup === 'string') return
    if (markup.tag === 'button') found.push(markup)
    markup.children.forEach(look)
  }
  page(sent).forEach(look)
  return found
}
