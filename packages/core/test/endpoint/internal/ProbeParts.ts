/** What the parts of probing are given, with nothing unusual in it. */
import type * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import type { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Examine from "../../../src/endpoint/internal/Examine.ts"
import type * as FirstPages from "../../../src/endpoint/internal/FirstPages.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Probes from "../../../src/endpoint/internal/Probes.ts"
import type * as Probing from "../../../src/endpoint/internal/Probing.ts"
import * as Effect from "effect/Effect"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, hour, open } from "../../history/internal/FakeServer.ts"

export const size = 10

/** A list that nobody should ask. */
const silent: Ask.Ask = Object.assign(() => Effect.die(new Error("a request")), { log: Ask.makeLog() })

/** What it was asked, page by page. */
export const noting = (list: AgniClient["Service"]["list"]) => {
  const asked: Array<CallSessionQuery> = []
  const listed: AgniClient["Service"]["list"] = (query, options) => {
    asked.push(query)
    return list(query, options)
  }
  return { list: listed, asked, pages: () => asked.map(({ page = 1 }) => page) }
}

/** A list, what it was asked, and rows of a page of it. */
export const listOf = (rows: ReadonlyArray<Adversary.Row>, traits?: Partial<Adversary.Traits>) => {
  const server = open(rows, traits)
  const { asked, list, pages } = noting(Patience.make(server.client.list))
  const ask = Ask.make(list, {}, { size, sort: { by: undefined, order: undefined } })
  const rowsOf = (page: number) => Effect.map(askOf(server, size)(page, {}), ({ rows }) => rows)
  return { ask, asked, list, pages, rowsOf, server }
}

export const rows = (prefix: string, ...starts: ReadonlyArray<number>): ReadonlyArray<Rows.Dated> =>
  starts.map((start, i) => control(`${prefix}-${i}`, start))

export const undated = (key: string): Rows.Row => ({ key, start: undefined, item: undefined, rejected: undefined })

export const profileOf = (rest: Partial<EndpointProfile.EndpointProfile> = {}): EndpointProfile.EndpointProfile => ({
  version: 1,
  observedAt: "2026-06-01T00:00:00Z",
  edition: "camelCase",
  pageSizeAsked: size,
  pageSize: size,
  clamped: false,
  offsets: "unknown",
  repeatsBeyondEnd: false,
  order: "start-desc",
  sortFields: { started_at: "unknown", startedAt: "unknown" },
  sortBy: "none",
  newestFirst: true,
  bounds: Examine.unseen,
  filters: { agentId: "unknown", channel: "unknown", callerNumber: "unknown" },
  clockOffset: 0,
  ...rest
})

/** What probes saw of a list, of which nothing more is said. */
export const seenOf = (rest: Partial<Probes.Seen> = {}): Probes.Seen => ({
  profile: profileOf(),
  serverNow: began,
  oldest: undefined,
  isOldestSure: false,
  isListCut: false,
  pagesAtMost: 8,
  pages: [],
  sorted: true,
  localNow: began,
  about: 12.5,
  rate: 1 / hour,
  measured: true,
  repeats: Effect.succeed(true),
  controls: [],
  ends: { newest: false, oldest: false },
  oldRows: [],
  log: Ask.makeLog(),
  trusted: false,
  charactersPerPage: 1000,
  ...rest
})

export const probingOf = (
  list: AgniClient["Service"]["list"],
  rest: Partial<Probing.Probing> = {}
): Probing.Probing => ({
  list,
  unfiltered: list,
  log: Ask.makeLog(),
  filters: {},
  isFiltered: false,
  tried: [],
  known: undefined,
  asked: size,
  isDeep: false,
  isBounded: false,
  localNow: began,
  ...rest
})

/** Of a list with more pages than the first. */
export const firstPagesOf = (rest: Partial<FirstPages.FirstPages> = {}): FirstPages.FirstPages => ({
  answer: { rows: rest.first ?? [], observedAt: began, edition: "camelCase", characters: 100 },
  page: 1,
  size,
  clamped: false,
  rounds: false,
  smaller: false,
  endShown: false,
  fails: false,
  refused: undefined,
  sorted: undefined,
  ask: silent,
  first: [],
  front: [],
  ended: false,
  askedOldest: false,
  oldestFirst: "refused",
  oldRows: [],
  ...rest
})
