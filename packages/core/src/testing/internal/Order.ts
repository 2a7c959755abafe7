/** Rows in the orders that the server can list them in, kept in order while its time moves on. */
import { Pending } from "./Pending.ts"
import type { World } from "./World.ts"

export type SortField = "start" | "created" | "ended" | "duration" | "id" | "insertion"

/** Rows in an order at an instant. Those between `from` and `to` have the sort key, ascending or descending. */
export interface View {
  readonly length: number
  readonly from: number
  readonly to: number
  readonly row: (place: number) => number
}

/** A view of rows that are in order. */
export const viewOf = (rows: Uint32Array, from: number, to: number): View => ({
  length: rows.length,
  from,
  to,
  row: (place) => rows[place] ?? 0
})

/** The key of a sort field as it is known at an instant; NaN where a row has none yet. */
export const keyOf = (world: World, field: SortField, row: number, at: number): number => {
  switch (field) {
    case "start":
      return world.startAt(row, at)
    case "created":
      return world.created[row] ?? NaN
    case "ended":
    case "duration": {
      if (world.endKnown(row) > at) return NaN
      const end = world.end[row] ?? Infinity
      return field === "ended" ? end : end - (world.start[row] ?? NaN)
    }
    case "id":
    case "insertion":
      return row
  }
}

/** Rows with a key, ascending, and rows without one. */
interface Listed {
  readonly keyed: Array<number>
  readonly without: Array<number>
}

type Compare = (left: number, right: number) => number

/** The first place of a list at which a row could be put. */
const placeOf = (rows: ReadonlyArray<number>, row: number, compare: Compare): number => {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(rows[middle] ?? 0, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Views of filters are kept until something moves; about this many rows are held in all of them together. */
const heldRows = 16_000_000

export class Orders {
  private readonly world: World
  /** The lists at `at`, by field. */
  private readonly lists = new Map<SortField, Listed>()
  private at = -Infinity
  /** Nothing moved since then, and nothing will before `pending.next`. */
  private since = -Infinity
  private version = -1
  private pending = new Pending()
  private scheduled = 0
  private readonly views = new Map<string, View>()
  private held = 0

  constructor(world: World) {
    this.world = world
  }

  /** A view out of memory, or made and remembered. */
  remembered(key: string, at: number, make: () => View): View {
    this.moveTo(at)
    if (at < this.since) return make()
    const known = this.views.get(key)
    if (known !== undefined) return known
    const view = make()
    this.views.set(key, view)
    this.held += view.length
    for (const [oldest, { length }] of this.views) {
      if (this.held <= heldRows && this.views.size <= 256) break
      if (oldest === key) break
      this.views.delete(oldest)
      this.held -= length
    }
    return view
  }

  view(field: SortField, descending: boolean, at: number): View {
    this.moveTo(at)
    const { keyed, without } = this.listed(field, at)
    const place = this.world.options.undatedOrder
    const isFirst = place === "first" || (place === "postgres" && descending)
    const [from, length] = [isFirst ? without.length : 0, keyed.length + without.length]
    const to = from + keyed.length
    const other = isFirst ? 0 : to
    const last = (rows: ReadonlyArray<number>) => rows.length - 1
    return {
      length,
      from,
      to,
      row: descending
        ? (i) => (i >= from && i < to ? keyed[last(keyed) - (i - from)] : without[last(without) - (i - other)]) ?? 0
        : (i) => (i >= from && i < to ? keyed[i - from] : without[i - other]) ?? 0
    }
  }

  /** What a replica that lags knows is another list than the one that is kept. */
  private listed(field: SortField, at: number): Listed {
    if (at < this.since) return this.build(field, at)
    const known = this.lists.get(field)
    if (known !== undefined) return known
    const made = this.build(field, at)
    this.lists.set(field, made)
    return made
  }

  /** Moves the lists to a later instant. */
  private moveTo(at: number): void {
    const { world } = this
    if (this.version !== world.version) this.begin(at)
    // The server's instants may be coarser than its time: one that came meanwhile may have come before the last request.
    const fresh = new Set<number>()
    for (; this.scheduled < world.count; this.scheduled++) {
      fresh.add(this.scheduled)
      this.schedule(this.scheduled)
    }
    if (at <= this.at && fresh.size === 0) return
    const [before, moved] = [this.at, new Set(fresh)]
    this.at = Math.max(at, before)
    if (fresh.size > 0) this.since = this.at
    for (; this.pending.next <= this.at; this.pending.shift()) {
      this.since = Math.max(this.since, this.pending.next)
      moved.add(this.pending.row)
    }
    if (moved.size === 0) return
    this.forget()
    for (const [field, listed] of this.lists) {
      if (field === "ended" || field === "duration") this.lists.delete(field)
      else this.move(field, listed, moved, (row) => (fresh.has(row) ? -Infinity : before))
    }
  }

  /** Nothing is known of a world that a test changed. */
  private begin(at: number): void {
    const { world } = this
    this.version = world.version
    this.lists.clear()
    this.forget()
    this.pending = new Pending()
    this.at = at
    this.since = -Infinity
    for (this.scheduled = 0; this.scheduled < world.count; this.scheduled++) this.schedule(this.scheduled)
  }

  private schedule(row: number): void {
    const { world } = this
    for (const instant of [...world.listings(row), world.endKnown(row), world.start[row] ?? NaN]) {
      if (instant <= this.at) this.since = Math.max(this.since, instant)
      else if (instant < Infinity) this.pending.add(instant, row)
    }
  }

  private forget(): void {
    this.views.clear()
    this.held = 0
  }

  /** Takes rows from where they were, then puts them where they are now. */
  private move(field: SortField, listed: Listed, moved: ReadonlySet<number>, before: (row: number) => number): void {
    const { at, world } = this
    const keyAt = (row: number, instant: number) =>
      world.isVisible(row, instant) ? keyOf(world, field, row, instant) : undefined
    const rows = [...moved].filter((row) => !Object.is(keyAt(row, before(row)), keyAt(row, at)))
    for (const row of rows) {
      const key = keyAt(row, before(row))
      if (key === undefined) continue
      const [from, place] = this.placeOf(field, listed, row, key, before(row))
      from.splice(place, world.isDuplicated(row) ? 2 : 1)
    }
    for (const row of rows) {
      const key = keyAt(row, at)
      if (key === undefined) continue
      const [to, place] = this.placeOf(field, listed, row, key, at)
      to.splice(place, 0, ...(world.isDuplicated(row) ? [row, row] : [row]))
    }
  }

  private placeOf(field: SortField, { keyed, without }: Listed, row: number, key: number, at: number) {
    return Number.isNaN(key)
      ? ([without, placeOf(without, row, this.byId)] as const)
      : ([keyed, placeOf(keyed, row, this.byKey(field, at))] as const)
  }

  private build(field: SortField, at: number): Listed {
    const { world } = this
    const keyed: Array<number> = []
    const without: Array<number> = []
    for (let row = 0; row < world.count; row++) {
      if (!world.isVisible(row, at)) continue
      const rows = Number.isNaN(keyOf(world, field, row, at)) ? without : keyed
      rows.push(row)
    }
    // Sorted by then, a row that is listed twice comes twice in a row.
    const listed = (rows: Array<number>, compare: Compare) => {
      if (field !== "insertion") rows.sort(compare)
      return world.options.duplicated > 0 ? rows.flatMap((row) => (world.isDuplicated(row) ? [row, row] : [row])) : rows
    }
    return {
      keyed: listed(keyed, this.byKey(field, at)),
      without: listed(without, this.byId)
    }
  }

  private byKey(field: SortField, at: number): Compare {
    const { world } = this
    if (field === "insertion") return (left, right) => left - right
    if (field === "id" || field === "created") return this.byId
    return (left, right) => keyOf(world, field, left, at) - keyOf(world, field, right, at) || this.byId(left, right)
  }

  /** By creation, then as the ids do within one instant: the order of UUIDv7. */
  private readonly byId: Compare = (left, right) => {
    const { world } = this
    return (world.created[left] ?? 0) - (world.created[right] ?? 0) || world.scrambled(left) - world.scrambled(right)
  }
}
