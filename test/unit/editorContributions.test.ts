import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LIMIT_NAMES, limitSetting } from '../../src/common/limitSettings'
import { chosenLimits } from '../../src/editor/chosenLimits'
import {
  CONTAINER,
  CONTEXT_KEYS,
  Commands,
  EXTENSION_SCHEME,
  SETTINGS,
  Views,
  WAITING_EDITOR,
} from '../../src/editor/contributions'
import { DEFAULT_LIMITS, limitsOf } from '../../src/peer/limits'
import { parseParams } from '../../src/peer/service/params'
import { projectRoot } from '../support/projectRoot'

interface Setting {
  readonly default: unknown
  readonly scope: string
  readonly minimum?: number
  readonly maximum?: number
}
interface MenuItem {
  readonly command: string
  readonly when?: string
}
interface Manifest {
  readonly activationEvents: readonly string[]
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] }
  }
  readonly contributes: {
    readonly commands: readonly {
      readonly command: string
      readonly title: string
      readonly category: string
    }[]
    readonly viewsContainers: {
      readonly activitybar: readonly { readonly id: string; readonly icon: string }[]
    }
    readonly views: Readonly<Record<string, readonly { readonly id: string; readonly icon: string }[]>>
    readonly viewsWelcome: readonly {
      readonly view: string
      readonly contents: string
      readonly when: string
    }[]
    readonly customEditors: readonly {
      readonly viewType: string
      readonly selector: unknown
      readonly priority: string
    }[]
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>
    readonly configuration: {
      readonly properties: Readonly<Record<string, Setting>>
    }
  }
}

const manifestText = readFileSync(join(projectRoot, 'package.json'), 'utf8')
const manifest: Manifest = JSON.parse(manifestText)
const words: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(projectRoot, 'package.nls.json'), 'utf8'),
)
const { contributes } = manifest
const commandIds = contributes.commands.map(({ command }) => command)

describe('what package.json contributes', () => {
  it('has exactly the commands the code knows', () => {
    assert.deepEqual([...commandIds].sort(), Object.values(Commands).sort())
  })

  it('has exactly the views the code knows, in the one container, each with an icon', () => {
    const views = contributes.views[CONTAINER] ?? []
    assert.deepEqual(
      views.map(({ id }) => id),
      Object.values(Views),
    )
    assert.deepEqual(Object.keys(contributes.views), [CONTAINER])
    assert.ok(views.every(({ icon }) => icon.startsWith('$(')))
  })

  it('has exactly the settings the code reads, with the same defaults, and none that a workspace can set', () => {
    const properties = Object.entries(contributes.configuration.properties)
    assert.deepEqual(
      Object.fromEntries(
        properties.map(([name, { default: value }]) => [name.replace('peerfold.', ''), value]),
      ),
      SETTINGS,
    )
    assert.ok(properties.every(([, { scope }]) => scope === 'machine'))
    assert.deepEqual(
      [...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort(),
      properties.map(([name]) => name).sort(),
    )
  })

  it('has the one editor the code knows, offered for files of shares alone and chosen by nobody else', () => {
    assert.deepEqual(
      contributes.customEditors.map(({ viewType, selector, priority }) => ({ viewType, selector, priority })),
      [
        {
          viewType: WAITING_EDITOR,
          selector: [{ filenamePattern: `${EXTENSION_SCHEME}:/**` }],
          priority: 'option',
        },
      ],
    )
  })

  it('has a setting for every limit, with the default of the peer process', () => {
    for (const name of LIMIT_NAMES) {
      const { setting, unit, usual } = limitSetting(name)
      const contributed = contributes.configuration.properties[`peerfold.${setting}`]
      assert.equal(contributed?.default, usual, setting)
      assert.equal(DEFAULT_LIMITS[name], usual * unit, setting)
    }
    assert.deepEqual(Object.keys(DEFAULT_LIMITS).sort(), [...LIMIT_NAMES].sort())
  })

  it('raises a limit by the smallest step, and by every larger one', () => {
    for (const name of LIMIT_NAMES) {
      const { setting, usual } = limitSetting(name)
      const chosen = (value: number) =>
        limitsOf(chosenLimits(asked => (asked === setting ? value : undefined)))
      assert.deepEqual(chosen(usual), DEFAULT_LIMITS)
      let before = DEFAULT_LIMITS[name]
      for (const value of [usual + 1, usual + 2, usual + 30]) {
        assert.ok(chosen(value)[name] > before, `${setting} ${value}`)
        assert.deepEqual({ ...chosen(value), [name]: 0 }, { ...DEFAULT_LIMITS, [name]: 0 })
        before = chosen(value)[name]
      }
      assert.ok(chosen(usual - 1)[name] < DEFAULT_LIMITS[name], setting)
    }
  })

  it('passes over limits that earlier versions let be chosen', () => {
    const earlier: Record<string, number> = { openRequests: 1_024, requestBytes: 5e8, connections: 60 }
    assert.deepEqual(limitsOf(earlier), { ...DEFAULT_LIMITS, connections: 60 })
    assert.deepEqual(parseParams('settings.set', { limits: earlier }), { limits: { connections: 60 } })
  })

  it('lets every limit be chosen between what the peer process takes, and no further', () => {
    for (const limit of LIMIT_NAMES) {
      const { setting, unit } = limitSetting(limit)
      const { minimum, maximum } = contributes.configuration.properties[`peerfold.${setting}`] ?? {}
      const isTaken = (value: number) => {
        try {
          return parseParams('settings.set', { limits: { [limit]: value } }).limits?.[limit] === value
        } catch {
          return false
        }
      }
      assert.ok(minimum !== undefined && isTaken(minimum * unit), setting)
      if (maximum === undefined) continue
      assert.ok(isTaken(maximum * unit), setting)
      assert.ok(!isTaken(minimum * unit - 1) && !isTaken(maximum * unit + 1), setting)
    }
  })

  it('asks in its when-clauses for context keys that are set, and for no others', () => {
    const asked = [...manifestText.matchAll(/"when": "((?:[^"\\]|\\.)*)"/g)].flatMap(([, when = '']) =>
      [...when.replace(/(?:view|focusedView) == '?peerfold\.\w+/g, '').matchAll(/peerfold\.\w+/g)].map(
        ([key]) => key,
      ),
    )
    assert.deepEqual([...new Set(asked)].sort(), Object.keys(CONTEXT_KEYS).sort())
  })

  it('offers in menus and welcome texts only commands that exist', () => {
    const inMenus = Object.values(contributes.menus).flatMap(items => items.map(({ command }) => command))
    const inWelcome = contributes.viewsWelcome.flatMap(({ contents }) =>
      [...worded(contents).matchAll(/\(command:(peerfold\.\w+)/g)].map(([, command]) => command),
    )
    for (const command of [...inMenus, ...inWelcome])
      assert.ok(command && commandIds.includes(command), command)
  })

  it('has words for every key, and no key without use', () => {
    const used = [...manifestText.matchAll(/"%([\w.]+)%"/g)].map(([, key = '']) => key)
    assert.deepEqual([...new Set(used)].sort(), Object.keys(words).sort())
  })

  it('names the main command as people look for it', () => {
    const share = contributes.commands.find(({ command }) => command === Commands.shareFolder)
    assert.equal(worded(share?.title ?? ''), 'Share Folder with Peer')
    assert.equal(share?.category, 'Peerfold')
  })

  it('offers no sharing from the Explorer in Restricted Mode, and none of files of a share', () => {
    const items = contributes.menus['explorer/context'] ?? []
    const sharing = items.filter(({ command }) => /share(Folder|File)$/.test(command))
    assert.equal(sharing.length, 2)
    for (const { when = '' } of sharing)
      assert.match(when, /resourceScheme != 'peerfold' && isWorkspaceTrusted/)
  })

  it('offers to retry only transfers that can be done once more, and to stop also a share with a problem', () => {
    const offers = (command: string, row: string) =>
      (contributes.menus['view/item/context'] ?? []).some(item => {
        const [, view = '', pattern = ''] =
          /^view == peerfold\.(\w+) && viewItem =~ \/(.+?)\/(?: |$)/.exec(item.when ?? '') ?? []
        const isOfView = view === (row.startsWith('share:') ? 'shares' : 'transfers')
        return item.command === command && isOfView && new RegExp(pattern).test(row)
      })
    assert.ok(offers(Commands.retry, 'transfer:copy:failed:folder'))
    for (const row of ['copy:paused', 'copy:cancelled', 'import:failed', 'seed:failed'])
      assert.ok(!offers(Commands.retry, `transfer:${row}:folder`), row)
    assert.ok(offers(Commands.stopShare, 'share:failed:folder'))
    assert.ok(offers(Commands.retry, 'share:failed:folder'))
    assert.ok(!offers(Commands.stopShare, 'share:stopped:folder'))
  })
})

describe('the texts that the editor shows', () => {
  /** Every `l10n.t('…')` of what the editor shows: its own side, the dashboard's, and what they have in common. */
  const rooms = ['editor', 'dashboard', 'common'].flatMap(room => sourceFiles(join(projectRoot, 'src', room)))
  const texts = rooms.flatMap(file => {
    const source = readFileSync(file, 'utf8')
    const found = [...source.matchAll(/l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, text = '']) => text)
    const calls = source.match(/\bl10n\.t\((?!')/g)?.length ?? 0
    const plain = [...source.matchAll(/\bl10n\.t\(\s*'/g)].length
    assert.ok(found.length === plain && calls <= plain, `${file} words a text that cannot be collected`)
    return found
  })

  // After a change of texts: UPDATE_TEXTS=1 with this test writes the bundle anew.
  it('all stand in the bundle that translations start from', () => {
    const file = join(projectRoot, 'l10n', 'bundle.l10n.json')
    const sorted = [...new Set(texts)].sort()
    const wanted = Object.fromEntries(sorted.map(text => [text, text]))
    if (process.env.UPDATE_TEXTS === '1') writeFileSync(file, `${JSON.stringify(wanted, null, 2)}\n`)
    assert.ok(sorted.length > 50)
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), wanted)
  })
})

function worded(title: string): string {
  return words[title.replaceAll('%', '')] ?? title
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file))
}
