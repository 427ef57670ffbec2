/** z-base-32 of keys and tickets. Each text of it stands for one run of bytes, and each run of bytes has one text. */
import z32 from 'z32'

export const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'

export function encodeZ32(bytes: Uint8Array | readonly number[]): string {
  return z32.encode(Uint8Array.from(bytes))
}

/** Undefined for characters outside the alphabet, impossible lengths, and left-over bits that are not zero. */
export function decodeZ32(text: string): Uint8Array | undefined {
  const bytes = decodeLoosely(text)
  return bytes !== undefined && encodeZ32(bytes) === text ? bytes : undefined
}

/** The whole bytes in it; undefined for characters outside the alphabet. */
export function decodeLoosely(text: string): Uint8Array | undefined {
  if (!/^[ybndrfg8ejkmcpqxot1uwisza345h769]+$/.test(text)) return undefined
  return z32.decode(text).subarray(0, Math.floor((text.length * 5) / 8))
}

/** z-base-32 characters of this many bytes. */
export function lengthInZ32(bytes: number): number {
  return Math.ceil((bytes * 8) / 5)
}
