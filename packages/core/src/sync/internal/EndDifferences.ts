/** Where the end of the list differs from the ledger, when the number of calls without a start time shows that it does. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Span } from "../Ledger.ts"
import type { Micros } from "../Tail.ts"
import * as EndSearch from "./EndSearch.ts"

const second = 1_000_000

export interface About extends EndSearch.Counts {
  readonly order: "newest first" | "oldest first"
  readonly size: number
  /** When the calls were created that the ledger has there, in whole seconds, the newest first. */
  readonly created: ReadonlyArray<Micros>
  /** Calls that were created earlier are not in it. */
  readonly earliest: Micros
  /** How many more are listed than the ledger has. */
  readonly difference: number
}

/** A row: how many newer ones are in the list, and how many more or fewer these are than in the ledger. */
interface Point {
  readonly rank: number
  readonly created: Micros
  readonly off: number
}

/** Calls that were created at an instant or later. `created`: the newest first. */
export const newer = (created: ReadonlyArray<Micros>, at: Micros): number => {
  let [low, high] = [0, created.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((created[middle] ?? -Infinity) >= at) low = middle + 1
    else high = middle
  }
  return low
}

/** Rows of one second may be in any order. */
const offOf = (rank: number, created: ReadonlyArray<Micros>, at: Micros): number => {
  const [least, most] = [newer(created, at + second), newer(created, at) - 1]
  return rank < least ? rank - least : rank > most ? rank - Math.max(least, most) : 0
}

const pointsOf = ({ created, dated, earliest, order, total }: About, { rows, skip }: EndSearch.Paged) => {
  const points = rows.flatMap((row, i): ReadonlyArray<Point> => {
    const at = EndSearch.isLoose(row) ? Rows.createdOf(row) : undefined
    if (at === undefined || at < earliest) return []
    const rank = order === "newest first" ? skip + i - dated : total - 1 - skip - i
    const whole = Math.floor(at / second) * second
    return [{ rank, created: whole, off: offOf(rank, created, whole) }]
  })
  return order === "newest first" ? points : points.toReversed()
}

/** More pages are not read. */
const mostProbes = 40

/** Ranges of creation that hold the differences: found by halves, as long as that takes fewer pages than reading. */
export const find = Effect.fnUntraced(function* (
  endpoint: Pick<EndSearch.EndSearch, "endPage">,
  about: About
): Effect.fn.Return<ReadonlyArray<Span>, AgniError> {
  const { created, dated, difference, earliest, order, size, total } = about
  const spans: Array<Span> = []
  const newest: Point = { rank: -1, created: Infinity, off: 0 }
  const oldest: Point = { rank: created.length + difference, created: earliest, off: difference }
  const work: Array<readonly [Point, Point]> = [[newest, oldest]]
  let probes = 0
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const [left, right] = next
    const differing = Math.abs(right.off - left.off)
    if (differing === 0) continue
    const pages = (right.rank - left.rank) / size
    const isSmall = pages <= 1 || pages <= differing * (1 + Math.log2(pages)) || probes >= mostProbes
    const rank = Math.floor((left.rank + right.rank) / 2)
    const row = order === "newest first" ? dated + rank : total - 1 - rank
    probes += isSmall ? 0 : 1
    const page = isSmall ? undefined : yield* endpoint.endPage(Math.max(1, Math.floor(row / size) + 1))
    const points = page === undefined ? [] : pointsOf(about, page)
    const [first, last] = [points[0], points.at(-1)]
    const isBetween = first !== undefined && last !== undefined && first.rank > left.rank && last.rank < right.rank
    if (!isBetween) {
      spans.push({ from: Math.max(earliest, right.created), to: left.created + second })
      continue
    }
    work.push([left, first], [last, right])
    if (first.off !== last.off) spans.push({ from: last.created, to: first.created + second })
  }
  return spans
})
