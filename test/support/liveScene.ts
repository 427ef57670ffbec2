/** The scene of tests about folders in sync: a folder that Ann shares, and one of Bob's that follows it. */
import assert from 'node:assert/strict'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { KeptFile, LiveCopyState, LiveQuestion, LiveStatus } from '../../src/common/model'
import type { Params } from '../../src/common/protocol'
import { compareTrees, makeTree, type Tree, temporaryFolder } from './folders'
import type { Person } from './person'

export class LiveScene {
  live = ''
  /** Ann's shared folder; empty before `open`, as the id and the link of the share. */
  source = ''
  id = '' as ShareId
  link = ''

  constructor(
    readonly ann: Person,
    readonly bob: Person,
    /** Bob's folder. */
    public folder = '',
  ) {}

  /** Ann shares a folder, and Bob's follows it. */
  async begin(
    tree: Tree,
    { folder, isWatched, ...more }: Begin & Partial<Params<'live.start'>> = {},
  ): Promise<void> {
    await this.open(tree, { ...(folder && { folder }), ...(isWatched && { isWatched }) })
    await this.start(more)
  }

  /** Ann shares a folder, Bob opens it, and nothing follows it yet. */
  async open(tree: Tree, { folder = temporaryFolder('live'), isWatched = false }: Begin = {}): Promise<void> {
    this.folder = folder
    this.source = await makeTree(temporaryFolder('source'), tree)
    this.link = (await this.ann.publish(this.source, { keep: true, once: !isWatched })).link
    this.id = await this.bob.open(this.link, { keep: true })
  }

  async start(more: Partial<Params<'live.start'>> = {}): Promise<void> {
    const { id, folder, bob } = this
    const params = { id, path: '/' as DrivePath, folder, keep: true, ...more }
    this.live = (await bob.request('live.start', params)).live
    await bob.until('it is told', () => bob.state.live?.some(each => each.id === this.live) === true)
  }

  async end(): Promise<void> {
    await this.bob.request('open.remove', { id: this.id })
    await this.ann.request('share.remove', { id: this.id })
  }

  get state(): LiveCopyState {
    const found = this.bob.state.live?.find(each => each.id === this.live)
    assert.ok(found, 'it is told')
    return found
  }

  /** Publishes what the shared folder holds now. → the version that has it */
  published(): Promise<number> {
    return this.ann.rescan(this.id)
  }

  /** Publishes, and waits until the folder is in step with that. */
  async caughtUp(what = 'in step'): Promise<void> {
    const version = await this.published()
    await this.until(what, ({ status, version: at = 0 }) => status.kind === 'in-step' && at >= version)
  }

  until(what: string, isSo: (state: LiveCopyState) => boolean): Promise<void> {
    return this.bob.until(what, () => {
      const state = this.bob.state.live?.find(each => each.id === this.live)
      return state !== undefined && isSo(state)
    })
  }

  becomes(kind: LiveStatus['kind']): Promise<void> {
    return this.until(`it is ${kind}`, ({ status }) => status.kind === kind)
  }

  /** It waits, and says this error. */
  waits(code: string): Promise<void> {
    return this.until(
      `it waits: ${code}`,
      ({ status }) => status.kind === 'waiting' && status.error.code === code,
    )
  }

  asks(kind: LiveQuestion['kind']): Promise<void> {
    return this.until(
      `it asks about ${kind}`,
      ({ status }) => status.kind === 'asking' && status.question.kind === kind,
    )
  }

  /** Publishes, and waits until Bob knows that there is something new. */
  async heard(): Promise<void> {
    const version = await this.published()
    await this.bob.until('bob knows', () => (this.bob.opened(this.id)?.contents?.version ?? 0) >= version)
  }

  /** What `change` does to Ann's folder reaches Bob's as one version, also where it is watched. */
  async atOnce(change: () => Promise<unknown>): Promise<void> {
    const { bob, live } = this
    await bob.request('live.pause', { live })
    await change()
    await this.heard()
    await bob.request('live.resume', { live })
  }

  async kept(): Promise<KeptFile[]> {
    return (await this.bob.request('kept.list', {})).filter(({ share }) => share === this.id)
  }

  async holdsTheSame(): Promise<void> {
    assert.deepEqual(await compareTrees(this.source, this.folder), [])
  }
}

interface Begin {
  /** Bob's; a new one when absent. */
  readonly folder?: string
  /** Changes in Ann's folder are also published by themselves, in as many versions as the watcher makes of them. */
  readonly isWatched?: boolean
}
