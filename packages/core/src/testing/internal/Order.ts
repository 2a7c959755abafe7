/** Rows in the orders that the server can list them in, remembered for as long as nothing moves. */
import type { World } from "./World.ts"

export type SortField = "start" | "created" | "ended" | "duration" | "id" | "insertion"

/** Rows in an order at an instant. Those between `from` and `to` have the sort key, ascending or descending. */
export interface View {
  readonly rows: Uint32Array
  readonly from: number
  readonly to: number
  /** The view holds while `since <= now < until` and the world has this version. */
  readonly since: number
  readonly until: number
  readonly version: number
}

const isCurrent = (view: View, world: World, at: number): boolean =>
  view.version === world.version && view.since <= at && at < view.until

/** The key of a sort field as it is known at an instant; NaN where a row has none yet. */
export const keyOf = (world: World, field: SortField, row: number, at: number): number => {
  switch (field) {
    case "start":
      return world.startAt(row, at)
    case "created":
      return world.created[row] ?? NaN
    case "ended":
    case "duration": {
      const end = world.end[row] ?? Infinity
      return end > at ? NaN : field === "ended" ? end : end - (world.start[row] ?? NaN)
    }
    case "id":
    case "insertion":
      return row
  }
}

/** Views are kept per order and filter; about this many rows are held in all of them together. */
const heldRows = 16_000_000

export class Orders {
  private readonly world: World
  private readonly views = new Map<string, View>()
  private held = 0
  /** Every dated row by start, whether visible or not; grows by merging. */
  private byStart: Uint32Array = new Uint32Array(0)
  private byCreated: Uint32Array = new Uint32Array(0)
  private undated: Array<number> = []
  private sorted = 0

  constructor(world: World) {
    this.world = world
  }

  /** A view out of memory, or made and remembered. */
  remembered(key: string, at: number, make: () => View): View {
    const known = this.views.get(key)
    if (known !== undefined) {
      if (isCurrent(known, this.world, at)) return known
      this.views.delete(key)
      this.held -= known.rows.length
    }
    const view = make()
    this.views.set(key, view)
    this.held += view.rows.length
    for (const [oldest, old] of this.views) {
      if (this.held <= heldRows && this.views.size <= 256) break
      if (oldest === key) break
      this.views.delete(oldest)
      this.held -= old.rows.length
    }
    return view
  }

  view(field: SortField, descending: boolean, at: number): View {
    return this.remembered(`${field} ${descending}`, at, () => this.make(field, descending, at))
  }

  private make(field: SortField, descending: boolean, at: number): View {
    const { world } = this
    this.grow()
    const dated = new Uint32Array(world.options.duplicated > 0 ? world.count * 2 : world.count)
    const without: Array<number> = []
    let n = 0
    // The view holds between the last event before this instant and the first after it.
    let since = -Infinity
    let until = world.nextBirth
    const event = (instant: number): void => {
      if (instant > at) {
        if (instant < until) until = instant
      } else if (instant > since) since = instant
    }
    const take = (row: number): void => {
      const visible = world.visible[row] ?? Infinity
      event(visible)
      if (visible > at) return
      const leave = world.leave[row] ?? Infinity
      event(leave)
      if (leave <= at) return
      event(world.end[row] ?? Infinity)
      event(world.start[row] ?? NaN)
      const isWithout = Number.isNaN(keyOf(world, field, row, at))
      for (let times = world.isDuplicated(row) ? 2 : 1; times > 0; times--) {
        if (isWithout) without.push(row)
        else dated[n++] = row
      }
    }
    const byId = (a: number, b: number): number => this.compareIds(a, b)
    if (field === "insertion") for (let row = 0; row < world.count; row++) take(row)
    else if (field === "start") {
      for (const row of this.byStart) take(row)
      for (const row of this.undated) take(row)
      without.sort(byId)
    } else {
      for (const row of this.byCreated) take(row)
      if (field === "ended" || field === "duration") {
        dated.subarray(0, n).sort((a, b) => keyOf(world, field, a, at) - keyOf(world, field, b, at) || byId(a, b))
      }
    }
    if (descending) {
      dated.subarray(0, n).reverse()
      without.reverse()
    }
    const place = world.options.undatedOrder
    const first = place === "first" || (place === "postgres" && descending)
    const from = first ? without.length : 0
    // Made to measure, for a view is kept.
    const rows = new Uint32Array(n + without.length)
    rows.set(dated.subarray(0, n), from)
    rows.set(without, first ? 0 : n)
    return { rows, from, to: from + n, since, until, version: world.version }
  }

  /** By creation, then as the ids do within one instant: the order of UUIDv7. */
  private compareIds(a: number, b: number): number {
    const { world } = this
    return (world.created[a] ?? 0) - (world.created[b] ?? 0) || world.scrambled(a) - world.scrambled(b)
  }

  /** Sorts what has come since, and merges it in. */
  private grow(): void {
    const { world } = this
    if (this.sorted === world.count) return
    const fresh = new Uint32Array(world.count - this.sorted)
    const freshDated: Array<number> = []
    for (let row = this.sorted; row < world.count; row++) {
      fresh[row - this.sorted] = row
      if (Number.isNaN(world.start[row] ?? NaN)) this.undated.push(row)
      else freshDated.push(row)
    }
    this.sorted = world.count
    const byId = (a: number, b: number): number => this.compareIds(a, b)
    const byStart = (a: number, b: number): number =>
      (world.start[a] ?? 0) - (world.start[b] ?? 0) || this.compareIds(a, b)
    this.byCreated = merge(this.byCreated, fresh.sort(byId), byId)
    this.byStart = merge(this.byStart, Uint32Array.from(freshDated).sort(byStart), byStart)
  }
}

const merge = (a: Uint32Array, b: Uint32Array, compare: (a: number, b: number) => number): Uint32Array => {
  if (a.length === 0) return b
  const out = new Uint32Array(a.length + b.length)
  let i = 0
  let j = 0
  for (let k = 0; k < out.length; k++) {
    const left = a[i]
    const right = b[j]
    if (right === undefined || (left !== undefined && compare(left, right) <= 0)) {
      out[k] = left ?? 0
      i++
    } else {
      out[k] = right
      j++
    }
  }
  return out
}
