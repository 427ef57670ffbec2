/**
 * The part of `vscode.l10n` that words texts. What decides on texts takes it as a parameter named `l10n`: so it stays
 * free of VS Code and is tested without it, and the collector of texts still finds every `l10n.t('…')`.
 */
export interface Localizer {
  t(message: string, ...args: (string | number)[]): string
}
