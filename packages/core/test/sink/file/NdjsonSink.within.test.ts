/** Files that are complete after a time, whatever their size. */
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"

const batch = (id: string): SessionSink.Batch<unknown> => ({
  items: [{ id, start: undefined, row: { id } }],
  columns: Column.ofSession,
  observedAt: Version.of(0)
})

describe("NdjsonSink, with files that are complete after an hour", () => {
  it.effect("acknowledges a file as complete, then renames it, also over several processes", () =>
    Effect.gen(function* () {
      const disk = MemoryFileSystem.make()
      const sink = NdjsonSink.make({ path: "/d/log.ndjson", rotate: { bytes: 1_000_000, within: "1 hour" } })
      const named = () => ["/d/log-00001.ndjson", "/d/log-00002.ndjson"].filter((name) => disk.text(name) !== undefined)
      let kept: Committed | undefined
      /** A process: writes, and flushes so many times. */
      const run = (ids: ReadonlyArray<string>, flushes: number) =>
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(kept)))
          for (const id of ids) yield* writer.write(batch(id))
          for (let flush = 0; flush < flushes; flush++) kept = yield* writer.flush(Position.of(1))
        }).pipe(Effect.scoped, Effect.provide(disk.layer))
      yield* run(["a"], 2)
      assert.deepStrictEqual(named(), [])
      yield* TestClock.adjust("59 minutes")
      yield* run(["b"], 2)
      assert.deepStrictEqual(named(), [])
      yield* TestClock.adjust("2 minutes")
      // The first flush says that it is complete, the second one names it.
      yield* run(["c"], 1)
      assert.deepStrictEqual(named(), [])
      yield* run([], 1)
      assert.deepStrictEqual(named(), ["/d/log-00001.ndjson"])
      yield* run(["d"], 1)
      yield* TestClock.adjust("1 hour")
      yield* run([], 2)
      assert.deepStrictEqual(named(), ["/d/log-00001.ndjson", "/d/log-00002.ndjson"])
      assert.strictEqual(disk.text("/d/log-00001.ndjson"), '{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n')
      assert.strictEqual(disk.text("/d/log-00002.ndjson"), '{"id":"d"}\n')
    })
  )
})
