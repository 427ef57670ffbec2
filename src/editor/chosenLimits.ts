/** Limits as the user chose them in settings, counted as the peer process counts. Pure. */
import { LIMIT_NAMES, type LimitName, limitSetting } from '../common/limitSettings'
import type { Params } from '../common/protocol'

/**
 * The limits that differ from the usual ones, which the peer process knows. A value that it would refuse is brought
 * within its bounds.
 *
 * @param get what the user chose, by the setting's name below `peerfold.`
 */
export function chosenLimits(
  get: (setting: string) => unknown,
): NonNullable<Params<'settings.set'>['limits']> {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const name of LIMIT_NAMES) {
    const { setting, unit, usual, most } = limitSetting(name)
    const count = clamp(get(setting), 1, most ?? Number.MAX_SAFE_INTEGER / unit, usual)
    if (count !== usual) limits[name] = Math.floor(count * unit)
  }
  return limits
}

/** The value within its bounds, or `otherwise` for what is no number. */
export function clamp(value: unknown, low: number, high: number, otherwise: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return otherwise
  return Math.min(high, Math.max(low, value))
}
