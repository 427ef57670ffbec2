/**
 * Files of a received copy that can make programs on this machine run something. The user is told before the folder
 * is opened. Peerfold itself runs none of them, and never marks a folder as trusted.
 */

const KINDS = {
  'editor-tasks': 'defines tasks that the editor can run when the folder is opened and trusted',
  'editor-settings': 'changes the editor’s settings for this folder',
  'editor-launch': 'defines programs that the debugger starts',
  'dev-container': 'defines a container and commands that the editor runs to build it',
  'workspace-file': 'is a workspace with settings and tasks of its own',
  'git-hook': 'is run by git',
  'git-config': 'can make git run programs',
  envrc: 'is run by direnv when a shell enters the folder',
  executable: 'is a program',
} as const

export type WarningKind = keyof typeof KINDS

export interface ContentWarning {
  readonly path: string
  readonly kind: WarningKind
}

/** The rest of a sentence that starts with the path. */
export function describeWarning(kind: WarningKind): string {
  return KINDS[kind]
}

/** Matched in any folder, since a part of a copy may be opened by itself. */
const PATTERNS: readonly (readonly [WarningKind, RegExp])[] = [
  ['editor-tasks', /(?:^|\/)\.vscode\/tasks\.json$/],
  ['editor-settings', /(?:^|\/)\.vscode\/settings\.json$/],
  ['editor-launch', /(?:^|\/)\.vscode\/launch\.json$/],
  ['dev-container', /(?:^|\/)\.devcontainer(?:\/.+)?\.json$/],
  ['workspace-file', /\.code-workspace$/],
  ['git-hook', /(?:^|\/)(?:\.git\/(?:.+\/)?hooks|\.githooks|\.husky)\/[^/]+$/],
  ['git-config', /(?:^|\/)\.git\/(?:.+\/)?config(?:\.worktree)?$/],
  ['envrc', /(?:^|\/)\.envrc$/],
  ['executable', /\.(?:exe|com|scr|msi|bat|cmd|ps1|vbs|lnk|command|desktop)$/],
]

/** Characters that some file systems drop from names. They must not hide a name from us. */
const INVISIBLE = /[\u200b-\u200f\u2060-\u2064\ufeff]/g

/**
 * @param paths of the entries that a copy writes, with or without a leading slash
 * @param executables those of them that are marked executable
 * @returns one warning per path, in the order of `paths`
 */
export function contentWarnings(
  paths: Iterable<string>,
  executables: Iterable<string> = [],
): ContentWarning[] {
  const runnable = new Set(executables)
  const warnings: ContentWarning[] = []
  for (const path of paths) {
    const kind = kindOf(path) ?? (runnable.has(path) ? 'executable' : undefined)
    if (kind) warnings.push({ path, kind })
  }
  return warnings
}

function kindOf(path: string): WarningKind | undefined {
  const plain = path.replace(INVISIBLE, '').toLowerCase()
  return PATTERNS.find(([, pattern]) => pattern.test(plain))?.[0]
}
