import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { PeerState } from '../../src/common/model'
import { launchBrowser } from '../support/browser'
import { projectRoot } from '../support/projectRoot'
import {
  type DashboardSite,
  dashboardPage,
  loadDashboard,
  post,
  sentBy,
  serveDashboard,
  violationsOf,
} from './dashboardPage'
import { attacks, busyState, hostileState, message, quietState, shareId } from './dashboardStates'
import { themes } from './dashboardThemes'

const screenshots = process.env.PEERFOLD_SCREENSHOTS ?? join(projectRoot, 'out', 'screenshots')

describe('the dashboard in a browser', () => {
  let browser: Browser
  let site: DashboardSite
  let page: Page

  before(async () => {
    browser = await launchBrowser()
    site = await serveDashboard()
    page = await dashboardPage(browser)
    await mkdir(screenshots, { recursive: true })
  })

  after(async () => {
    await browser?.close()
    await site?.close()
  })

  beforeEach(async () => {
    await loadDashboard(page, site, { theme: themes.dark, width: 1280 })
  })

  afterEach(async () => {
    assert.deepEqual(await violationsOf(page), [], 'the policy was violated, or the script failed')
  })

  it('shows what is shared, opened, connected and under way', async () => {
    await post(page, message(busyState))
    const text = (await page.locator('#dashboard').textContent()) ?? ''
    for (const expected of [
      "Ada's laptop",
      'Online, behind a router or firewall',
      '22 MB/s',
      'holiday photos',
      '1,204 files · 3.2 GB · 2 peers',
      'Ask whoever sent the link whether their Peerfold is running',
      'Somebody offers this share but cannot be reached',
      'TCP',
      'UDX',
      '203.0.113.77:51022',
      '412 of 2,380 files',
      '2 min 50 s left',
      'The disk of “/mnt/stick” is full',
    ])
      assert.ok(text.includes(expected), `“${expected}” is not on the page:\n${text}`)
  })

  it('tells progress, names and roles to assistive technology', async () => {
    await post(page, message(busyState))
    const bar = page.getByRole('progressbar', { name: 'Saving sensor recordings' })
    assert.equal(await bar.getAttribute('aria-valuenow'), '25')
    assert.equal(
      await page.getByRole('progressbar', { name: 'Publishing compiler' }).getAttribute('aria-valuenow'),
      null,
      'a total that is not known has no value',
    )
    for (const name of ['Shares', 'Opened Shares', 'Transfers', 'Peers', 'Speed'])
      assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name)
    assert.equal(await page.getByRole('banner').count(), 1)
    assert.equal(await page.getByRole('main').count(), 1)
    assert.equal(await page.getByRole('table', { name: 'Peers' }).getByRole('row').count(), 5)
    assert.match((await page.getByRole('img').getAttribute('aria-label')) ?? '', /^Download 22 MB\/s/)
  })

  it('sends what is clicked, and by keyboard too, as an action that names only an id', async () => {
    await post(page, message(busyState))
    await page.getByRole('button', { name: 'Cancel: sensor recordings' }).click()
    await page.getByRole('button', { name: 'Copy Link: holiday photos' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Block: Edsger (office)' }).click()
    const actions = (await sentBy(page)).filter(({ type }) => type === 'action')
    assert.deepEqual(actions, [
      { type: 'action', action: { name: 'cancel-transfer', transfer: 'copy-1' } },
      { type: 'action', action: { name: 'copy-link', share: shareId(1) } },
      { type: 'action', action: { name: 'block-peer', peer: busyState.peers[1]?.id } },
    ])
  })

  it('says what to do while there is nothing to show', async () => {
    for (const state of [quietState, null]) {
      await post(page, message(state, { down: [], up: [] }))
      await page.getByRole('main').getByRole('button', { name: 'Share Folder with Peer' }).click()
      await page.getByRole('main').getByRole('button', { name: 'Open Shared Link…' }).click()
    }
    const names = (await sentBy(page)).map(sent => (sent.type === 'action' ? sent.action.name : sent.type))
    assert.deepEqual(names, ['ready', 'share-folder', 'open-link', 'share-folder', 'open-link'])
  })

  it('keeps the focus while states come and go, and hands it to the heading when its button is gone', async () => {
    await post(page, message(busyState))
    const cancel = page.getByRole('button', { name: 'Cancel: sensor recordings' })
    await cancel.focus()
    const faster = busyState.transfers.map(transfer => ({ ...transfer, rate: transfer.rate * 2 }))
    await post(page, message({ ...busyState, transfers: faster, peers: busyState.peers.slice(1) }))
    assert.equal(await cancel.evaluate(button => button.matches(':focus')), true)

    await post(page, message({ ...busyState, transfers: busyState.transfers.slice(1) }))
    const heading = page.getByRole('heading', { name: 'Transfers' })
    assert.equal(await heading.evaluate(element => element.matches(':focus')), true)
  })

  it('announces what matters, and not every number', async () => {
    const region = page.getByRole('status')
    await post(page, message(busyState))
    await post(page, message({ ...busyState, rates: { down: 1, up: 1 } }))
    assert.equal(await region.textContent(), '')
    const offline: PeerState = {
      ...busyState,
      network: { kind: 'unreachable', bootstrap: ['dht.example:1'] },
    }
    await post(page, message(offline))
    assert.match((await region.textContent()) ?? '', /^The network cannot be reached/)
  })

  it('takes hostile names as text and nothing else', async () => {
    await post(page, message(hostileState))
    const found = await page.evaluate(`({
      pwned: 'pwned' in window,
      foreign: [...document.querySelectorAll('#dashboard *')].map(element => element.localName)
        .filter(name => ['img', 'script', 'a', 'style', 'iframe', 'link', 'object', 'form', 'input'].includes(name)),
      handlers: [...document.querySelectorAll('#dashboard *')].flatMap(element => element.getAttributeNames())
        .filter(name => name.startsWith('on') || name === 'href' || name === 'src' || name === 'srcdoc'),
      icons: document.querySelectorAll('#dashboard svg').length,
      outlines: document.querySelectorAll('#dashboard svg > path').length,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    })`)
    const { icons, outlines, ...rest } = found as Record<string, unknown>
    assert.deepEqual(rest, { pwned: false, foreign: [], handlers: [], wide: 0 })
    assert.ok(Number(icons) > 0 && Number(outlines) >= Number(icons), 'only our own drawings are there')

    const text = (await page.locator('#dashboard').textContent()) ?? ''
    for (const name of [attacks.markup, attacks.script, attacks.icon, attacks.link, attacks.svg])
      assert.ok(text.includes(name), `shown as it is: ${name}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
    assert.doesNotMatch(text, /[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/)
  })

  it('passes over messages that are not of the editor', async () => {
    await post(page, message(quietState))
    const before = await page.locator('#dashboard').textContent()
    for (const other of [
      null,
      'state',
      7,
      [],
      {},
      { type: 'did-load' },
      { type: null },
      { state: busyState },
    ])
      await post(page, other)
    assert.equal(await page.locator('#dashboard').textContent(), before)
  })

  it('cannot load or run anything that is not ours, even if it were told to', async () => {
    const refused = await page.evaluate(`new Promise(resolve => {
      const script = document.createElement('script')
      script.textContent = 'window.pwned = 1'
      document.body.append(script)
      const image = new Image()
      image.onerror = () => fetch('/anything').then(() => 'fetched', () => 'refused').then(resolve)
      image.src = '/picture.png'
    })`)
    assert.equal(refused, 'refused')
    assert.equal(await page.evaluate('window.pwned'), undefined)
    const violations = await violationsOf(page)
    for (const directive of ['script-src', 'img-src', 'connect-src'])
      assert.ok(
        violations.some(violation => violation.startsWith(directive)),
        directive,
      )
    await page.evaluate('window.violations = []')
  })

  for (const [name, theme] of Object.entries(themes)) {
    it(`fits every width in the ${name} theme`, async () => {
      await loadDashboard(page, site, { theme, width: 320 })
      await post(page, message(busyState))
      for (const width of [320, 800, 1600]) {
        await page.setViewportSize({ width, height: 900 })
        const overflow = await page.evaluate(`[...document.querySelectorAll('#dashboard *')]
          .filter(element => (element.closest('thead')?.offsetWidth ?? 2) > 1)
          .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
          .map(element => element.localName + '.' + element.getAttribute('class'))`)
        await page.screenshot({ path: join(screenshots, `dashboard-${name}-${width}.png`), fullPage: true })
        assert.deepEqual(overflow, [], `at ${width} pixels`)
      }
    })
  }

  it('looks right when empty, off and under attack', async () => {
    for (const [name, sent] of Object.entries({
      empty: message(quietState, { down: [], up: [] }),
      off: message(null),
      hostile: message(hostileState),
    })) {
      await post(page, sent)
      await page.screenshot({ path: join(screenshots, `dashboard-${name}.png`), fullPage: true })
    }
  })
})
