import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { statusLines } from '../../src/cli/commands/status'
import { Output } from '../../src/cli/output'
import { searchLine, transferLine, transferProgress } from '../../src/cli/progressLine'
import type { DrivePath, PeerId, ShareId } from '../../src/common/brand'
import { explainFound } from '../../src/common/explain'
import { explainHeld } from '../../src/common/explainHeld'
import { english } from '../../src/common/localizer'
import type { PeerState, TransferResult, TransferState } from '../../src/common/model'

describe('cli output', () => {
  it('keeps results and remarks apart', () => {
    const { output, written } = capture()
    output.line('result')
    output.event('done')
    output.note('remark', 'another')
    output.error({ code: 'stalled', message: 'Nobody is left.' })
    assert.equal(written.out(), 'result\n')
    assert.equal(written.err(), 'remark\nanother\npeerfold: Nobody is left.\n')
  })

  it('is one object a line with --json, errors included', () => {
    const { output, written } = capture({ json: true })
    output.line('result')
    output.event('sharing', { link: 'pf\nx', files: 2 })
    output.error({ code: 'stalled', message: 'Nobody is left.' })
    const lines = written.out().trimEnd().split('\n')
    assert.deepEqual(
      lines.map(line => JSON.parse(line)),
      [
        { event: 'sharing', link: 'pf\nx', files: 2 },
        { event: 'error', code: 'stalled', message: 'Nobody is left.' },
      ],
    )
  })

  it('never lets a name act on the terminal', () => {
    const evil = 'a\u001b[2J\u009b31m\r\n\u202eb'
    const text = capture()
    text.output.line(evil)
    text.output.note(evil)
    text.output.skipped([{ path: evil, reason: 'x', detail: evil }], 1)
    text.output.error({ code: 'offline', message: evil })
    const out = text.written.out()
    assert.doesNotMatch(out + text.written.err(), ACTING)
    assert.equal(out.split('\n').length, 2)

    const json = capture({ json: true })
    json.output.event('entry', { path: evil })
    const line = json.written.out()
    assert.doesNotMatch(line, ACTING)
    assert.equal(JSON.parse(line).path, evil)
  })

  it('shows progress on a terminal only, on one line that other lines push down', () => {
    const terminal = capture({ isTTY: true })
    terminal.output.progress('half')
    terminal.output.progress('half')
    terminal.output.note('by the way')
    terminal.output.clearProgress()
    assert.equal(terminal.written.err(), '\r\u001b[Khalf\r\u001b[Kby the way\n\r\u001b[Khalf\r\u001b[K')
    for (const given of [{}, { json: true, isTTY: true }]) {
      const silent = capture(given)
      silent.output.progress('half')
      silent.output.clearProgress()
      assert.equal(silent.written.err(), '')
    }
  })

  it('counts conflicts as one or as many', () => {
    const { output, written } = capture()
    output.remarks(copied)
    assert.match(written.err(), /^1 conflict: your version was kept, theirs is saved next to it:\n {2}\/copy/)
    output.remarks({ ...copied, conflicts: [...copied.conflicts, { path: '/b', copy: '/c' }] })
    assert.match(written.err(), /^2 conflicts: your versions were kept, theirs are saved next to them:\n/)
  })

  it('names what was left out, and counts what is too much to name', () => {
    const { output, written } = capture()
    const skipped = Array.from({ length: 30 }, (_, n) => ({ path: `/${n}`, reason: 'r', detail: 'secret' }))
    output.skipped(skipped, 4_000)
    output.skipped([], 0)
    const lines = written.err().trimEnd().split('\n')
    assert.equal(lines.length, 22)
    assert.equal(lines[1], '  0: secret')
    assert.equal(lines.at(-1), '  … and 3,980 more')
  })
})

const transfer: TransferState = {
  id: 'job',
  kind: 'copy',
  name: 'plans',
  status: { kind: 'running' },
  files: { done: 3, total: 12 },
  bytes: { done: 2_100_000, total: 8_400_000 },
  rate: 1_000_000,
  timeLeft: 6,
}

const copied: TransferResult = {
  files: 3,
  bytes: 2_100_000,
  fetched: 0,
  skipped: [],
  skippedCount: 0,
  conflicts: [{ path: '/copy/a', copy: '/copy/a.conflict' }],
  warnings: [],
  stale: false,
}

describe('what stays shared for the moment', () => {
  for (const kind of ['disk', 'removal', 'update'] as const) {
    it(`is told of one file as of one, and of many as of many: ${kind}`, () => {
      const paths = ['/a.txt' as DrivePath]
      const one = explainHeld({ kind, files: 1, paths })
      const many = explainHeld({ kind, files: 1_200, paths })
      assert.match(one, kind === 'disk' ? /Its file stays shared as it was/ : /^1 file (vanished|is shared)/)
      assert.doesNotMatch(one.replace('ignore files', ''), /files|They|them/)
      assert.match(many, /1,200 files (stay|vanished|are)/)
    })
  }
})

describe('cli progress', () => {
  it('is a bar with what is done and what is left', () => {
    assert.equal(
      transferLine(transfer),
      '[######------------------] 25%  2.1 MB of 8.4 MB  3/12 files  1.0 MB/s  6 s left',
    )
    const counting = { ...transfer, files: { done: 3 }, bytes: { done: 5 } }
    assert.match(transferLine(counting), /3 files, 5 B/)
    assert.match(transferLine({ ...counting, files: { done: 1 } }), / 1 file, 5 B/)
    assert.match(transferLine({ ...transfer, files: { done: 0, total: 1 } }), / 0\/1 file /)
  })

  it('says what of changed files need not be fetched, while it goes on and at the end', () => {
    assert.match(transferLine({ ...transfer, here: 97_000_000 }), / \(97 MB were here already\) /)
    const result = { ...copied, fetched: 3_000_000 }
    assert.equal(
      explainFound({ ...result, here: 97_000_000 }, english),
      '3.0 MB fetched, 97 MB were here already',
    )
    assert.equal(explainFound(result, english), '')
  })

  it('says what a transfer waits for', () => {
    const error = { code: 'no-space', message: 'The disk is full.' } as const
    assert.equal(
      transferLine({ ...transfer, status: { kind: 'paused', error } }),
      'Waiting: The disk is full.',
    )
  })

  it('is an event with --json, of the job that is meant and of what is new only', () => {
    const { output, written } = capture({ json: true })
    const state = { ...idle, transfers: [transfer] }
    const show = transferProgress(output, 'job')
    show(state)
    show(state)
    transferProgress(output, 'another')(state)
    assert.deepEqual(JSON.parse(written.out()), {
      event: 'progress',
      files: 3,
      bytes: 2_100_000,
      totalFiles: 12,
      totalBytes: 8_400_000,
      rate: 1_000_000,
    })
  })

  it('says once what it waits for when only the user can help, also without a terminal', () => {
    const { output, written } = capture({ json: true })
    const error = { code: 'store-limit', message: 'The limit is reached.' } as const
    const paused: TransferState = { ...transfer, status: { kind: 'paused', error } }
    const show = transferProgress(output, transfer.id)
    for (let time = 0; time < 3; time++) show({ ...idle, transfers: [paused] })
    assert.equal(written.err(), 'The limit is reached.\n')
  })

  it('says why nobody was found so far', () => {
    assert.match(searchLine({ kind: 'searching', why: 'bootstrap-unreachable' }), /no bootstrap node answers/)
    assert.match(searchLine(undefined), /Looking for peers/)
  })
})

describe('cli status', () => {
  it('says what is shared, opened and transferred, and that there is nothing', () => {
    const lines = statusLines({ ...idle, network: { kind: 'online', firewalled: true } }, 7, '1.0.0')
    assert.match(lines[0] ?? '', /Peerfold 1\.0\.0 runs as process 7.*“Zoë”/)
    assert.match(lines[1] ?? '', /online, behind a firewall/)
    assert.deepEqual(lines.slice(2), [
      'Shares: none.',
      'Opened shares: none.',
      'Peers: none.',
      'Transfers: none.',
    ])
  })

  it('calls a person as everywhere else, and says who owns a share', () => {
    const peer = {
      id: 'abcdefgh12345678' as PeerId,
      name: '',
      transport: 'tcp',
      blocked: false,
      shares: ['s' as ShareId],
      owns: ['s' as ShareId],
      rates: { down: 0, up: 0 },
      downBytes: 0,
      upBytes: 0,
    } as const
    const lines = statusLines({ ...idle, peers: [peer], me: { id: peer.id, name: '' } }, 7, '1.0.0')
    assert.match(lines[0] ?? '', /Others see you as “Peer abcdefgh…”\.$/)
    assert.ok(
      lines.includes('  Peer abcdefgh… (abcdefgh12345678): 1 share in common, theirs, 0 B/s down, 0 B/s up'),
    )
  })

  for (const [shares, owns, said] of [
    [0, 0, 'nothing in common,'],
    [2, 0, '2 shares in common, 0 B/s'],
    [2, 1, '2 shares in common, 1 of them theirs,'],
    [2, 2, '2 shares in common, all theirs,'],
  ] as const) {
    it(`says of ${shares} shares, ${owns} of them the peer’s own: ${said}`, () => {
      const ids = ['s' as ShareId, 't' as ShareId]
      const peer = {
        id: 'abcdefgh12345678' as PeerId,
        name: 'Bob',
        transport: 'tcp',
        blocked: false,
        shares: ids.slice(0, shares),
        owns: ids.slice(0, owns),
        rates: { down: 0, up: 0 },
        downBytes: 0,
        upBytes: 0,
      } as const
      const line = statusLines({ ...idle, peers: [peer] }, 7, '1.0.0').find(text => text.includes('Bob'))
      assert.ok(line?.includes(`: ${said}`), line)
    })
  }

  for (const [status, said] of [
    [{ kind: 'running' }, 'Saving “plans” (/copy): 25% of 8.4 MB, 1.0 MB/s'],
    [{ kind: 'cancelled' }, 'Saving “plans” (/copy): cancelled'],
    [
      { kind: 'failed', error: { code: 'io-failed', message: 'The disk is gone.' } },
      'Saving “plans” (/copy): failed: The disk is gone.',
    ],
    [
      { kind: 'paused', error: { code: 'stalled', message: 'Nobody has it.' } },
      'Saving “plans” (/copy): 25% of 8.4 MB, paused: Nobody has it.',
    ],
    [{ kind: 'done', result: copied }, 'Saved “plans” (/copy): 2.1 MB, 1 conflict'],
  ] as const) {
    it(`says of a copy that is ${status.kind} what matters now`, () => {
      const copy: TransferState = { ...transfer, folder: '/copy', status }
      assert.equal(statusLines({ ...idle, transfers: [copy] }, 7, '1.0.0').at(-1), `  ${said}`)
    })
  }
})

/** Control characters but the line break, and bidirectional controls. */
const ACTING = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u

const idle: PeerState = {
  revision: 1,
  me: { id: 'me' as PeerId, name: 'Zoë' },
  network: { kind: 'idle' },
  keepRunning: false,
  rates: { down: 0, up: 0 },
  shares: [],
  opened: [],
  peers: [],
  transfers: [],
}

function capture({ json = false, isTTY = false } = {}) {
  const out = new PassThrough()
  const err = Object.assign(new PassThrough(), { isTTY, columns: 100 })
  const written = { out: () => text(out), err: () => text(err) }
  return { output: new Output(json, { out, err }), written }
}

function text(stream: PassThrough): string {
  return String(stream.read() ?? '')
}
