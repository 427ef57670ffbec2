/**
 * The part of `vscode.l10n` that words texts. Code that decides on texts takes it as a parameter named `l10n`. So that
 * code stays free of VS Code and is tested without it, and the collector of texts still finds every `l10n.t('…')`.
 */
export interface Localizer {
  t(message: string, ...args: (string | number)[]): string
}

/** The English originals, for programs without translations: the command and the peer process. */
export const english: Localizer = {
  t: (message, ...args) =>
    message.replace(/\{(\d)\}/g, (placeholder, index) => String(args[Number(index)] ?? placeholder)),
}
