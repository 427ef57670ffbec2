/**
 * Alice shares a folder and Bob opens it: what two people do in their windows, from the first click to the day when
 * she is gone and comes back. The steps stand in files of their own, in the order in which they happen.
 */
import { join } from 'node:path'
import { makeTree } from '../support/folders'
import type { Cast } from './cast'
import { deepLinkSteps } from './deepLinkSteps'
import { followingSteps } from './followingSteps'
import { makeGarden } from './garden'
import { goneAndBackSteps } from './goneAndBackSteps'
import { historySteps } from './historySteps'
import { openingSteps } from './openingSteps'
import { seeingSteps } from './seeingSteps'
import { sharingSteps } from './sharingSteps'
import { Stage } from './stage'
import { syncSteps } from './syncSteps'
import { windowsSteps } from './windowsSteps'

describe('two people and a folder', () => {
  const stage = new Stage()
  let cast: Cast

  before('both have VS Code with Peerfold and a folder open', async () => {
    const [alice, bob] = await Promise.all([stage.install('Alice'), stage.install('Bob')])
    const [garden, shed] = await Promise.all([
      makeGarden(alice.home),
      makeTree(join(bob.home, 'shed'), { 'tools.md': '# Tools\n\nOne spade, two rakes.\n' }),
    ])
    const [atAlice, atBob] = await Promise.all([alice.openWindow(garden), bob.openWindow(shed)])
    await Promise.all([atAlice.openContainer('Peerfold'), atBob.openContainer('Peerfold')])
    cast = { alice, bob, garden, atAlice, atBob, link: '' }
  })

  sharingSteps(() => cast)
  openingSteps(() => cast)
  seeingSteps(() => cast)
  deepLinkSteps(() => cast)
  followingSteps(() => cast)
  historySteps(() => cast)
  syncSteps(() => cast)
  goneAndBackSteps(() => cast, stage)
  windowsSteps(() => cast, stage)
})
