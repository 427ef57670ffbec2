/**
 * The page's side of `vscode.l10n`: the same calls, so that the same collector finds the texts, answered from the
 * translations that the editor sends. Until they come, and where there are none, texts are the English originals.
 */
let translations: Readonly<Record<string, string>> = {}

export const l10n = {
  /** The translation of `message`, its `{0}`, `{1}` … replaced by the arguments. */
  t(message: string, ...args: readonly (string | number)[]): string {
    const text = Object.hasOwn(translations, message) ? (translations[message] ?? message) : message
    return text.replace(/\{(\d)\}/g, (placeholder, index) => String(args[Number(index)] ?? placeholder))
  },
}

/** Translations by original. */
export function useTranslations(texts: Readonly<Record<string, string>>): void {
  translations = texts
}
