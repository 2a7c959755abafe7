import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as CallSession from "../../model/CallSession.ts"
import * as CallSessions from "../CallSessions.ts"
import type { Range, Window } from "../Coverage.ts"
import type { Filters } from "./Ask.ts"

/**
 * When bounds or filters do not do what they should, all pages are read without bounds and what lies in the range is
 * kept. Each page is a window of no length at the beginning of the range; the last window is the range itself.
 */
export const windows = (
  range: Range,
  whole: boolean,
  filters: Filters,
  problem: string,
  options: { readonly concurrency?: number | undefined; readonly pageSize?: number | undefined }
): Stream.Stream<Window, AgniError, AgniClient> => {
  let observedAt = 0
  const coverage = { _tag: "Unprovable", reason: problem } as const
  const pages = CallSessions.pages(
    { ...filters, pageSize: options.pageSize ?? 100 },
    { concurrency: options.concurrency }
  )
  return pages.pipe(
    Stream.map((page): Window => {
      observedAt ||= page.observedAt
      const sessions = page.sessions.filter((session) => {
        const start = CallSession.startInstant(session)
        return start === undefined ? whole : start >= range.from && (start < range.to || whole)
      })
      return {
        from: range.from,
        to: range.from,
        sessions,
        rejected: page.rejected,
        coverage,
        settled: sessions.filter(CallSession.isSettled).length,
        requests: 1,
        observedAt: page.observedAt
      }
    }),
    Stream.concat(
      Stream.suspend(() =>
        Stream.make<[Window]>({ ...range, sessions: [], rejected: [], coverage, settled: 0, requests: 0, observedAt })
      )
    )
  )
}
