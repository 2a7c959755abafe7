import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniError } from "../../model/AgniError.ts"
import * as CallSession from "../../model/CallSession.ts"
import type { Coverage, Range, Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import type { Reading } from "./ReadWindow.ts"
import * as Rows from "./Rows.ts"

/**
 * The sessions that no time filter matches, found where an order by start puts them (in front or at the end) or, when the
 * total says that there are more, on any page; and whether all adds up: dated + undated + those that came since = total.
 */
export const window = (reading: Reading, range: Range, dated: number): Stream.Stream<Window, AgniError> =>
  Stream.fromEffect(
    Effect.gen(function* () {
      const ask = Ask.make(reading.list, reading.filters, reading)
      const undated = new Map<string, Rows.Row>()
      const newer = new Set<string>()
      const total = Rows.makeHeld()
      const note = (rows: ReadonlyArray<Rows.Row>) => {
        total.add(rows)
        for (const row of rows) {
          if (row.start === undefined) undated.set(row.key, row)
          else if (row.start >= range.to) newer.add(row.key)
        }
      }
      const interesting = (rows: ReadonlyArray<Rows.Row>) =>
        rows.some(({ start }) => start === undefined || start >= range.to)
      let first: ReadonlyArray<Rows.Row> = []
      let front = 0
      for (let page = 1; ; page++) {
        const { rows } = yield* ask(page, {})
        if (page === 1) first = rows
        if (rows.length === 0 || (page > 1 && Rows.sameRows(rows, first))) break
        const before = total.size()
        note(rows)
        front = page
        if (!interesting(rows) || total.size() === before) break
      }
      const expected = () => dated + undated.size + newer.size
      const countAll = Effect.suspend(() =>
        Ask.count(
          ask,
          {},
          { expected: Math.max(1, expected()), size: reading.size, first, sure: true, snapshot: false }
        )
      )
      let counted = yield* countAll
      if (counted._tag === "More") {
        // They may stand at the end, or, when the order is another one, anywhere: on to the end then.
        let before: ReadonlyArray<Rows.Row> = []
        for (let page = front + 1; ; page++) {
          const { rows } = yield* ask(page, {})
          if (rows.length === 0 || Rows.sameRows(rows, before) || Rows.sameRows(rows, first)) break
          before = rows
          note(rows)
        }
        counted = yield* countAll
      }
      const sessions = [...undated.values()].flatMap(({ session }) => session ?? [])
      const coverage: Coverage =
        counted._tag === "Exactly" && counted.rows === expected()
          ? (reading.doubt ?? { _tag: "Proven" })
          : counted._tag === "More" || counted.rows > expected()
            ? {
                _tag: "Unprovable",
                reason: `${expected()} sessions were seen, but the server counts ${counted.rows}${counted._tag === "More" ? " or more" : ""}`
              }
            : { _tag: "Provisional", reason: "sessions left while the history was read" }
      return {
        from: range.to,
        to: range.to,
        sessions,
        rejected: [...undated.values()].flatMap(({ rejected }) => rejected ?? []),
        coverage,
        settled: sessions.filter(CallSession.isSettled).length,
        requests: ask.log.requests,
        observedAt: ask.log.observedAt ?? 0
      }
    })
  )
