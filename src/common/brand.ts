/** Marks a string type so that, say, a share id can never be passed where a drive path is wanted. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** A Hyperdrive's public key, 64 lower-case hex digits. Whoever has it (and the encryption key) can read. Secret. */
export type DriveKey = Brand<string, 'DriveKey'>

/** The key that decrypts a private share's blocks, 64 lower-case hex digits. Secret. */
export type EncryptionKey = Brand<string, 'EncryptionKey'>

/** A share's discovery key in z-base-32, 52 characters. Reveals nothing of the key; safe in URIs, titles and logs. */
export type ShareId = Brand<string, 'ShareId'>

/** An absolute path inside a share: starts with '/', components separated by '/', as the sharer wrote it. Untrusted. */
export type DrivePath = Brand<string, 'DrivePath'>

/** The first characters of a peer's Noise public key in z-base-32. Safe to show and to log. */
export type PeerId = Brand<string, 'PeerId'>
