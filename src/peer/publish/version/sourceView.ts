/**
 * What is in the shared folder or file: scanned, and from then on looked at where something changed, as long as that
 * tells the same as a scan would (scan/look.ts).
 */
import type { DrivePath } from '../../../common/brand'
import type { ShareRecord } from '../../store/catalog'
import { type Look, lookAt } from '../scan/look'
import { scanFile, scanFolder } from '../scan/scan'
import type { ScanOptions, ScanResult } from '../scan/scanned'
import type { ScannedFolder } from '../scan/scanResult'
import { RULES_VERSION } from './newlyHidden'

export interface Seen {
  readonly scan: ScanResult
  /** Undefined: everything was looked at. */
  readonly look: Look | undefined
  /** Milliseconds it took. */
  readonly took: number
}

export type SourceOptions = Required<Pick<ScanOptions, 'ignore' | 'dataFolder' | 'onLeftOut'>>

export class SourceView {
  private scanned: ScannedFolder | undefined
  /** What that scan was asked, beside the disks. */
  private asked = ''

  constructor(private readonly record: () => ShareRecord) {}

  /**
   * @param names drive paths of all that may have changed since the last look; undefined: anything may have
   * @param mayLeave whether so few paths may leave the share that nobody need ask where they went
   * @throws what a scan throws; then everything is looked at next time
   */
  async see(
    options: SourceOptions,
    names: ReadonlySet<DrivePath> | undefined,
    mayLeave: (paths: number) => boolean,
    signal: AbortSignal,
  ): Promise<Seen> {
    const started = performance.now()
    const look = await this.look(options, names, signal)
    if (look !== undefined && look.scan.files.length > 0 && mayLeave(look.gone.length))
      return { scan: look.scan, look, took: performance.now() - started }
    const scan = await this.scan(options, signal)
    return { scan, look: undefined, took: performance.now() - started }
  }

  /** Everything has to be looked at next time. */
  forget(): void {
    this.scanned = undefined
  }

  private async look(
    { ignore, dataFolder }: SourceOptions,
    names: ReadonlySet<DrivePath> | undefined,
    signal: AbortSignal,
  ): Promise<Look | undefined> {
    const { scanned } = this
    const { source, allow, boundaries = [], rules, hidden } = this.record()
    // Only a scan tells whether files that newer rules hide are still hidden.
    const isDecided = rules === RULES_VERSION && hidden === undefined
    if (names === undefined || scanned === undefined || !isDecided) return undefined
    if (this.asked !== this.question(ignore)) return undefined
    this.scanned = undefined // until it is known to be up to date
    const look = await lookAt(source, scanned, names, { allow, boundaries, dataFolder, signal })
    if (look !== undefined) this.scanned = scanned
    return look
  }

  private async scan(options: SourceOptions, signal: AbortSignal): Promise<ScanResult> {
    this.scanned = undefined
    const { source, isFile, allow, boundaries } = this.record()
    const scanOptions = { ...options, allow, ...(boundaries === undefined ? {} : { boundaries }), signal }
    if (isFile) return scanFile(source, scanOptions)
    const scan = await scanFolder(source, scanOptions)
    this.scanned = scan.scanned
    this.asked = this.question(options.ignore)
    return scan
  }

  private question(ignore: readonly string[]): string {
    return JSON.stringify([ignore, this.record().allow])
  }
}

/** The folder that drive paths begin in. */
export function rootOf({ isFile, source }: Pick<ShareRecord, 'isFile' | 'source'>): string {
  return isFile ? source.replace(/[/\\][^/\\]*$/, '') || '/' : source
}
