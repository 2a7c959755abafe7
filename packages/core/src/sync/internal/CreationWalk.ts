/** Walks in the order of creation: all calls come, those without a start time among them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Overlap from "../../history/internal/Step.ts"
import type { Entry, Lease, Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Created } from "./CreationSearch.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Pass from "./Pass.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

const isCreatedIn =
  ({ from, to }: Span) =>
  ({ created }: Entry): boolean =>
    created !== undefined && created >= from && created < to

/** Calls that were listed before among those that a walk read, and were not listed now. */
const unseen = Effect.fnUntraced(function* (
  run: Pass.Run,
  range: Span,
  ids: ReadonlySet<string>
): Effect.fn.Return<ReadonlyArray<Entry>, LedgerError> {
  const { lease } = run.settings
  const dated = yield* lease.between({ from: range.from, to: range.to + hour })
  const all = [...(yield* lease.withoutStart), ...dated].filter(isCreatedIn(range))
  return all.filter(({ id }) => !ids.has(id))
})

/** About how many calls were created later. */
export const rankOf = Effect.fnUntraced(function* (
  lease: Pick<Lease, "count" | "withoutStart">,
  created: Micros
): Effect.fn.Return<number, LedgerError> {
  const isLater = (entry: Entry) => (entry.created ?? 0) >= created
  const without = (yield* lease.withoutStart).filter(isLater).length
  return without + (yield* lease.count({ from: created, to: Number.MAX_SAFE_INTEGER }))
})

type Step = readonly [
  ReadonlyArray<Look>,
  Option.Option<{ readonly page: number; readonly known: Created | undefined; readonly back: number }>
]

/** Whether the list ends where a page was empty: a server that does not go so deep answers so too, also with the row before it. */
const ends = (endpoint: Endpoint, read: number, size: number): Effect.Effect<boolean, AgniError> => {
  const step = Overlap.overlapping(read, size)
  return step === undefined
    ? Effect.succeed(true)
    : Effect.map(endpoint.created(step.page, step.size), (found) => found?.isLast === true && found.rows > 0)
}

/**
 * A walk from page to page, each noted by itself, until one is older than the range. `then` is given up to where it reached, unless it
 * was broken off.
 */
export const walk = (
  run: Pass.Run,
  endpoint: Endpoint,
  why: Look["why"],
  { from, to }: Span,
  start: { readonly page: number; readonly first: Created | undefined },
  then: (reached: Micros) => Looks
): Looks => {
  const unread: Array<Rejected> = []
  const seen = { ids: new Set<string>(), reached: -Infinity, isComplete: false }
  /** Whether the first page begins with later calls, or so near to them that the next walk reads the rest. */
  const begins = ({ newest }: Created, page: number) => page === 1 || newest >= to - (to - from) / 10
  const pages = Stream.paginate(
    { page: start.page, known: start.first, back: 1 },
    Effect.fnUntraced(function* ({ back, known, page }): Effect.fn.Return<Step, AgniError | LedgerError> {
      const before = endpoint.requests()
      const found = known ?? (yield* endpoint.created(page))
      const isFirst = seen.reached === -Infinity
      if (found === undefined) return [[], Option.none()]
      if (isFirst && !begins(found, page)) {
        return [[], Option.some({ page: Math.max(1, page - back), known: undefined, back: 2 * back })]
      }
      const isEnd = found.rows === 0 && page > 1
      if (isEnd && !(yield* ends(endpoint, (page - 1) * run.profile.pageSize, run.profile.pageSize))) {
        return [[], Option.none()]
      }
      if (isFirst) seen.reached = page === 1 ? to : Math.min(to, found.newest)
      for (const { id } of found.items) seen.ids.add(id)
      const { items, rejected } = found
      unread.push(...rejected)
      const requests = endpoint.requests() - before + (known === undefined ? 0 : 1)
      const look = yield* Pass.note(run, { why, items, rejected, requests, uncounted: [] })
      const isDone = found.isLast || found.oldest < from
      seen.isComplete = isDone
      return [[look], isDone ? Option.none() : Option.some({ page: page + 1, known: undefined, back })]
    })
  )
  const end = Stream.unwrap(
    Effect.gen(function* () {
      const { ids, isComplete, reached } = seen
      if (!isComplete || reached <= from) return Stream.empty
      // The calls of its last seconds may have come since.
      const expected = yield* unseen(run, { from, to: Math.min(reached, run.began - minute) }, ids)
      const look = yield* Pass.note(run, { why, items: [], rejected: [], requests: 0, uncounted: [], expected, unread })
      return Stream.concat(Stream.make(look), then(reached))
    })
  )
  return Stream.concat(pages, end)
}
