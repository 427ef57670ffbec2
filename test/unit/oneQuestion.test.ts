import assert from 'node:assert/strict'
import { OneQuestion } from '../../src/editor/commands/oneQuestion'

describe('questions from outside', () => {
  it('are asked once for one thing, however often an address is called', async () => {
    const questions = new OneQuestion<string>()
    const shown: string[] = []
    const answers = Array.from({ length: 100 }, () =>
      questions.ask('share', async () => {
        shown.push('share')
        return 'opened'
      }),
    )
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['opened']))
    assert.deepEqual(shown, ['share'])
  })

  it('are asked again when the first was answered', async () => {
    const questions = new OneQuestion<string>()
    assert.equal(await questions.ask('share', async () => undefined), undefined)
    assert.equal(await questions.ask('share', async () => 'opened'), 'opened')
  })

  it('show one after the other, and no more than a few wait', async () => {
    const questions = new OneQuestion<string>()
    let showing = 0
    const answers = Array.from({ length: 10 }, (_, number) =>
      questions.ask(`share ${number}`, async () => {
        assert.equal(++showing, 1)
        await new Promise(setImmediate)
        showing--
        return `opened ${number}`
      }),
    )
    const opened = (await Promise.all(answers)).filter(answer => answer !== undefined)
    assert.deepEqual(opened, ['opened 0', 'opened 1', 'opened 2', 'opened 3'])
  })

  it('go on after one that failed, which only its asker is told', async () => {
    const questions = new OneQuestion<string>()
    const failing = questions.ask('broken', async () => {
      throw new Error('no')
    })
    const next = questions.ask('share', async () => 'opened')
    await assert.rejects(failing, /no/)
    assert.equal(await next, 'opened')
  })
})
