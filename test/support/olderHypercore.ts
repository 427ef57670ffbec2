/**
 * Corestore and Hyperdrive upon hypercore 11.37.1, beside those upon ours. Other Hyperdrive clients and Peerfold 0.3.0
 * run that version, and cannot be asked to update. The reader's Hypercore decides what becomes of messages, so a test
 * between two new ones does not cover them.
 */
import { createRequire } from 'node:module'

const OLDER = 'hypercore-11-37'
/** Packages that load Hypercore. */
const ABOVE = ['corestore', 'hyperdrive'] as const

export interface HyperPackages {
  readonly Corestore: typeof import('corestore')
  readonly Hyperdrive: typeof import('hyperdrive')
}

const load = createRequire(__filename)
let older: HyperPackages | undefined

export function olderHypercore(): HyperPackages {
  older ??= loadUpon(OLDER)
  return older
}

/** Loads what is above Hypercore once more, while another Hypercore stands in its place. */
function loadUpon(replacement: string): HyperPackages {
  load(replacement)
  const { cache } = load
  const replaced = ['hypercore', ...ABOVE].map(name => load.resolve(name))
  const before = replaced.map(file => cache[file])
  const [hypercore = ''] = replaced
  for (const file of replaced) delete cache[file]
  cache[hypercore] = cache[load.resolve(replacement)]
  try {
    return { Corestore: load('corestore'), Hyperdrive: load('hyperdrive') }
  } finally {
    for (const [at, file] of replaced.entries()) {
      const module = before[at]
      if (module === undefined) delete cache[file]
      else cache[file] = module
    }
  }
}
