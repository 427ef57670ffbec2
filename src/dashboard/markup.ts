/**
 * Describes what the page should look like, as plain values: views are functions from state to such descriptions,
 * and patch.ts makes the page match. There is no way to say "this text is HTML", an inline style or a handler: tags
 * and attributes are those listed here, and text is text.
 */
import type { DashboardAction } from '../common/dashboardMessages'

export type Markup = Markup.Element | string

export namespace Markup {
  export interface Element {
    readonly tag: Tag
    readonly attributes: Attributes
    readonly children: readonly Markup[]
  }
}

type SvgTag = 'svg' | 'path'
type HtmlTag =
  | 'header'
  | 'main'
  | 'section'
  | 'div'
  | 'span'
  | 'bdi'
  | 'p'
  | 'h1'
  | 'h2'
  | 'h3'
  | 'ul'
  | 'li'
  | 'dl'
  | 'dt'
  | 'dd'
  | 'code'
  | 'button'
  | 'table'
  | 'thead'
  | 'tbody'
  | 'tr'
  | 'th'
  | 'td'
  | 'caption'
export type Tag = HtmlTag | SvgTag

/** What is set on an element; undefined sets nothing. */
export interface Attributes extends PlainAttributes {
  /** Tells siblings apart, so that an element stays the same one while others come and go. */
  readonly key?: string
  /** What a click asks for. */
  readonly action?: DashboardAction
  /** Width in percent of the parent, set through the style object (inline style attributes are refused). */
  readonly percent?: number | undefined
}

interface PlainAttributes {
  readonly class?: string
  readonly id?: string
  readonly role?: string
  readonly title?: string | undefined
  readonly type?: 'button'
  readonly scope?: 'col' | 'row'
  readonly tabindex?: '-1'
  readonly 'aria-label'?: string
  readonly 'aria-labelledby'?: string
  readonly 'aria-describedby'?: string
  readonly 'aria-hidden'?: 'true'
  readonly 'aria-valuemin'?: string
  readonly 'aria-valuemax'?: string
  readonly 'aria-valuenow'?: string | undefined
  readonly 'aria-valuetext'?: string
  readonly 'data-state'?: string
  readonly 'data-label'?: string
  readonly viewBox?: string
  readonly preserveAspectRatio?: 'none'
  readonly d?: string
}

const SVG_TAGS: readonly string[] = ['svg', 'path'] satisfies readonly SvgTag[]

export function isSvg(tag: Tag): boolean {
  return SVG_TAGS.includes(tag)
}

/** One element. Children that are undefined or false are left out. */
export function h(
  tag: Tag,
  attributes: Attributes,
  ...children: readonly (Markup | readonly Markup[] | undefined | false)[]
): Markup.Element {
  const present = children.flat().filter(child => child !== undefined && child !== false)
  return { tag, attributes, children: present }
}

/** All text of a description, in order: what a reader finds. */
export function textOf(markup: Markup): string {
  return typeof markup === 'string' ? markup : markup.children.map(textOf).join(' ')
}
