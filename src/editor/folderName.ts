/**
 * A stranger's name for a share as the name of one new folder, on any system. The peer process judges the names of the
 * files in it.
 */

const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

export function folderName(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}<>:"/\\|?*]/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^[.~-]+/, '')
  const short = [...plain]
    .slice(0, 60)
    .join('')
    .replace(/[. ]+$/, '')
  if (short === '') return 'Shared folder'
  return RESERVED.test(short) ? `Share ${short}` : short
}
