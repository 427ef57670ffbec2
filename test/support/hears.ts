import type Hypercore from 'hypercore'
import { eventually } from './eventually'

/**
 * Resolves once `here` is as long as `there` is now, for two ends of one log that are connected. `update({ wait: true })`
 * does not say that: it may be answered by what was heard before the other end grew.
 */
export async function hears(here: Hypercore, there: Hypercore): Promise<void> {
  const { length } = there
  await eventually('it heard how long the log is', () => here.length >= length)
}
