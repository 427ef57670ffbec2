/**
 * What a block costs beside its bytes (requests, hashes of the tree read and written, hops between threads) is what a
 * transfer of large files takes longest for: with 512 KiB a fetch took a quarter more processor time, with 2 MiB hardly less.
 */
export const BLOCK_BYTES = 1024 * 1024
/** Files up to this size are read whole. */
export const WHOLE_FILE_BYTES = 8 * 1024 * 1024
