/** `peerfold status`: what the running peer process does. Starts none. */
import { attachToPeer } from '../../client/attach'
import { countPeers, peerName, transferProblems, transferTitle } from '../../common/explain'
import { formatBytes, formatCount, formatRate, percent, plural, safeText } from '../../common/format'
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
  // No bootstrap nodes are asked for: the status is shown whichever ones the process uses.
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
    `Peerfold ${version} runs as process ${pid}. Others see you as “${peerName(me, english)}”.`,
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
      return 'not in use'
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
  return `${safeText(name)} (${source}): ${kind}${access}, ${plural(files, 'file')}, ${formatBytes(bytes)}, ${countPeers(peers, english)}`
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
  return `${safeText(name)} (${fingerprint}): ${kind}, ${size}, ${countPeers(peers, english)}`
}

function peerLine({ id, name, address, blocked, shares, owns = [], rates }: RemotePeer): string {
  const where = address === undefined ? '' : ` at ${address}`
  const common = shares.length === 0 ? 'nothing' : plural(shares.length, 'share')
  const own = owns.length === 0 ? '' : `, ${owned(owns.length, shares.length)}`
  const flow = `${formatRate(rates.down)} down, ${formatRate(rates.up)} up`
  return `${peerName({ id, name }, english)} (${id})${where}: ${blocked ? 'blocked, ' : ''}${common} in common${own}, ${flow}`
}

/** How many of the shares in common are the peer's own. */
function owned(count: number, all: number): string {
  if (count < all) return `${formatCount(count)} of them theirs`
  return all === 1 ? 'theirs' : 'all theirs'
}

function transferLine(transfer: TransferState): string {
  const { name, folder, status, bytes, rate } = transfer
  const what = transferTitle(transfer, `“${safeText(name)}”`, english)
  const where = folder === undefined ? '' : ` (${folder})`
  const done = percent(bytes.done, bytes.total)
  const part = done === undefined ? formatBytes(bytes.done) : `${done}% of ${formatBytes(bytes.total ?? 0)}`
  const problems = transferProblems(transfer, english)
  switch (status.kind) {
    case 'running':
      return `${what}${where}: ${part}, ${formatRate(rate)}`
    case 'paused':
      return `${what}${where}: ${part}, paused: ${status.error.message}`
    case 'failed':
      return `${what}${where}: failed: ${status.error.message}`
    case 'cancelled':
      return `${what}${where}: cancelled`
    case 'done':
      return `${what}${where}: ${formatBytes(bytes.done)}${problems === '' ? '' : `, ${problems}`}`
  }
}
