import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Page } from "../../model/Page.ts"
import * as CallRows from "../../model/Rows.ts"
import * as Packed from "../../model/internal/Packed.ts"
import { type Coverage, type Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"
import * as PageWalk from "../PageWalk.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import * as PartialRead from "./PartialRead.ts"

type Read = Pick<Page, "page" | "rows" | "rejected" | "observedAt">

/**
 * When bounds or filters do not work, reads all pages without bounds and keeps the rows in the range. Each page is a window
 * with an empty range at the beginning of the range; the last window is the range itself. A page that cannot be rendered
 * ends the run. With `keepGoing` it is read in parts, and the range is a gap.
 */
export const windows = (
  range: Micros.Range,
  whole: boolean,
  filters: Ask.Filters,
  problem: CoverageReason,
  options: {
    readonly concurrency?: number | undefined
    readonly keepGoing?: boolean | undefined
    readonly size: number
  }
): Stream.Stream<Window, AgniError, AgniClient> => {
  let observedAt = 0
  const coverage = { _tag: "Unprovable", reason: problem } as const
  const ended = endsRepeating()
  const delivered = new Set<string>()
  // If calls come meanwhile, rows that were delivered long ago may come again.
  const isNew = (key: string) => !delivered.has(key) && delivered.add(key) !== undefined
  let next = 1
  let lost: AgniError | undefined
  const pagesFrom = (page: number): Stream.Stream<Read, AgniError, AgniClient> =>
    PageWalk.pages({ ...filters, page, pageSize: options.size }, { concurrency: options.concurrency }).pipe(
      Stream.map((read): Read => {
        next = read.page + 1
        return read
      }),
      Stream.catchIf(
        () => options.keepGoing === true,
        (error) =>
          Stream.fromEffect(
            Effect.gen(function* () {
              const { list } = yield* AgniClient
              const found = yield* Ask.catchPoison(Effect.fail(error), () =>
                PartialRead.page(list, filters, next, options.size)
              )
              lost = error
              next++
              return found
            })
          ).pipe(Stream.concat(Stream.suspend(() => pagesFrom(next))))
      )
    )
  // So deep the server does not go.
  const pages = Stream.catchIf(
    pagesFrom(1),
    (error) => next > 1 && Ask.isRefusal(error),
    () => Stream.empty
  )
  const last = (coverage: Coverage): Window =>
    Windows.make([], { ...range, rejected: [], coverage, requests: 0, observedAt })
  return pages.pipe(
    Stream.map((page) => ({
      ...page,
      rows: keep(page.rows, ({ id }) => isNew(id)),
      rejected: page.rejected.filter((record) => isNew(Rows.keyOf(record)))
    })),
    Stream.takeUntil(ended),
    Stream.map((page): Window => {
      observedAt ||= page.observedAt
      const items = CallRows.items(page.rows).filter(({ row, start }) =>
        // One whose start is text but no time may lie in the range: delivered rather than lost.
        start === undefined ? whole || Rows.hasUnreadableStart(row) : start >= range.from && (start < range.to || whole)
      )
      return Windows.make(items, {
        from: range.from,
        to: range.from,
        rejected: page.rejected,
        coverage,
        requests: 1,
        observedAt: page.observedAt
      })
    }),
    Stream.concat(
      Stream.suspend(() =>
        Stream.make(
          last(
            lost === undefined
              ? coverage
              : { _tag: "Gap", reason: { _tag: "Unreadable", problem: lost.reason.message }, error: lost }
          )
        )
      )
    )
  )
}

const keep = (rows: CallRows.Rows, isMeant: (item: Item<CallSession>) => boolean): CallRows.Rows =>
  CallRows.make(CallRows.items(rows).filter(isMeant), CallRows.observed(rows))

/**
 * The walk over pages ends when nothing new comes. A server that repeats its last page while calls come in, or begins again
 * behind it, always has something new to that walk: pages that bring far fewer new records of the time before the reading
 * began than the fullest one, five times in a row, are beyond the end too.
 */
const endsRepeating = () => {
  let began: Micros.Micros | undefined
  let fullest = 0
  let thin = 0
  return ({ observedAt, rejected, rows }: Pick<Page, "rejected" | "rows" | "observedAt">): boolean => {
    const now = (began ??= observedAt)
    const older = CallRows.items(rows).filter((item) => (item.start ?? Packed.createdInstant(item) ?? -Infinity) < now)
    const fresh = older.length + rejected.length
    fullest = Math.max(fullest, fresh)
    thin = fresh * 2 < fullest ? thin + 1 : 0
    return thin === 5
  }
}
