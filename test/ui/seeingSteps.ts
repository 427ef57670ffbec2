/** Who is connected and what moved: views, status bar, dashboard, on both sides. */
import assert from 'node:assert/strict'
import type { Cast } from './cast'

export function seeingSteps(cast: () => Cast): void {
  it('shows each of them the other, and what was transferred', async () => {
    const { atAlice, atBob } = cast()
    await Promise.all([
      atAlice.view('Peers').tree.row('Bob').waitFor(),
      atAlice
        .view('Shares')
        .tree.row(/^garden1 peer/)
        .waitFor(),
      atAlice
        .view('Transfers')
        .tree.row(/garden.*done/)
        .waitFor(),
      atAlice.statusBarItem().getByText('1 peer').waitFor(),
      atBob.view('Peers').tree.row('Alice').waitFor(),
      atBob
        .view('Opened Shares')
        .tree.row(/^garden1 peer/)
        .waitFor(),
      atBob
        .view('Transfers')
        .tree.row(/garden.*done/)
        .waitFor(),
      atBob.statusBarItem().getByText('1 peer').waitFor(),
    ])
    const tooltip = await atBob.view('Peers').tree.row('Alice').tooltip('Received')
    assert.match(tooltip, /Shares in common: garden/)
    assert.match(tooltip, /Received 70\d kB/)
    await atBob.screenshot('see-views')
  })

  it('shows all of it on the dashboard', async () => {
    const { atBob } = cast()
    await atBob.runCommand('Peerfold: Open Dashboard')
    const dashboard = atBob.webview
    const region = (name: string) => dashboard.getByRole('region', { name, exact: true })
    await region('Peers').getByText('Alice').waitFor()
    await region('Opened Shares').getByText('garden', { exact: true }).waitFor()
    await region('Transfers').getByText('garden').first().waitFor()
    await region('Opened Shares')
      .getByText(/All of it is here/)
      .waitFor()
    await atBob.screenshot('see-dashboard')
  })
}
