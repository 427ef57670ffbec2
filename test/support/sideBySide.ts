/** Tests that are mostly waiting, run at the same time: each is still a test of its own, with its own result. */

/** @param skip marks the test as pending, with the reason; return after it */
export type Story = (skip: (reason: string) => void) => Promise<void>

/** Milliseconds: the first run of all installs what some stories need. */
const LONGEST = 300_000

/** Defines a test for each story. All start together when the suite's `before` hooks are done. */
export function sideBySide(stories: Readonly<Record<string, Story>>): void {
  const running = new Map<string, Promise<string | undefined>>()
  before(() => {
    for (const [title, tell] of Object.entries(stories)) {
      let skipped: string | undefined
      const skip = (reason: string) => {
        skipped = reason
      }
      const told = tell(skip).then(() => skipped)
      told.catch(() => {}) // rejects again in its test
      running.set(title, told)
    }
  })
  for (const title of Object.keys(stories)) {
    it(title, async function () {
      this.timeout(LONGEST)
      const skipped = await running.get(title)
      if (skipped === undefined) return
      console.log(`      skipped: ${skipped}`)
      this.skip()
    })
  }
}
