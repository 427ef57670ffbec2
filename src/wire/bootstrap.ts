/** The bootstrap nodes of programs that were told none, as their data folder: for scripts and for development. */

/** What `PEERFOLD_BOOTSTRAP` in the environment names, `host:port[,host:port…]`; undefined: the public nodes. */
export function defaultBootstrap(env: NodeJS.ProcessEnv = process.env): readonly string[] | undefined {
  const nodes = (env.PEERFOLD_BOOTSTRAP ?? '').split(',').map(node => node.trim())
  const named = nodes.filter(node => node !== '')
  return named.length === 0 ? undefined : named
}
