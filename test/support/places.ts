/**
 * Lets lanes run beside each other: places for processes, and an order for what they print.
 */
import { cpus } from 'node:os'

/** `count` act at a time. A free place goes to the lowest rank, among equals to the one that came first. */
export class Places {
  private acting = 0
  private readonly waiting: { rank: number; enter: () => void }[] = []

  constructor(private readonly count: number) {}

  /** Acts as soon as there is a place. @param rank the lower the sooner */
  async use<T>(rank: number, act: () => Promise<T>): Promise<T> {
    await this.enter(rank)
    try {
      return await act()
    } finally {
      this.acting--
      if (this.acting < this.count) this.letIn()
    }
  }

  /** Lets one more act without a place, unless `most` act already. The next place that gets free is not filled then. */
  letInOneMore(most: number): void {
    if (this.acting < most) this.letIn()
  }

  private letIn(): void {
    const next = this.waiting.shift()
    if (next === undefined) return
    this.acting++
    next.enter()
  }

  private async enter(rank: number): Promise<void> {
    if (this.acting < this.count) {
      this.acting++
      return
    }
    const behind = this.waiting.findIndex(other => other.rank > rank)
    await new Promise<void>(enter => {
      this.waiting.splice(behind === -1 ? this.waiting.length : behind, 0, { rank, enter })
    })
  }
}

/** Which part of the time, 0 to 1, the processors were idle since the last question, or since this was made. */
export class IdleTime {
  private before = processorTimes()

  share(): number {
    const now = processorTimes()
    const { idle, all } = this.before
    this.before = now
    return now.all === all ? 0 : (now.idle - idle) / (now.all - all)
  }
}

/** Milliseconds since the machine was started, of all processors together. */
function processorTimes(): { idle: number; all: number } {
  const times = cpus().map(cpu => cpu.times)
  const sum = (of: (time: (typeof times)[number]) => number) => times.reduce((all, time) => all + of(time), 0)
  return {
    idle: sum(({ idle }) => idle),
    all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  }
}

export type Print = (line: string, to: 'stdout' | 'stderr') => void

/** Pages that are written at the same time and printed one after the other, in the order in which they were opened. */
export class PagesInOrder {
  private readonly pages: Page[] = []

  constructor(private readonly print: Print) {}

  open(): Page {
    const page = new Page(this.print, () => this.turn())
    this.pages.push(page)
    this.turn()
    return page
  }

  private turn(): void {
    for (let first = this.pages[0]; first !== undefined; first = this.pages[0]) {
      first.show()
      if (!first.isClosed) return
      this.pages.shift()
    }
  }
}

/** One page. While it is its turn, it is printed as it is written. */
export class Page {
  isClosed = false
  private isShown = false
  private readonly held: Parameters<Print>[] = []

  constructor(
    private readonly print: Print,
    private readonly onClosed: () => void,
  ) {}

  write(line: string, to: 'stdout' | 'stderr' = 'stdout'): void {
    if (this.isShown) this.print(line, to)
    else this.held.push([line, to])
  }

  /** Nothing more comes. */
  close(): void {
    this.isClosed = true
    this.onClosed()
  }

  /** Prints what was held back, and from now on at once. */
  show(): void {
    this.isShown = true
    for (const [line, to] of this.held.splice(0)) this.print(line, to)
  }
}
