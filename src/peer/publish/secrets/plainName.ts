/**
 * The name of a file without what editors, backups and copying add to it, so that `.npmrc.swp`, `.npmrc~` and
 * `.npmrc (1)` are judged as the `.npmrc` they hold.
 */

const DATE = String.raw`[._ -](?:19|20)\d{2}[-_.]?[01]\d[-_.]?[0-3]\d(?:[t_. -]?\d{2}[-_:.]?\d{2}(?:[-_:.]?\d{2})?z?)?`
const COPY_WORDS = 'copy|kopie|kopia|copie|copia|cópia|копия|コピー|副本'
/** ` copy 2`, ` - Copy (2)`, ` (1)`, ` (another copy)`, ` (Ann's conflicted copy 2026-01-02)`, `.sync-conflict-…`. */
const COPY = [
  String.raw`[ ._-]+(?:${COPY_WORDS})(?: ?\d+| ?\(\d+\))?`,
  String.raw` ?\(\d+\)`,
  String.raw` \([^()]*(?:${COPY_WORDS}|conflict)[^()]*\)`,
  String.raw`\.(?:sync-)?conflict-[\w-]+`,
].join('|')
const BACKUP = String.raw`[._-](?:bak|backup|bkp|orig|original|old|save|prev|previous)\d*`
/** Only at the very end of a name. */
const LAST = [
  String.raw`\.~\d+~|\.un~|~|#`,
  String.raw`\.sw[a-z]`,
  '[._-](?:tmp|temp|disabled|off|rpm(?:save|new|orig)|(?:dpkg|ucf)-(?:old|new|dist|bak|tmp))',
  String.raw`\.\d{1,3}|[._-]\d{10}`,
].join('|')

const AT_END = new RegExp(`(?:${LAST}|${BACKUP}|${COPY}|${DATE})$`)
const BEFORE_ENDING = new RegExp(`^(.+?)(?:${BACKUP}|${COPY}|${DATE})(\\.[a-z0-9]{1,8})$`)
const AT_BEGIN = /^(?:copy of |kopie von |copie de |copia de |\.~lock\.|\.#|#|~\$|\._)/
/** A quick test: all of the above need this. */
const MAY_BE_DECORATED = new RegExp(
  [
    '[~#)]',
    `[._ -](?:bak|backup|bkp|ori|old|save|prev|tmp|temp|disabled|off|rpm|dpkg|ucf|sw[a-z]$|sync-|conflict|${COPY_WORDS})`,
    String.raw`\d{4}|\.\d|^(?:copy|kopie|copie|copia) |^\.[_]`,
  ].join('|'),
)

/**
 * @param name in lower case, without folders
 * @returns the same name when nothing was added to it; never an empty one
 */
export function plainName(name: string): string {
  let plain = name
  while (MAY_BE_DECORATED.test(plain)) {
    const next = withoutOne(plain)
    if (next === plain || next === '' || next === '.') break
    plain = next
  }
  return plain
}

function withoutOne(name: string): string {
  if (name.startsWith('.~lock.') && name.endsWith('#')) return name.slice('.~lock.'.length, -1)
  const atBegin = name.replace(AT_BEGIN, '')
  if (atBegin !== name) return atBegin
  const atEnd = name.replace(AT_END, '')
  return atEnd === name ? name.replace(BEFORE_ENDING, '$1$2') : atEnd
}

/** An editor puts a dot before the name of what it is writing, as in `.id_rsa.swp`: the name with it and without. */
export function possibleNames(plain: string): readonly string[] {
  const names = [plain]
  for (let name = plain; name.startsWith('.') && name.length > 1; names.push(name))
    name = plainName(name.slice(1))
  return names
}
