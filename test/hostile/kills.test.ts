/** Some kills at moments nobody chose, others in every run; `npm run torture` makes it a thousand. */
import { attackGroup } from '../support/attacks'
import { killPublishers, killReceivers } from '../support/torture'

const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)

attackGroup('kill -9', () => {
  const log = (line: string) => console.log(`      ${line}`)
  let publishers: Promise<void>
  let receivers: Promise<void>

  before(() => {
    log(`seed ${seed}`)
    publishers = killPublishers({ kills: 9, seed, log })
    receivers = killReceivers({ kills: 6, seed, log })
    for (const running of [publishers, receivers]) running.catch(() => {}) // rejects again below
  })

  it('of a publisher: the store opens again, every version is whole, the link stays', async function () {
    this.timeout(120_000)
    await publishers
  })

  it('of receivers and commands: every file is old or new, and the copy is finished in the end', async function () {
    this.timeout(120_000)
    await receivers
  })
})
