/** What the flat views show: shares, peers, transfers. */
import * as path from 'node:path'
import * as vscode from 'vscode'
import { peerName } from '../../common/explain'
import { describeLive, explainLive } from '../../common/explainLive'
import { safeText } from '../../common/format'
import type { LiveCopyState, RemotePeer, ShareState, TransferState } from '../../common/model'
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
import { liveFacets, peerFacets, shareFacets, transferFacets } from './facets'
import { liveIcon, peerIcon, shareIcon, transferIcon } from './icons'
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

export function liveList(model: PeerModel): ListContent<LiveCopyState> {
  return {
    kind: 'live',
    values: () => model.state?.live ?? [],
    idOf: copy => copy.id,
    row: copy => {
      const label = safeText(path.basename(copy.folder))
      const description = describeLive(copy, l10n)
      const command =
        copy.status.kind === 'asking'
          ? Commands.decideSync
          : copy.conflictCount > 0
            ? Commands.reviewConflicts
            : undefined
      return {
        label,
        description,
        icon: liveIcon(copy),
        contextValue: liveFacets(copy),
        accessibleLabel: l10n.t('Folder {0}, {1}', label, description),
        ...(command === undefined ? {} : { command }),
      }
    },
    tooltip: copy => explainLive(copy, model.nameOf(copy.share), l10n),
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
