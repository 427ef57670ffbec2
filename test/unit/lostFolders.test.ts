import assert from 'node:assert/strict'
import {
  isUntitledWorkspace,
  type Remedy,
  remedyFor,
  type StartedWindow,
  TRIES,
} from '../../src/editor/commands/lostFolders'

const share = 'peerfold://y/'
const before = ['file:///home/bob/shed']

describe('a window that starts after a share was to be added to a workspace', () => {
  const lost: StartedWindow = { folders: [], isUntitled: true, hasShare: false }
  const cases: readonly (readonly [what: string, window: StartedWindow, tries: number, remedy: Remedy])[] = [
    [
      'has the share, and is left alone',
      { folders: [...before, share], isUntitled: true, hasShare: true },
      0,
      'none',
    ],
    ['lost the folders of its workspace, and gets them back', lost, 0, 'put-back'],
    ['lost them again, and gets them back', lost, TRIES - 1, 'put-back'],
    ['loses them whenever it starts, and is asked', lost, TRIES, 'offer'],
    ['has no folders, as any empty window, and is asked', { ...lost, isUntitled: false }, 0, 'offer'],
    [
      'has the folders as before, as a second window of them has, and is asked',
      { folders: before, isUntitled: false, hasShare: false },
      0,
      'offer',
    ],
    [
      'has other folders, and is left alone',
      { folders: ['file:///home/bob/desk'], isUntitled: false, hasShare: false },
      0,
      'not-meant',
    ],
  ]
  for (const [what, window, tries, remedy] of cases)
    it(what, () => assert.equal(remedyFor(window, { before, tries }), remedy))
})

describe('a workspace that nobody saved', () => {
  it('is known by its scheme, and by the place where VS Code keeps it', () => {
    const untitled = [
      'untitled:Untitled-1795974551943.code-workspace',
      'file:///home/bob/.vscode/data/User/Workspaces/Untitled-1795974551943.code-workspace',
      'vscode-remote://ssh-remote%2Bbox/home/bob/.vscode/data/User/Workspaces/Untitled-17.code-workspace',
    ]
    const saved = [
      '',
      'file:///home/bob/Untitled-1.code-workspace',
      'file:///home/bob/Workspaces/garden.code-workspace',
    ]
    assert.deepEqual(untitled.filter(isUntitledWorkspace), untitled)
    assert.deepEqual(saved.filter(isUntitledWorkspace), [])
  })
})
