/**
 * The page around the dashboard: a Content Security Policy that allows one script, by nonce, and one style sheet,
 * and nothing else. No image, font, frame or request can leave the page; inline styles and handlers are refused, so
 * even text that were taken for markup could do nothing.
 */
import { randomBytes } from 'node:crypto'

export interface DashboardPage {
  /** Where the script and the style sheet are loaded from, as addresses the page can reach. */
  readonly script: string
  readonly styles: string
  /** What the policy calls the place the style sheet comes from: a webview's `cspSource`. */
  readonly styleSource: string
  /** Fresh for every page, of letters and digits. */
  readonly nonce: string
  /** BCP 47 tag of the editor's language. */
  readonly language: string
}

export function dashboardHtml({ script, styles, styleSource, nonce, language }: DashboardPage): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${styleSource}; base-uri 'none'; form-action 'none'`
  return `<!DOCTYPE html>
<html lang="${escapeAttribute(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeAttribute(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Peerfold Dashboard</title>
<link rel="stylesheet" href="${escapeAttribute(styles)}">
</head>
<body>
<div id="dashboard" class="dashboard"></div>
<div id="announcements" class="announcements" role="status" aria-live="polite"></div>
<script nonce="${escapeAttribute(nonce)}" src="${escapeAttribute(script)}"></script>
</body>
</html>
`
}

export function makeNonce(): string {
  return randomBytes(18).toString('hex')
}

/** For attributes in double quotes, and for text. */
export function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
