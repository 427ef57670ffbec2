/** Files up to this size (bytes) are read whole. */
export const WHOLE_FILE_BYTES = 8 * 1024 * 1024
