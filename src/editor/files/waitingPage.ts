/** What the tab of a file that is waited for shows. Without scripts: its links are commands of VS Code. */
import { escapeAttribute, makeNonce } from '../dashboard/html'

export interface WaitingPage {
  readonly title: string
  readonly text: string
  /** Empty: none. */
  readonly hint: string
  readonly links: readonly PageLink[]
  readonly language: string
}

export interface PageLink {
  readonly label: string
  readonly command: string
  /** Anything that JSON holds. */
  readonly argument?: unknown
}

export function waitingPage({ title, text, hint, links, language }: WaitingPage): string {
  const nonce = makeNonce()
  const shown = links.map(
    link => `<a href="${escapeAttribute(addressOf(link))}">${escapeAttribute(link.label)}</a>`,
  )
  return `<!DOCTYPE html>
<html lang="${escapeAttribute(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'">
<style nonce="${nonce}">
body { max-width: 36em; margin: 15vh auto 0; padding: 0 2em; line-height: 1.5; overflow-wrap: anywhere }
h1 { font-size: 1.3em; font-weight: 600 }
nav { display: flex; flex-wrap: wrap; gap: 1.5em }
</style>
</head>
<body>
<main role="status">
<h1>${escapeAttribute(title)}</h1>
<p>${escapeAttribute(text)}</p>
${hint === '' ? '' : `<p>${escapeAttribute(hint)}</p>`}
</main>
<nav>${shown.join('')}</nav>
</body>
</html>`
}

function addressOf({ command, argument }: PageLink): string {
  if (argument === undefined) return `command:${command}`
  return `command:${command}?${encodeURIComponent(JSON.stringify([argument]))}`
}
