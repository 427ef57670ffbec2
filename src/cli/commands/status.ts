/** `peerfold status`: what the running peer process does. Starts none. */
import { attachToPeer } from '../../client/attach'
import { peerName } from '../../common/explain'
import { formatBytes, formatRate, percent, plural, safeText } from '../../common/format'
import { english } from '../../common/localizer'
import type {
  NetworkState,
  OpenedShareState,
  PeerState,
  RemotePeer,
  ShareState,
  TransferState,
} from '../../common/model'
import type { Context } from '../context'
import { DONE } from '../exitCodes'

export async function status({ connect, output }: Context): Promise<number> {
  // Whatever it uses is what is asked for: other bootstrap nodes are no reason to refuse.
  const attached = await attachToPeer({ ...connect, bootstrap: undefined })
  if (attached === undefined) {
    output.line('No peer process is running.')
    output.event('status', { running: false })
    return DONE
  }
  const { pid, version, state } = attached.hello
  attached.connection.close()
  output.event('status', { running: true, pid, version, state })
  for (const line of statusLines(state, pid, version)) output.line(line)
  return DONE
}

export function statusLines(state: PeerState, pid: number, version: string): readonly string[] {
  const { me, network, rates, shares, opened, peers, transfers } = state
  return [
    `Peerfold ${version} runs as process ${pid}. Others see it as “${peerName(me, english)}”.`,
    `Network: ${networkText(network)}. ${formatRate(rates.down)} down, ${formatRate(rates.up)} up.`,
    ...section('Shares', shares.map(shareLine)),
    ...section('Opened shares', opened.map(openedLine)),
    ...section('Peers', peers.map(peerLine)),
    ...section('Transfers', transfers.map(transferLine)),
  ]
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [`${title}: none.`] : [`${title}:`, ...lines.map(line => `  ${line}`)]
}

function networkText(network: NetworkState): string {
  switch (network.kind) {
    case 'idle':
      return 'not needed, so not joined'
    case 'connecting':
      return 'connecting'
    case 'online':
      return network.firewalled ? 'online, behind a firewall' : 'online'
    case 'unreachable':
      return `no bootstrap node answers (${network.bootstrap.join(', ')})`
  }
}

function shareLine({ name, source, isPublic, status, files, bytes, peers }: ShareState): string {
  const kind = status.kind === 'failed' ? `failed: ${status.error.message}` : status.kind
  const access = isPublic ? ', public' : ''
  return `${safeText(name)} (${source}): ${kind}${access}, ${plural(files, 'file')}, ${formatBytes(bytes)}, ${plural(peers, 'peer')}`
}

function openedLine({ name, fingerprint, status, contents, bytesHere, peers, stopped }: OpenedShareState) {
  const kind = stopped
    ? 'stopped'
    : status.kind === 'failed'
      ? `failed: ${status.error.message}`
      : status.kind
  const size =
    contents === undefined
      ? 'files not known yet'
      : `${plural(contents.files, 'file')}, ${formatBytes(bytesHere)} of ${formatBytes(contents.bytes)} here`
  return `${safeText(name)} (${fingerprint}): ${kind}, ${size}, ${plural(peers, 'peer')}`
}

function peerLine({ id, name, address, blocked, shares, owns = [], rates }: RemotePeer): string {
  const where = address === undefined ? '' : ` at ${address}`
  const own = owns.length === 0 ? '' : ` (owner of ${owns.length})`
  const flow = `${formatRate(rates.down)} down, ${formatRate(rates.up)} up`
  return `${peerName({ id, name }, english)} (${id})${where}: ${blocked ? 'blocked, ' : ''}${plural(shares.length, 'share')}${own}, ${flow}`
}

function transferLine({ kind, name, folder, status, bytes, rate }: TransferState): string {
  const where = folder === undefined ? '' : ` (${folder})`
  const done = percent(bytes.done, bytes.total)
  const part = done === undefined ? formatBytes(bytes.done) : `${done}% of ${formatBytes(bytes.total ?? 0)}`
  const what =
    status.kind === 'paused' || status.kind === 'failed'
      ? `${status.kind}: ${status.error.message}`
      : status.kind
  return `${kind} of ${safeText(name)}${where}: ${what}, ${part}, ${formatRate(rate)}`
}
