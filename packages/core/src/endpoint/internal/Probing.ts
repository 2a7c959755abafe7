/** How an endpoint is probed: what is asked of it and known before, and a client that notes what each answer shows. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgniClient } from "../../client/AgniClient.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import * as Ask from "./Ask.ts"
import * as PagePlaces from "./PagePlaces.ts"
import * as FilterProbe from "./FilterProbe.ts"
import type { Micros } from "./Micros.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

export interface Options {
  /** The filters that will be in use: they are tried. @default none */
  readonly filters?: Ask.Filters | undefined
  /** Rows to ask for in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** A profile of before: it saves requests where one look shows that it still holds. @default none */
  readonly profile?: EndpointProfile | undefined
  /** Whether to find out how many pages there are. @default true */
  readonly deep?: boolean | undefined
  /** Whether a range with a beginning will be read: then nobody needs to know what is the oldest. @default false */
  readonly bounded?: boolean | undefined
  /** Whether a whole history will be read: then what comes beyond the end of the list is asked for at once. @default false */
  readonly whole?: boolean | undefined
  /** Of a list with so many pages, two deep within are read beside the other questions: they show how many calls there are. @default none */
  readonly measureFrom?: number | undefined
}

export interface Probing {
  /** Takes no filters: those are tried on other sets of calls. Of these answers it notes only the rows that match all filters. */
  readonly unfiltered: AgniClient["Service"]["list"]
  readonly list: AgniClient["Service"]["list"]
  readonly log: Ask.Log
  readonly filters: Ask.Filters
  readonly isFiltered: boolean
  /** The filters that are tried. */
  readonly tried: ReadonlyArray<FilterProbe.Kind>
  readonly known: EndpointProfile | undefined
  /** The page size that is asked for. */
  readonly asked: number
  readonly isDeep: boolean
  readonly isBounded: boolean
  /** This machine's time when the probes began. */
  readonly localNow: Micros
}

/** Notes all that the answers to a client show. */
const noting = (list: AgniClient["Service"]["list"], log: Ask.Log): AgniClient["Service"]["list"] => {
  const notePlace = PagePlaces.make(log)
  return (query, options) =>
    Effect.tap(list(query, options), (answer) =>
      Effect.sync(() => {
        Ask.noteTime(log, answer)
        const rows = Rows.ofPage(answer)
        Ask.note(log, rows)
        const { page = 1, pageSize: size = 20, sortBy, sortOrder, startedAfter, startedBefore } = query
        log.rounds ||= rows.length > size
        const isOpen = startedAfter === undefined && startedBefore === undefined
        if (isOpen && rows.length <= size) notePlace({ bounds: {}, page, size, order: `${sortBy} ${sortOrder}` }, rows)
      })
    )
}

/**
 * Whether a row is one of the filtered set. By status or a search that is unknown: a status changes, and nothing says what a search
 * looks through.
 */
const matching = ({ search, status, ...filters }: Ask.Filters): ((row: Rows.Row) => boolean) => {
  // A UUID may be written in capitals, and spaces around a value are not sent.
  const wanted = FilterProbe.kinds.flatMap((kind) => {
    const value = filters[kind]?.trim()
    return value === undefined ? [] : [{ kind, value: kind === "agentId" ? value.toLowerCase() : value }]
  })
  return search !== undefined || status !== undefined
    ? () => false
    : (row) =>
        wanted.every(({ kind, value }) => {
          const found = Rows.textIn(row, kind)
          return value === (kind === "agentId" ? found?.toLowerCase() : found)
        })
}

/** Notes the rows of the filtered set alone: neither places nor times are of its own answers. */
const notingMatches = (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  log: Ask.Log
): AgniClient["Service"]["list"] => {
  const isMatch = matching(filters)
  return (query, options) =>
    Effect.tap(list(query, options), (answer) => Effect.sync(() => Ask.note(log, Rows.ofPage(answer).filter(isMatch))))
}

export const make = Effect.fnUntraced(function* (
  { bounded = false, deep = true, filters = {}, pageSize = 100, profile }: Options,
  tried: ReadonlyArray<FilterProbe.Kind>
): Effect.fn.Return<Probing, never, AgniClient> {
  const list = Patience.make((yield* AgniClient).list)
  const log = Ask.makeLog()
  return {
    unfiltered: notingMatches(list, filters, log),
    list: noting(list, log),
    log,
    filters,
    isFiltered: Object.values(filters).some((value) => value !== undefined),
    tried,
    known: profile,
    asked: pageSize,
    isDeep: deep,
    isBounded: bounded,
    localNow: (yield* Clock.currentTimeMillis) * 1000
  }
})
