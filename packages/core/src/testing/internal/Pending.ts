/** What will happen to rows, the soonest first: a heap. */
export class Pending {
  private readonly times: Array<number> = []
  private readonly rows: Array<number> = []

  /** When the soonest happens; `Infinity` when nothing will. */
  get next(): number {
    return this.times[0] ?? Infinity
  }

  /** The row to which it happens. */
  get row(): number {
    return this.rows[0] ?? 0
  }

  add(time: number, row: number): void {
    let at = this.times.length
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if ((this.times[parent] ?? 0) <= time) break
      this.set(at, this.times[parent] ?? 0, this.rows[parent] ?? 0)
      at = parent
    }
    this.set(at, time, row)
  }

  /** Removes the soonest. */
  shift(): void {
    const [time, row] = [this.times.pop(), this.rows.pop()]
    if (time === undefined || row === undefined || this.times.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = (this.times[left + 1] ?? Infinity) < (this.times[left] ?? Infinity) ? left + 1 : left
      if ((this.times[child] ?? Infinity) >= time) break
      this.set(at, this.times[child] ?? 0, this.rows[child] ?? 0)
      at = child
    }
    this.set(at, time, row)
  }

  private set(at: number, time: number, row: number): void {
    this.times[at] = time
    this.rows[at] = row
  }
}
