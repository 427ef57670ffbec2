import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import {
  isUntitledWorkspace,
  type Remedy,
  remedyFor,
  type StartedWindow,
  workspaceFile,
} from '../../src/editor/commands/lostFolders'
import { temporaryFolder } from '../support/folders'

const share = 'peerfold://y/'
const before = ['file:///home/bob/shed']

describe('a window that starts after a share was to be added to a workspace', () => {
  const cases: readonly (readonly [what: string, window: StartedWindow, remedy: Remedy])[] = [
    [
      'has the share, and is left alone',
      { folders: [...before, share], isUntitled: true, hasShare: true },
      'none',
    ],
    [
      'lost the folders of its workspace, and gets them back',
      { folders: [], isUntitled: true, hasShare: false },
      'open',
    ],
    [
      'has no folders, as any empty window, and is asked',
      { folders: [], isUntitled: false, hasShare: false },
      'offer-opening',
    ],
    [
      'has the folders as before, as a second window of them has, and is asked',
      { folders: before, isUntitled: false, hasShare: false },
      'offer-adding',
    ],
    [
      'has other folders, and is left alone',
      { folders: ['file:///home/bob/desk'], isUntitled: false, hasShare: false },
      'not-meant',
    ],
  ]
  for (const [what, window, remedy] of cases) it(what, () => assert.equal(remedyFor(window, before), remedy))
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

describe('the workspace file that is made for folders that were lost', () => {
  it('names folders of the machine it lies on by their paths, and others by their addresses', () => {
    const own = temporaryFolder('own ü#%')
    const other = 'vscode-vfs://github/somebody/something'
    const content = workspaceFile([pathToFileURL(own).href, other], { uri: share, name: 'garden' })
    assert.deepEqual(JSON.parse(content), {
      folders: [{ path: own }, { uri: other }, { uri: share, name: 'garden' }],
    })
  })
})
