/** The first page of an endpoint: how many rows come, and whether their order is as before. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import * as Ask from "./Ask.ts"
import * as Observe from "./Observe.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"
import * as Steady from "./Steady.ts"

export interface Opening {
  readonly answer: Ask.Answer
  readonly page: number
  readonly size: number
  readonly clamped: boolean
  /** Whether pages of other sizes were seen not to be what they were asked to be. */
  readonly rounds: boolean
  /** Whether the page behind the only one had a part of its calls, as on a server that rounds sizes and repeats itself. */
  readonly smaller: boolean
  /** Whether the page was short, and nothing came behind it. */
  readonly endShown: boolean
  /** There are records, and each page with one fails. */
  readonly fails: boolean
  /** So many rows in one request are refused. */
  readonly refused: number | undefined
  /** When the order need not be probed. */
  readonly sorted: { readonly sortBy: EndpointProfile["sortBy"]; readonly newestFirst: boolean } | undefined
}

/** While calls come, a short list is read again so often. */
const attempts = 3

const find: (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  asked: number,
  left?: number
) => Effect.Effect<Opening, AgniError> = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  asked: number,
  left = attempts
): Effect.fn.Return<Opening, AgniError> {
  const ask = Ask.make(list, filters, { size: asked, sort: Observe.unsorted })
  const { answer, fails, page, refused, size } = yield* Observe.firstAnswer(ask, asked)
  yield* Steady.check(
    answer.rows,
    Effect.map(ask(page, {}, { size }), ({ rows }) => rows)
  )
  const after = yield* Observe.afterShort(ask, page, answer.rows, size)
  if (after === "grown" && left > 1) return yield* find(list, filters, asked, left - 1)
  return {
    answer,
    page,
    size: after === "rounded" ? size : Observe.pageSize(answer.rows, size),
    clamped: after === "more" || size < asked,
    rounds: after === "rounded",
    smaller: after === "smaller",
    endShown: (after === "end" || after === "rounded") && answer.rows.length < size,
    fails,
    refused,
    sorted: undefined
  }
})

/**
 * A page that is as full, and ordered, as it was before. A saved page size that is too large would cost rows:
 * if offsets follow the requested size, rows between two pages come on neither.
 */
const recognize = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  asked: number,
  known: EndpointProfile | undefined
): Effect.fn.Return<Opening | undefined, AgniError> {
  if (known === undefined || (!known.clamped && asked > known.pageSize)) return undefined
  const size = Math.min(asked, known.pageSize)
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(known.sortBy) })
  const answer = yield* Ask.catchPoison(
    Effect.catchReason(ask(1, {}, { how: Patience.soon }), "AgniError", "InvalidRequest", () => Effect.undefined),
    () => Effect.undefined
  )
  if (answer?.rows.length !== size) return undefined
  // Where nothing has a start, the order is not to be seen, and does not matter.
  const shows = Rows.distinctStarts(answer.rows) > 1
  if (shows && Observe.comesNewestFirst(answer.rows) !== known.newestFirst) return undefined
  const { newestFirst, sortBy } = known
  return {
    answer,
    page: 1,
    size,
    clamped: asked > size,
    rounds: known.roundsPageSize === true,
    smaller: false,
    endShown: false,
    fails: false,
    refused: known.pageSizeRefused,
    sorted: { sortBy, newestFirst }
  }
})

/** The first page, by what is known where it still holds. */
export const open = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  asked: number,
  known: EndpointProfile | undefined
): Effect.fn.Return<Opening, AgniError> {
  return (yield* recognize(list, filters, asked, known)) ?? (yield* find(list, filters, asked))
})
