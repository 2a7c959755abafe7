import * as ChangeLog from "@callstream/core/sink/ChangeLog"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkConformance } from "@callstream/core/testing"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NdjsonFiles from "./file/NdjsonFiles.ts"

interface Event {
  readonly sessionId: string
  readonly data: unknown
}

const isEvent = (row: unknown): row is Event => typeof row === "object" && row !== null && "sessionId" in row

/** Calls of which the last event of a log has a row. */
const shownBy = (events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const last = new Map(events.map(({ data, sessionId }) => [sessionId, data]))
  return [...last].flatMap(([id, data]) => (data === null ? [] : [id]))
}

/** Only the cases of a sync: rows that are no change are refused. */
describe("ChangeLog of NdjsonSink conforms in a sync", () => {
  const cases = SinkConformance.cases({
    store: Effect.sync(() => {
      const store = NdjsonFiles.make({ rotate: { bytes: 2000 } })
      const lines = NdjsonSink.make({ path: NdjsonFiles.path, rotate: { bytes: 2000 } })
      const sink = ChangeLog.make(SessionSink.provide(lines, store.memory.layer), { organization: "acme" })
      return { ...store, sink }
    }),
    delivery: "resumable",
    shown: ({ memory }) =>
      Effect.sync(() =>
        shownBy(
          memory
            .names()
            .filter((name) => /calls-\d+\.ndjson/.test(name))
            .flatMap((name) => NdjsonFiles.ndjson.parse(memory.text(name) ?? ""))
            .filter(isEvent)
        )
      )
  })
  for (const { name, notApplicable, test } of cases.filter(({ name }) => name.startsWith("sync:"))) {
    it.effect.skipIf(notApplicable !== undefined)(name, () => test)
  }
})
