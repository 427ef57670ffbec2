/**
 * Ends a run of a copy: content that it was about to write was superseded, and nobody has it any more
 * (drive/absentBytes.ts). The copy is planned again with the newest version.
 */
export class Superseded extends Error {}
