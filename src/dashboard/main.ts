/**
 * The page's own program: says that it listens, draws every state it is sent, and sends back what was clicked.
 * It keeps nothing: a page that was hidden, or a window that was restarted, is drawn from the next state.
 */
import './dashboard.css'
import type { FromDashboard, ToDashboard } from '../common/dashboardMessages'
import type { PeerState } from '../common/model'
import { announcements } from './announce'
import { useTranslations } from './l10n'
import { page } from './page'
import { actionAt, patch } from './patch'

interface EditorApi {
  postMessage(message: FromDashboard): void
  /** What is kept here is handed to the panel's serializer after a restart. */
  setState(state: { readonly version: 1 }): void
}
declare function acquireVsCodeApi(): EditorApi

const editor = acquireVsCodeApi()
const root = required('dashboard')
const liveRegion = required('announcements')
let last: PeerState | null | undefined

window.addEventListener('message', ({ origin, data }: MessageEvent<unknown>) => {
  if (origin !== window.origin || !isFromEditor(data)) return
  if (data.type === 'texts') {
    useTranslations(data.texts)
    return
  }
  patch(root, page(data))
  const news = announcements(last, data.state)
  if (news.length > 0) liveRegion.textContent = news.join(' ')
  last = data.state
})

root.addEventListener('click', event => {
  const action = actionAt(event.target)
  if (action !== undefined) editor.postMessage({ type: 'action', action })
})

editor.setState({ version: 1 })
editor.postMessage({ type: 'ready' })

/** Others send messages to a page as well: the frame around it, and what developers run beside it. */
function isFromEditor(data: unknown): data is ToDashboard {
  return (
    typeof data === 'object' && data !== null && 'type' in data && /^(state|texts)$/.test(String(data.type))
  )
}

function required(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`The page has no element “${id}”`)
  return element
}
