/** The peer process was ended on purpose by somebody else, for instance by `peerfold stop`. */
export class PeerStopped extends Error {
  constructor() {
    super('The peer process was stopped.')
  }
}
