/** “Stop Peer Process”: ends sharing and downloading for every window and terminal, so it asks when that matters. */
import * as vscode from 'vscode'
import { countedPeers, countPeers } from '../../common/explain'
import { plural } from '../../common/format'
import type { PeerState } from '../../common/model'
import { isFinished } from '../peerModel'
import { isScripted } from './commandArguments'
import type { CommandParts } from './parts'

const { l10n } = vscode

export async function stopPeerProcess({ peer, model, ask }: CommandParts, given?: unknown): Promise<void> {
  const ends = model.state === undefined ? [] : whatEnds(model.state)
  if (ends.length > 0 && !isScripted([given])) {
    const stop = l10n.t('Stop')
    const answer = await ask.confirm({
      message: l10n.t('Stop Peerfold in every window?'),
      detail: [
        ...ends,
        '',
        l10n.t('Nothing is lost. All of it continues when Peerfold is started again.'),
      ].join('\n'),
      answers: [stop],
      warning: true,
    })
    if (answer !== stop) return
  }
  await peer.stop()
}

/** A line for each kind of work that stopping would end. */
function whatEnds(state: PeerState): readonly string[] {
  const shared = state.shares.filter(({ status }) => status.kind !== 'stopped').length
  const opened = state.opened.filter(share => !share.stopped).length
  const running = state.transfers.filter(transfer => transfer.kind !== 'read' && !isFinished(transfer)).length
  const peers = countedPeers(state)
  return [
    ...(shared === 0
      ? []
      : [l10n.t('{0} will not be available to others.', plural(shared, l10n.t('share'), l10n.t('shares')))]),
    ...(opened === 0
      ? []
      : [
          l10n.t('{0} will not be updated.', plural(opened, l10n.t('opened share'), l10n.t('opened shares'))),
        ]),
    ...(running === 0
      ? []
      : [l10n.t('{0} will pause.', plural(running, l10n.t('transfer'), l10n.t('transfers')))]),
    ...(peers === 0 ? [] : [l10n.t('Connected now: {0}.', countPeers(peers, l10n))]),
  ]
}
