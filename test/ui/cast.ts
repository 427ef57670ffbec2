/** Who plays in the story of share.test.ts. Windows change when VS Code is started again. */
import type { Workbench } from '../support/pages'
import type { Installation } from './installation'

export interface Cast {
  readonly alice: Installation
  readonly bob: Installation
  /** Path of the folder that Alice shares. */
  readonly garden: string
  atAlice: Workbench
  atBob: Workbench
  /** What Alice sent to Bob; empty before. */
  link: string
}
