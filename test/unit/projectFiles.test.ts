/** What those who carry the project on are told: commands, files and lanes that CONTRIBUTING.md and the like name. */
import { strict as assert } from 'node:assert'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatCount } from '../../src/common/format'
import { projectRoot } from '../support/projectRoot'

const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64']

const guides = ['CONTRIBUTING.md', '.vscode/launch.json', '.vscode/tasks.json', '.github/workflows/test.yml']

describe('what those who carry it on are told', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))

  for (const guide of guides) {
    it(`names only commands of npm that there are: ${guide}`, () => {
      const named = [...read(guide).matchAll(/\bnpm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name)
      const known = [...Object.keys(scripts), 'ci', 'run']
      assert.deepEqual(
        named.filter(name => !known.includes(name)),
        [],
      )
    })

    it(`names only programs and files that there are: ${guide}`, () => {
      const paths = read(guide)
        .replaceAll(/\$\{workspaceFolder\}\//g, '')
        .matchAll(/(?<![\w./-])(?:dist|test|src)\/[\w./-]*[\w/]/g)
      const named = [...paths].map(([path]) => path.replace(/\/$/, ''))
      assert.ok(named.length > 0 || guide.endsWith('test.yml'))
      assert.deepEqual(
        named.filter(path => !existsSync(join(projectRoot, path))),
        [],
      )
    })
  }

  it('names the lanes that there are', () => {
    const lanes = /^const lanes.*?^\]/ms.exec(read('test/support/lanes.ts'))?.[0] ?? ''
    const known = [...lanes.matchAll(/name: '(\w+)'/g)].map(([, name]) => name)
    const table = [...read('CONTRIBUTING.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    assert.deepEqual(table.sort(), known.sort())
  })

  it('has tasks for all that a launch configuration begins with', () => {
    const tasks: { tasks: { label: string }[] } = JSON.parse(read('.vscode/tasks.json'))
    const labels = tasks.tasks.map(({ label }) => label)
    const launch: Record<'configurations' | 'compounds', { name: string; preLaunchTask?: string }[]> =
      JSON.parse(read('.vscode/launch.json'))
    const wanted = [...launch.configurations, ...launch.compounds].flatMap(each => each.preLaunchTask ?? [])
    assert.ok(wanted.length > 0)
    for (const task of wanted) assert.ok(labels.includes(task), task)
  })

  it('starts two people at the port that their network listens at', () => {
    const port = /const PORT = ([\d_]+)/.exec(read('test/support/twoWindows.mjs'))?.[1]?.replace('_', '')
    const used = [...read('.vscode/launch.json').matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, found]) => found)
    assert.ok(used.length >= 3)
    assert.deepEqual([...new Set(used)], [port])
  })

  it('knows by its words when that network is there', () => {
    const ends = /"endsPattern": "([^"]+)"/.exec(read('.vscode/tasks.json'))?.[1]
    assert.ok(ends !== undefined)
    assert.match('Ten nodes run.', new RegExp(ends))
    assert.match(read('src/cli/commands/dht.ts'), /note\(`Ten nodes run\./)
  })
})

describe('the table of settings in README.md', () => {
  const {
    contributes,
  }: { contributes: { configuration: { properties: Record<string, { default: unknown }> } } } = JSON.parse(
    read('package.json'),
  )
  const rows = new Map(
    [...read('README.md').matchAll(/^\| `(peerfold\.\w+)` \| ([^|]+) \| \S[^|]* \|$/gm)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )

  for (const [name, { default: usual }] of Object.entries(contributes.configuration.properties)) {
    it(`has ${name} with its default`, () => {
      assert.ok(rows.has(name))
      if (typeof usual === 'number') assert.equal(rows.get(name), formatCount(usual))
      if (typeof usual === 'boolean') assert.equal(rows.get(name), usual ? 'on' : 'off')
    })
  }
})

describe('the workflow', () => {
  const workflows = readdirSync(join(projectRoot, '.github/workflows')).map(
    name => `.github/workflows/${name}`,
  )

  it('uses actions by the digest of a release, which it names', () => {
    const uses = workflows.flatMap(file =>
      [...read(file).matchAll(/uses: (.*)$/gm)].map(([, what = '']) => what),
    )
    assert.ok(uses.length > 0)
    for (const what of uses) assert.match(what, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('may only read, and runs desktop VS Code on three systems', () => {
    const workflow = read('.github/workflows/test.yml')
    assert.match(workflow, /^permissions:\n {2}contents: read\n\n/m)
    assert.doesNotMatch(workflow, /: write/)
    assert.match(workflow, /system: \[ubuntu-\S+, macos-\S+, windows-\S+\]/)
  })

  it('packages what native packages there are for all six platforms', () => {
    const listed = /TARGETS = \[(.*)\]/.exec(read('test/support/packageAll.mjs'))?.[1]
    assert.deepEqual(
      listed?.split(', ').map(target => target.replaceAll("'", '')),
      TARGETS,
    )
    const { packages }: { packages: Record<string, unknown> } = JSON.parse(read('package-lock.json'))
    for (const target of TARGETS) {
      const glibc = target.startsWith('linux') ? '-glibc' : ''
      assert.ok(`node_modules/@parcel/watcher-${target}${glibc}` in packages, target)
      assert.ok(existsSync(join(projectRoot, 'node_modules/rocksdb-native/prebuilds', target)), target)
    }
  })
})

function read(file: string): string {
  return readFileSync(join(projectRoot, file), 'utf8')
}
