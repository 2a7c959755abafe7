/** Looks for known calls without a start time, which are in no range of time. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as CallRows from "../../model/Rows.ts"
import type { Entry, Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import * as CreationWalk from "./CreationWalk.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Missing from "./Missing.ts"
import * as Pass from "./Pass.ts"

interface Found {
  readonly look: Look
  readonly sessions: ReadonlyArray<CallSession>
}

type Founds = Stream.Stream<Found, AgniError | LedgerError, AgniClient>

const { second } = Decide

/** Pages in the order of creation: a call that is listed there exists, whatever the order of the pages. */
const byCreation = (run: Pass.Run, endpoint: Endpoint, range: Span): Founds =>
  Stream.fromEffect(
    Effect.gen(function* () {
      const before = endpoint.requests()
      const rank = yield* CreationWalk.rankOf(run.settings.lease, range.to)
      const { items } = yield* endpoint.createdIn(range, rank, run.state.byCreation?.works === true)
      const requests = endpoint.requests() - before
      const look = yield* Pass.note(run, { why: "awaited", items, rejected: [], requests, uncounted: [] })
      return { look, sessions: items.map(({ row }) => row) }
    })
  )

/** As an export brings them. */
const byRange = (run: Pass.Run, range: Span): Founds =>
  Pass.windows(run, range).pipe(
    Stream.mapEffect(({ rejected, requests, rows }) =>
      Effect.map(
        Pass.note(run, { why: "awaited", items: CallRows.items(rows), rejected, requests, uncounted: [] }),
        (look) => ({ look, sessions: rows.sessions() })
      )
    )
  )

/** First in the way that brought such calls before, then in the other one. */
export const find = (run: Pass.Run, endpoint: Endpoint, entries: ReadonlyArray<Entry>): Founds => {
  if (ListEnd.works(run)) return ListEnd.find(run, endpoint, "awaited", entries)
  const wanted = new Set(entries.map(({ id }) => id))
  const created = entries.flatMap(({ created: at }) =>
    at === undefined ? [] : [{ from: at - second, to: at + 2 * second }]
  )
  return Stream.fromIterable(Missing.joined(created)).pipe(
    Stream.flatMap((range) => {
      const here = entries.filter(({ created: at = -1 }) => at >= range.from && at < range.to)
      const ways = [byCreation(run, endpoint, range), byRange(run, range)]
      const inOrder = run.state.byCreation?.works === true ? ways : ways.toReversed()
      return Stream.fromIterable(inOrder).pipe(
        Stream.flatMap((way) =>
          Stream.suspend(() => (here.some(({ id }) => wanted.has(id)) ? way : Stream.empty)).pipe(
            Stream.tap(({ sessions }) => Effect.sync(() => sessions.forEach(({ id }) => wanted.delete(id))))
          )
        )
      )
    })
  )
}
