/**
 * The rates of the last seconds as two lines: download filled and solid, upload dashed, so that they are told apart
 * without colour. Drawn as SVG paths on a fixed grid that the style sheet stretches; the numbers beside and the
 * label say in words what the lines show.
 */
import { HISTORY_SECONDS, type RateSeries } from '../../common/dashboardMessages'
import { formatCount, formatRate, noticeable } from '../../common/format'
import type { Rates } from '../../common/model'
import { l10n } from '../l10n'
import { h, type Markup } from '../markup'
import { icon } from './parts'

const HEIGHT = 100
/** Bytes a second at the top of the chart, at least: a few bytes must not fill its height. */
const LEAST_TOP = 10_000
const ROUND = [1, 1.5, 2, 3, 4, 5, 6, 8]

export function speed(rates: Rates, peers: number, history: RateSeries): Markup.Element {
  const top = niceCeiling(Math.max(LEAST_TOP, ...history.down, ...history.up))
  return h(
    'section',
    { key: 'speed', class: 'speed', 'aria-labelledby': 'speed-title' },
    h('h2', { id: 'speed-title', class: 'unseen', tabindex: '-1' }, l10n.t('Speed')),
    h(
      'dl',
      { class: 'figures' },
      figure('down', l10n.t('Download'), formatRate(noticeable(rates.down))),
      figure('up', l10n.t('Upload'), formatRate(noticeable(rates.up))),
      figure('people', l10n.t('Peers'), formatCount(peers)),
    ),
    h(
      'div',
      { class: 'chart', role: 'img', 'aria-label': chartSentence(rates, history) },
      h(
        'svg',
        {
          class: 'plot',
          viewBox: `0 0 ${HISTORY_SECONDS - 1} ${HEIGHT}`,
          preserveAspectRatio: 'none',
          'aria-hidden': 'true',
        },
        h('path', { key: 'grid', class: 'grid', d: `M0 ${HEIGHT / 2}H${HISTORY_SECONDS - 1}` }),
        h('path', { key: 'area', class: 'area', d: areaPath(history.down, top) }),
        h('path', { key: 'down', class: 'line down', d: linePath(history.down, top) }),
        h('path', { key: 'up', class: 'line up', d: linePath(history.up, top) }),
      ),
      h('span', { class: 'tick top' }, formatRate(top)),
      h('span', { class: 'tick start' }, l10n.t('{0} s ago', HISTORY_SECONDS)),
      h('span', { class: 'tick end' }, l10n.t('now')),
    ),
  )
}

function figure(name: 'down' | 'up' | 'people', label: string, value: string): Markup.Element {
  return h(
    'div',
    { key: name, class: `figure ${name}` },
    h('dt', {}, icon(name), label, name !== 'people' && swatch(name)),
    h('dd', {}, value),
  )
}

/** A piece of the line that shows this figure. */
function swatch(name: 'down' | 'up'): Markup.Element {
  return h(
    'svg',
    { class: 'swatch', viewBox: '0 0 22 4', 'aria-hidden': 'true' },
    h('path', { class: `line ${name}`, d: 'M0 2H22' }),
  )
}

/** What the lines show, for those who do not see them. */
export function chartSentence(rates: Rates, { down, up }: RateSeries): string {
  return l10n.t(
    'Download {0} and upload {1} now; in the last {2} seconds at most {3} and {4}.',
    formatRate(noticeable(rates.down)),
    formatRate(noticeable(rates.up)),
    HISTORY_SECONDS,
    formatRate(noticeable(Math.max(0, ...down))),
    formatRate(noticeable(Math.max(0, ...up))),
  )
}

/** The newest value stands at the right edge. Seconds that are not known yet stay empty at the left. */
export function linePath(values: readonly number[], top: number): string {
  const first = HISTORY_SECONDS - values.length
  return values
    .map((value, index) => {
      const y = HEIGHT - Math.min(1, value / top) * HEIGHT
      return `${index === 0 ? 'M' : 'L'}${first + index} ${y.toFixed(1)}`
    })
    .join('')
}

function areaPath(values: readonly number[], top: number): string {
  if (values.length === 0) return ''
  const first = HISTORY_SECONDS - values.length
  return `${linePath(values, top)}V${HEIGHT}H${first}Z`
}

/** The next round number, so that the scale rests while rates waver. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = ROUND.find(candidate => candidate * power >= value) ?? 10
  return step * power
}
