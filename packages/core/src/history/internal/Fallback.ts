/** All pages of a list whose bounds or filters do not work. */
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
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as PartialRead from "./PartialRead.ts"

interface Read extends Pick<Page, "page" | "rows" | "rejected" | "observedAt"> {
  /** How many records the answer had, with those that came before. */
  readonly brought: number
}

interface Options {
  /** Calls without a start time come too, if they were created in this range; nothing if they do not. */
  readonly created: Micros.Range | undefined
  readonly concurrency?: number | undefined
  readonly keepGoing?: boolean | undefined
  readonly size: number
}

/** How far the pages were read. */
interface Reading {
  /** The page after the last one that came. */
  next: number
  /** When the first page was made. */
  observedAt: Micros.Micros
  /** Why a page could not be read whole. */
  lost: AgniError | undefined
  /** If calls come meanwhile, rows that were delivered long ago may come again. */
  readonly delivered: Set<string>
}

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
  options: Options
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const reading: Reading = { next: 1, observedAt: 0, lost: undefined, delivered: new Set() }
    const coverage: Coverage = { _tag: "Unprovable", reason: problem }
    const ended = endsRepeating()
    return allPages(reading, filters, options).pipe(
      Stream.map((page) => onlyNew(reading.delivered, page)),
      Stream.takeUntil(ended),
      Stream.map((page): Window => {
        reading.observedAt ||= page.observedAt
        const items = CallRows.items(page.rows).filter((item) => isIn(range, whole, options.created, item))
        return Windows.make(items, {
          from: range.from,
          to: range.from,
          rejected: page.rejected,
          coverage,
          requests: 1,
          observedAt: page.observedAt
        })
      }),
      Stream.concat(Stream.suspend(() => Stream.make(lastOf(reading, range, coverage))))
    )
  })

const isCreatedIn = ({ from, to }: Micros.Range, item: Item<CallSession>): boolean => {
  const created = Packed.createdInstant(item) ?? NaN
  return created >= from && created < to
}

/** One whose start is text but no time may lie in the range: delivered rather than lost. */
const isIn = (
  { from, to }: Micros.Range,
  whole: boolean,
  created: Micros.Range | undefined,
  item: Item<CallSession>
): boolean => {
  const { row, start } = item
  return start === undefined
    ? whole || (created !== undefined && isCreatedIn(created, item)) || Rows.hasUnreadableStart(row)
    : start >= from && (start < to || whole)
}

/** The range itself, after all of its pages. */
const lastOf = ({ lost, observedAt }: Reading, range: Micros.Range, coverage: Coverage): Window =>
  Windows.make([], {
    ...range,
    rejected: [],
    coverage:
      lost === undefined
        ? coverage
        : { _tag: "Gap", reason: { _tag: "Unreadable", problem: lost.reason.message }, error: lost },
    requests: 0,
    observedAt
  })

/** All pages that the server answers. */
const allPages = (
  reading: Reading,
  filters: Ask.Filters,
  options: Options
): Stream.Stream<Read, AgniError, AgniClient> =>
  // So deep the server does not go.
  Stream.catchIf(
    pagesFrom(reading, filters, options),
    (error) => reading.next > 1 && Ask.isRefusal(error),
    () => Stream.empty
  )

const pagesFrom = (
  reading: Reading,
  filters: Ask.Filters,
  options: Options
): Stream.Stream<Read, AgniError, AgniClient> =>
  Stream.suspend(() =>
    counted(
      PageWalk.pages({ ...filters, page: reading.next, pageSize: options.size }, { concurrency: options.concurrency })
    ).pipe(
      Stream.map((read) => {
        reading.next = read.page + 1
        return read
      }),
      Stream.catchIf(
        () => options.keepGoing === true,
        (error) =>
          Stream.concat(
            Stream.fromEffect(readInParts(reading, filters, options, error)),
            pagesFrom(reading, filters, options)
          )
      )
    )
  )

const countOf = ({ rejected, rows }: Pick<Page, "rejected" | "rows">): number => rows.length + rejected.length

/** A walk leaves out the records that came before: each of its pages, and how many there were. */
const counted = (pages: Stream.Stream<Page, AgniError, AgniClient>): Stream.Stream<Read, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.map(AgniClient, (client) => {
      const counts = new Map<number, number>()
      const list: typeof client.list = (query, options) =>
        Effect.tap(client.list(query, options), (page) => Effect.sync(() => counts.set(page.page, countOf(page))))
      return pages.pipe(
        Stream.map((page): Read => ({ ...page, brought: counts.get(page.page) ?? 0 })),
        Stream.provideService(AgniClient, AgniClient.of({ list }))
      )
    })
  )

/** The page that failed, as far as it can be read. */
const readInParts = Effect.fnUntraced(function* (
  reading: Reading,
  filters: Ask.Filters,
  { size }: Options,
  error: AgniError
): Effect.fn.Return<Read, AgniError, AgniClient> {
  const { list } = yield* AgniClient
  const found = yield* Ask.catchPoison(Effect.fail(error), () => PartialRead.page(list, filters, reading.next, size))
  reading.lost = error
  reading.next++
  return { ...found, brought: countOf(found) }
})

const onlyNew = (delivered: Set<string>, page: Read): Read => {
  const isNew = (key: string) => !delivered.has(key) && delivered.add(key) !== undefined
  return {
    ...page,
    rows: keep(page.rows, ({ id }) => isNew(id)),
    rejected: page.rejected.filter((record) => isNew(Rows.keyOf(record)))
  }
}

const keep = (rows: CallRows.Rows, isMeant: (item: Item<CallSession>) => boolean): CallRows.Rows =>
  CallRows.make(CallRows.items(rows).filter(isMeant), CallRows.observed(rows))

/**
 * The walk over pages ends when nothing new comes. A server that repeats its last page while calls come in, or begins again
 * behind it, always has something new to that walk: pages that bring fewer new records of the time before the reading
 * began than records that came already, five times in a row, are beyond the end too. So are pages of calls that came
 * since, once there were others.
 */
const endsRepeating = () => {
  let began = 0
  let hasOlder = false
  let thin = 0
  return ({ brought, observedAt, rejected, rows }: Omit<Read, "page">): boolean => {
    // A page of which nothing came has no time.
    began ||= observedAt
    const older = CallRows.items(rows).filter(
      (item) => (item.start ?? Packed.createdInstant(item) ?? -Infinity) < began
    )
    const fresh = older.length + rejected.length
    const again = brought - countOf({ rejected, rows })
    const isNothing = fresh === 0 && (hasOlder || rows.length === 0)
    hasOlder ||= fresh > 0
    thin = isNothing || fresh < again ? thin + 1 : 0
    return thin === 5
  }
}
