/** The bench is run on request only; this keeps it from rotting: Peerfold alone, twenty files, one round. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/folders'
import { startProcess } from '../support/ownedProcess'
import { built } from '../support/projectRoot'

describe('the bench', () => {
  it('moves a small folder by Peerfold and reports times, processor time and memory', async () => {
    const folder = temporaryFolder('bench')
    const json = join(folder, 'figures.json')
    const args = [
      '--only',
      'smoke,saves-smoke,disk-smoke,versions-smoke',
      '--tools',
      'peerfold',
      '--rounds',
      '1',
      '--folder',
      folder,
      '--json',
      json,
    ]
    const bench = startProcess(process.execPath, [built('test/bench/run.bench.js'), ...args])
    const { code } = await bench.ended
    const output = [...bench.stdout, ...bench.stderr].join('\n')
    assert.equal(code, 0, output)
    assert.match(output, /\| peerfold \| \d+\.\d\d \|/)

    const { workloads } = JSON.parse(readFileSync(json, 'utf8'))
    const [{ files, runs }, saving, inStep, versions] = workloads
    const [{ spent, processes }] = runs
    assert.equal(files, 20)
    for (const measure of [
      'prepare',
      'fetch',
      'fetch again',
      'prepare again',
      'first byte',
      'first byte, found',
    ])
      assert.ok(spent[measure].seconds > 0, measure)
    const [{ saves }] = saving.runs
    assert.ok(saves.p50 > 0 && saves.p95 >= saves.p50, JSON.stringify(saves))
    const { p50, p95, half } = inStep.runs[0].onDisk
    assert.ok(p50 > 0 && p95 >= p50 && half > 0, JSON.stringify(inStep))
    const { sender, receiver } = versions.runs[0].listed
    assert.ok(sender > 0 && receiver > 0, JSON.stringify(versions))
    if (process.platform !== 'linux') return // processes are watched through /proc
    for (const side of ['sender', 'receiver']) {
      const peers = processes.filter(
        (process: { side: string; name: string }) => process.side === side && process.name === 'peer.js',
      )
      assert.ok(peers.length > 0, side)
      for (const { peak } of peers) assert.ok(peak > 20e6, `a peer process peaked at ${peak} bytes`)
    }
  }).timeout(180_000) // every cell once: more than a minute beside three other suites
})
