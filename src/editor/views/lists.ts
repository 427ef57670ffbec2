/** What the flat views show: shares, peers, transfers. */
import * as vscode from 'vscode'
import { peerName } from '../../common/explain'
import { safeText } from '../../common/format'
import type { RemotePeer, ShareState, TransferState } from '../../common/model'
import { Commands } from '../contributions'
import { hasConflicts, type PeerModel } from '../peerModel'
import {
  describePeer,
  describeShare,
  describeTransfer,
  explainPeer,
  explainShare,
  explainTransfer,
  titleOfTransfer,
} from './describe'
import { peerFacets, shareFacets, transferFacets } from './facets'
import { peerIcon, shareIcon, transferIcon } from './icons'
import type { ListContent } from './listTree'

const { l10n } = vscode

export function shareList(model: PeerModel): ListContent<ShareState> {
  return {
    kind: 'share',
    values: () => model.state?.shares ?? [],
    idOf: share => share.id,
    row: share => {
      const label = safeText(share.name)
      const description = describeShare(share, l10n)
      return {
        label,
        description,
        icon: shareIcon(share),
        contextValue: shareFacets(share),
        accessibleLabel: l10n.t('Share {0}, {1}', label, description),
      }
    },
    tooltip: share => explainShare(share, l10n),
  }
}

export function peerList(model: PeerModel): ListContent<RemotePeer> {
  return {
    kind: 'peer',
    values: () => model.state?.peers ?? [],
    idOf: peer => peer.id,
    row: peer => {
      const label = peerName(peer, l10n)
      const description = describePeer(peer, id => model.nameOf(id), l10n)
      return {
        label,
        description,
        icon: peerIcon(peer),
        contextValue: peerFacets(peer),
        accessibleLabel: l10n.t('{0}, {1}', label, description),
      }
    },
    tooltip: peer => explainPeer(peer, id => model.nameOf(id), l10n),
  }
}

export function transferList(model: PeerModel): ListContent<TransferState> {
  return {
    kind: 'transfer',
    values: () => model.state?.transfers ?? [],
    idOf: transfer => transfer.id,
    row: transfer => {
      const label = titleOfTransfer(transfer, l10n)
      const description = describeTransfer(transfer, l10n)
      return {
        label,
        description,
        icon: transferIcon(transfer),
        contextValue: transferFacets(transfer),
        accessibleLabel: l10n.t('{0}, {1}', label, description),
        ...(hasConflicts(transfer) ? { command: Commands.reviewConflicts } : {}),
      }
    },
    tooltip: transfer => explainTransfer(transfer, l10n),
  }
}
