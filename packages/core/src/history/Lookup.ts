/**
 * Calls by their ids, which the API has no request for.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { AgniClient } from "../client/AgniClient.ts"
import * as Ask from "../endpoint/internal/Ask.ts"
import * as Rows from "../endpoint/internal/ListedRows.ts"
import * as Observe from "../endpoint/internal/Observe.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import type { Rejected } from "../model/Rejected.ts"
import * as CreationOrder from "./internal/CreationOrder.ts"
import * as PageWalk from "./PageWalk.ts"

/**
 * Where a call was looked for: among those that `started` about when it was created, in the order in which calls were
 * `created`, by the server's own `search`, and by a `walk` over all pages.
 *
 * @since 0.1.0
 * @category models
 */
export type Way = "started" | "created" | "search" | "walk"

/**
 * A call that was found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Found {
  /** As it was asked for. */
  readonly id: string
  /** The call, or the record with this id that is none. */
  readonly call: CallSession | Rejected
  readonly isRejected: boolean
  readonly by: Way
}

/**
 * A call that was not found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Missing {
  readonly id: string
  /** When it was created, by its id; `undefined` of an id that is no UUID of version 7. */
  readonly created: Instant.Instant | undefined
  readonly looked: ReadonlyArray<Way>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Lookup {
  /** In the order of the ids. */
  readonly found: ReadonlyArray<Found>
  readonly missing: ReadonlyArray<Missing>
  readonly requests: number
}

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Calls in one request; the server may send fewer. @default 100 */
  readonly pageSize?: number | undefined
  /** Whether what nothing else finds is looked for on all pages, a request each. @default false */
  readonly walk?: boolean | undefined
}

const { second } = Ask
const minute = 60 * second
const hour = 60 * minute

/** A call mostly starts within seconds of its creation. */
const near = { from: -2 * second, to: minute, pages: 10 }
/** Where the server has no order of creation. */
const far = { from: -10 * minute, to: 6 * hour, pages: 30 }

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** No call is older, and none will be younger for a while. */
const earliest = Date.parse("2010-01-01T00:00:00Z")
const latest = Date.parse("2100-01-01T00:00:00Z")

/**
 * When an id was made, in milliseconds, if it is a UUID of version 7: it begins with that time.
 *
 * @since 0.1.0
 * @category getters
 */
export const timeOf = (id: string): Instant.Instant | undefined => {
  if (!version7.test(id)) return undefined
  const millis = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  return millis < earliest || millis > latest ? undefined : Instant.of(millis * 1000)
}

/** UUIDs are the same in capitals; other ids are opaque. */
const keyOf = (id: string): string => (/^[0-9a-f-]{36}$/i.test(id) ? id.toLowerCase() : id)

/** The calls found so far, of all ids: an answer may bring others too. */
const makeWanted = (ids: ReadonlyArray<string>) => {
  const wanted = new Map(ids.map((id) => [keyOf(id), id] as const))
  const found = new Map<string, Found>()
  return {
    get: (id: string) => found.get(id),
    isDone: () => found.size === wanted.size,
    see: (rows: ReadonlyArray<Rows.Row>, by: Way): void => {
      for (const { item, key, rejected } of rows) {
        const id = wanted.get(keyOf(key))
        if (id === undefined || found.has(id)) continue
        if (item !== undefined) found.set(id, { id, call: item.row, isRejected: false, by })
        else if (rejected !== undefined) found.set(id, { id, call: rejected, isRejected: true, by })
      }
    }
  }
}

type Wanted = ReturnType<typeof makeWanted>

/**
 * The pages of some bounds, until one has the call. A page that is not full may be cut: then the next one is asked for with the
 * size that came.
 */
const readPages = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  {
    isFound,
    most,
    see,
    size
  }: {
    readonly size: number
    readonly most: number
    readonly see: (rows: ReadonlyArray<Rows.Row>) => void
    readonly isFound: () => boolean
  }
): Effect.fn.Return<void, AgniError> {
  const seen = new Set<string>()
  let asked = size
  for (let page = 1; page <= most; page++) {
    const answer = yield* Ask.orNothing(ask(page, bounds, { size: asked }))
    if (answer === undefined) return
    const { rows } = answer
    see(rows)
    const before = seen.size
    for (const { key } of rows) seen.add(key)
    // A last page, or one that comes again.
    if (isFound() || seen.size === before || (page > 1 && rows.length < asked)) return
    if (rows.length < asked) asked = rows.length
  }
})

/** One call, by the ways that need the fewest requests first. */
const findOne = Effect.fnUntraced(function* (
  id: string,
  wanted: Wanted,
  asks: { readonly plain: Ask.Ask; readonly search: Ask.Ask },
  size: number
): Effect.fn.Return<ReadonlyArray<Way>, AgniError> {
  const looked: Array<Way> = []
  const isFound = () => wanted.get(id) !== undefined
  const see = (by: Way) => {
    if (!looked.includes(by)) looked.push(by)
    return (rows: ReadonlyArray<Rows.Row>) => wanted.see(rows, by)
  }
  if (isFound()) return looked
  const created = timeOf(id)
  const about = (created: Instant.Instant, { from, pages, to }: typeof near) =>
    readPages(asks.plain, Ask.boundsOf({ from: created + from, to: created + to }), {
      size,
      most: pages,
      see: see("started"),
      isFound
    })
  let isWhole = false
  if (created !== undefined) {
    yield* about(created, near)
    if (isFound()) return looked
    isWhole = yield* CreationOrder.around(asks.plain, created, { size, see: see("created"), isFound })
    if (isFound()) return looked
  }
  yield* readPages(asks.search, {}, { size, most: 1, see: see("search"), isFound })
  if (!isFound() && created !== undefined && !isWhole) yield* about(created, far)
  return looked
})

const walk = (wanted: Wanted, pageSize: number) =>
  PageWalk.pages({ pageSize }).pipe(
    Stream.takeUntil((page) => {
      wanted.see(Rows.ofPage(page), "walk")
      return wanted.isDone()
    }),
    Stream.runDrain
  )

/**
 * Calls by their ids, mostly in one or two requests each.
 *
 * The id of a call is a UUID of version 7, which begins with the time at which it was made. So a call is looked for among those
 * that started in the minute after that; then in the order of creation, where calls without a start time are too, which takes
 * some ten requests; then by the server's search. With another id the time is not known, and the search is all, unless `walk`
 * asks for all pages.
 *
 * @since 0.1.0
 * @category constructors
 */
export const find = Effect.fnUntraced(function* (
  ids: ReadonlyArray<string>,
  options: Options = {}
): Effect.fn.Return<Lookup, AgniError, AgniClient> {
  const { pageSize = 100 } = options
  const client = yield* AgniClient
  const { list } = client
  const counted = { requests: 0 }
  const counting: AgniClient["Service"]["list"] = (query, how) =>
    Effect.suspend(() => {
      counted.requests++
      return list(query, how)
    })
  const defaults = { size: pageSize, sort: Observe.unsorted }
  const plain = Ask.make(counting, {}, defaults)
  const all = [...new Map(ids.map((id) => [keyOf(id), id])).values()]
  const wanted = makeWanted(all)
  const looked = new Map<string, ReadonlyArray<Way>>()
  yield* Effect.forEach(
    all,
    (id) =>
      Effect.map(
        findOne(id, wanted, { plain, search: Ask.make(counting, { search: id }, defaults) }, pageSize),
        (ways) => looked.set(id, ways)
      ),
    { concurrency: 4, discard: true }
  )
  if (options.walk === true && !wanted.isDone()) {
    yield* Effect.provideService(walk(wanted, pageSize), AgniClient, AgniClient.of({ ...client, list: counting }))
    for (const id of all) looked.set(id, [...(looked.get(id) ?? []), "walk"])
  }
  return {
    found: all.flatMap((id) => wanted.get(id) ?? []),
    missing: all.flatMap((id) =>
      wanted.get(id) === undefined ? [{ id, created: timeOf(id), looked: looked.get(id) ?? [] }] : []
    ),
    requests: counted.requests
  }
})
