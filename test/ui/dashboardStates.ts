/** States as a peer process would send them, made up: a busy one, a quiet one, and one whose every name is an attack. */
import type { DrivePath, PeerId, ShareId } from '../../src/common/brand'
import { type DashboardState, HISTORY_SECONDS, type RateSeries } from '../../src/common/dashboardMessages'
import type {
  LiveCopyState,
  OpenedShareState,
  PeerState,
  RemotePeer,
  ShareState,
  TransferResult,
  TransferState,
} from '../../src/common/model'

const letters = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** A well-formed id of its own for each `seed`. */
export function shareId(seed: number): ShareId {
  return Array.from({ length: 52 }, (_, at) => letters[(seed * 7 + (seed >> 5) * at + at * 11) % 32]).join(
    '',
  ) as ShareId
}

export function peerId(seed: number): PeerId {
  return Array.from({ length: 12 }, (_, at) => letters[(seed * 5 + (seed >> 5) * at + at * 3) % 32]).join(
    '',
  ) as PeerId
}

export function share(seed: number, changes: Partial<ShareState> = {}): ShareState {
  return {
    id: shareId(seed),
    name: 'holiday photos',
    source: '/home/ada/Pictures/holiday photos',
    isFile: false,
    isPublic: false,
    status: { kind: 'sharing' },
    files: 1_204,
    bytes: 3_240_000_000,
    version: 41,
    skipped: {},
    peers: 2,
    rates: { down: 0, up: 0 },
    ...changes,
  }
}

export function openedShare(seed: number, changes: Partial<OpenedShareState> = {}): OpenedShareState {
  return {
    id: shareId(seed),
    name: 'thesis',
    fingerprint: 'abcd-efgh-ijkl',
    isFile: false,
    isPublic: false,
    status: { kind: 'connected' },
    contents: { version: 12, files: 318, bytes: 86_000_000 },
    bytesHere: 86_000_000,
    peers: 1,
    rates: { down: 0, up: 0 },
    stopped: false,
    ...changes,
  }
}

export function remotePeer(seed: number, changes: Partial<RemotePeer> = {}): RemotePeer {
  return {
    id: peerId(seed),
    name: 'Grace',
    transport: 'tcp',
    path: 'near',
    address: '192.168.1.23:49737',
    blocked: false,
    shares: [shareId(1)],
    rates: { down: 0, up: 0 },
    downBytes: 0,
    upBytes: 0,
    ...changes,
  }
}

export function transfer(id: string, changes: Partial<TransferState> = {}): TransferState {
  return {
    id,
    kind: 'copy',
    share: shareId(11),
    name: 'sensor recordings',
    folder: '/home/ada/Downloads/sensor recordings',
    status: { kind: 'running' },
    files: { done: 412, total: 2_380 },
    bytes: { done: 1_260_000_000, total: 4_900_000_000 },
    rate: 21_400_000,
    timeLeft: 170,
    ...changes,
  }
}

export function liveCopy(id: string, changes: Partial<LiveCopyState> = {}): LiveCopyState {
  return {
    id,
    share: shareId(12),
    path: '/' as DrivePath,
    folder: '/home/ada/work/thesis',
    name: 'thesis',
    status: { kind: 'in-step' },
    version: 12,
    conflictCount: 0,
    conflicts: [],
    deletedHere: 0,
    skippedCount: 0,
    ...changes,
  }
}

/** What is not known is absent. */
function without<T, K extends keyof T>(field: K, { [field]: _, ...rest }: T): Omit<T, K> {
  return rest
}

export const transferResult: TransferResult = {
  files: 318,
  bytes: 86_000_000,
  fetched: 86_000_000,
  skipped: [],
  skippedCount: 0,
  conflicts: [],
  warnings: [],
  stale: false,
}

export const quietState: PeerState = {
  revision: 1,
  me: { id: peerId(40), name: "Ada's laptop" },
  network: { kind: 'idle' },
  keepRunning: false,
  rates: { down: 0, up: 0 },
  shares: [],
  opened: [],
  peers: [],
  transfers: [],
}

export const busyState: PeerState = {
  ...quietState,
  revision: 77,
  network: { kind: 'online', firewalled: true },
  keepRunning: true,
  rates: { down: 21_900_000, up: 3_100_000 },
  shares: [
    share(1, { rates: { down: 0, up: 3_100_000 }, skipped: { gitignore: 212, secret: 2 } }),
    share(2, {
      name: 'release-notes-2.4.pdf',
      isFile: true,
      isPublic: true,
      files: 1,
      bytes: 840_000,
      peers: 0,
    }),
    share(3, {
      name: 'compiler',
      status: { kind: 'publishing' },
      files: 7_339,
      bytes: 137_000_000,
      peers: 1,
    }),
    share(4, {
      name: 'old drafts',
      status: {
        kind: 'failed',
        error: {
          code: 'source-vanished',
          message:
            'The folder “/media/usb/old drafts” is gone. Sharing pauses; put it back and it continues. Nothing was unpublished.',
        },
      },
      files: 58,
      bytes: 12_400_000,
      peers: 0,
    }),
  ],
  opened: [
    openedShare(11, {
      name: 'sensor recordings',
      fingerprint: 'k7qw-9xno-3rty',
      contents: { version: 3, files: 2_380, bytes: 4_900_000_000 },
      bytesHere: 1_260_000_000,
      peers: 2,
      rates: { down: 21_900_000, up: 0 },
    }),
    openedShare(12),
    without(
      'contents',
      openedShare(13, {
        name: 'band rehearsal',
        fingerprint: 'p4sd-u1ce-z8xa',
        status: { kind: 'searching', why: 'nobody-announces' },
        bytesHere: 0,
        peers: 0,
      }),
    ),
    openedShare(14, {
      name: 'conference slides',
      isPublic: true,
      fingerprint: 'tot1-6yub-ndre',
      status: { kind: 'offline', why: 'cannot-connect' },
      contents: { version: 5, files: 24, bytes: 310_000_000 },
      bytesHere: 190_000_000,
      peers: 0,
    }),
  ],
  peers: [
    remotePeer(1, {
      shares: [shareId(1), shareId(11)],
      rates: { down: 18_300_000, up: 2_800_000 },
      downBytes: 1_090_000_000,
      upBytes: 412_000_000,
    }),
    remotePeer(2, {
      name: 'Edsger (office)',
      transport: 'udx',
      address: '203.0.113.77:51022',
      shares: [shareId(11)],
      rates: { down: 3_600_000, up: 0 },
      downBytes: 170_000_000,
      upBytes: 0,
    }),
    remotePeer(3, {
      name: 'build server',
      address: '[2001:db8:12:3::7f4a]:49737',
      shares: [shareId(1), shareId(3), shareId(12), shareId(14)],
      rates: { down: 0, up: 300_000 },
      downBytes: 2_100_000,
      upBytes: 8_900_000_000,
    }),
    remotePeer(4, {
      name: 'nosy',
      blocked: true,
      shares: [],
      transport: 'udx',
      address: '198.51.100.9:6881',
    }),
  ],
  transfers: [
    transfer('copy-1'),
    without(
      'timeLeft',
      transfer('import-1', {
        kind: 'import',
        share: shareId(3),
        name: 'compiler',
        folder: '/home/ada/src/compiler',
        files: { done: 5_120 },
        bytes: { done: 96_000_000 },
        rate: 141_000_000,
      }),
    ),
    transfer('copy-2', {
      name: 'conference slides',
      folder: '/mnt/stick/slides',
      files: { done: 14, total: 24 },
      bytes: { done: 190_000_000, total: 310_000_000 },
      rate: 0,
      status: {
        kind: 'paused',
        error: {
          code: 'no-space',
          message:
            'The disk of “/mnt/stick” is full. Free some space; the transfer continues by itself. Nothing is lost.',
        },
      },
    }),
    transfer('copy-3', {
      name: 'thesis',
      folder: '/home/ada/Documents/thesis',
      files: { done: 318, total: 318 },
      bytes: { done: 86_000_000, total: 86_000_000 },
      rate: 0,
      status: {
        kind: 'done',
        result: {
          ...transferResult,
          skippedCount: 1,
          conflicts: [{ path: '/home/ada/Documents/thesis/a.tex', copy: '/home/ada/Documents/thesis/b.tex' }],
        },
      },
    }),
  ],
  live: [
    liveCopy('live-1'),
    liveCopy('live-2', {
      share: shareId(11),
      name: 'sensor recordings',
      folder: '/home/ada/data/sensors',
      status: { kind: 'updating', files: { done: 12, total: 40 } },
    }),
    liveCopy('live-3', {
      share: shareId(14),
      name: 'slides in sync',
      folder: '/home/ada/talks/slides',
      conflictCount: 2,
    }),
    liveCopy('live-4', {
      share: shareId(14),
      name: 'slides on a stick',
      folder: '/mnt/stick/slides',
      status: {
        kind: 'asking',
        question: { kind: 'removal', files: 18, of: 24 },
        error: {
          code: 'live-removal',
          message:
            'The new version of the share has lost most of its files: it would take 18 files away here. Nothing is changed until you decide.',
        },
      },
    }),
  ],
}

export const attacks = {
  markup: '<img src=x onerror="window.pwned=1">',
  script: '"><script>window.pwned=1</script>',
  icon: '$(zap) $(sync~spin)',
  link: '[click](command:workbench.action.terminal.new) <a href="javascript:window.pwned=1">x</a>',
  bidi: 'invoice\u202egnp.exe\u2066',
  ansi: '\u001b[31mred\u001b[0m\u0007',
  long: 'a-very-long-name-without-any-space-'.repeat(40),
  svg: '<svg onload=window.pwned=1><style>*{display:none}</style>',
}

/** Everything a stranger can name, named with malice. */
export const hostileState: PeerState = {
  ...busyState,
  revision: 666,
  me: { id: peerId(40), name: attacks.svg },
  network: { kind: 'unreachable', bootstrap: [attacks.markup, 'dht.example:49737'] },
  shares: Object.values(attacks).map((name, at) =>
    share(30 + at, { name, source: `/tmp/${name}`, skipped: { [name]: 3 } }),
  ),
  opened: Object.values(attacks).map((name, at) =>
    openedShare(50 + at, {
      name,
      fingerprint: name,
      status: { kind: 'failed', error: { code: 'bad-entry', message: name } },
    }),
  ),
  peers: Object.values(attacks).map((name, at) =>
    remotePeer(70 + at, { name, address: name, shares: [shareId(30), shareId(31 + at)] }),
  ),
  live: Object.values(attacks).map((name, at) =>
    liveCopy(`live-hostile-${at}`, {
      name,
      folder: `/tmp/${name}`,
      status: { kind: 'waiting', error: { code: 'io-failed', message: name } },
    }),
  ),
  transfers: Object.values(attacks).map((name, at) =>
    transfer(`hostile-${at}`, {
      name,
      folder: `/tmp/${name}`,
      status: {
        kind: 'done',
        result: {
          ...transferResult,
          warnings: [name],
          skipped: [{ path: name, reason: name, detail: name }],
        },
      },
    }),
  ),
}

/** A plausible minute and a half. */
export function waves(): RateSeries {
  const seconds = Array.from({ length: HISTORY_SECONDS }, (_, second) => second)
  const down = seconds.map(second => {
    if (second < 12) return 0
    const start = Math.min(1, (second - 12) / 14)
    return Math.max(
      0,
      start * 19_500_000 + 2_600_000 * Math.sin(second / 3.1) + 1_100_000 * Math.sin(second * 1.9),
    )
  })
  const up = seconds.map(
    second => 2_700_000 + 900_000 * Math.sin(second / 6) + 380_000 * Math.sin(second * 2.3),
  )
  return { down, up }
}

export function message(state: PeerState | null, history: RateSeries = waves()): DashboardState {
  return { type: 'state', process: state === null ? 'off' : 'running', state, history }
}
