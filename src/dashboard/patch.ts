/**
 * Makes the page match a description, with as few changes as possible: elements that stay are the same elements, so
 * focus, selection and scroll positions survive four new states a second. Text only ever becomes a text node.
 */
import type { DashboardAction } from '../common/dashboardMessages'
import { isSvg, type Markup, type Tag } from './markup'

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'

/** What each element was last drawn from. */
const drawn = new WeakMap<Element, Markup.Element>()

/** Replaces the content of `parent`. */
export function patch(parent: Element, content: readonly Markup[]): void {
  const focused = document.activeElement
  const section = focused?.closest('section')
  patchChildren(parent, content)
  // The button that had the focus is gone: its section's heading is where a keyboard user continues from.
  if (focused && !focused.isConnected && section?.isConnected) section.querySelector('h2')?.focus()
}

/** The action that a click on `target` asks for. */
export function actionAt(target: EventTarget | null): DashboardAction | undefined {
  const button = target instanceof Element ? target.closest('button') : null
  return button === null ? undefined : drawn.get(button)?.attributes.action
}

function patchChildren(parent: Element, content: readonly Markup[]): void {
  const reusable = [...parent.childNodes]
  const nodes = content.map(markup => {
    const at = reusable.findIndex(node => canBecome(node, markup))
    const [node] = at === -1 ? [] : reusable.splice(at, 1)
    return drawNode(node, markup)
  })
  // Removing first leaves the others in place: moving an element would take its focus.
  for (const node of reusable) node.remove()
  nodes.forEach((node, index) => {
    const inPlace = parent.childNodes[index]
    if (inPlace !== node) parent.insertBefore(node, inPlace ?? null)
  })
}

function canBecome(node: Node, markup: Markup): boolean {
  if (typeof markup === 'string') return node instanceof Text
  if (!(node instanceof Element)) return false
  const before = drawn.get(node)
  return before?.tag === markup.tag && before.attributes.key === markup.attributes.key
}

function drawNode(node: Node | undefined, markup: Markup): Node {
  if (typeof markup === 'string') {
    if (!(node instanceof Text)) return document.createTextNode(markup)
    if (node.data !== markup) node.data = markup
    return node
  }
  const element = node instanceof Element ? node : createElement(markup.tag)
  setAttributes(element, markup)
  patchChildren(element, markup.children)
  return element
}

function createElement(tag: Tag): Element {
  return isSvg(tag) ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag)
}

function setAttributes(element: Element, markup: Markup.Element): void {
  const { key: _key, action: _action, percent, ...plain } = markup.attributes
  const before = drawn.get(element)?.attributes ?? {}
  const wanted = new Map<string, string>()
  for (const [name, value] of Object.entries(plain)) if (value !== undefined) wanted.set(name, value)
  for (const name of element.getAttributeNames()) {
    if (name !== 'style' && !wanted.has(name)) element.removeAttribute(name)
  }
  for (const [name, value] of wanted) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value)
  }
  if (percent !== before.percent && element instanceof HTMLElement) {
    element.style.width = percent === undefined ? '' : `${percent}%`
  }
  drawn.set(element, markup)
}
