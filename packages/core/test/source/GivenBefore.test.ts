/** A sink that failed gets what it lacks from the next run. The others have those calls as they were read before. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import * as ListServer from "../history/ListServer.ts"
import * as MemoryTable from "../pipeline/MemoryTable.ts"
import * as KilledRuns from "./KilledRuns.ts"

const rows = ListServer.rowsOf(200, "same")
const source = { pageSize: 10, pagesPerWindow: 2, stretchSize: 60, concurrency: 1 }
const late = "call-150"
const start = (rows.find(({ id }) => id === late)?.start ?? 0) * 1000

const noRoom = (sink: string) =>
  new SinkError({ sink, operation: "write", retryable: false, reason: { _tag: "Other", description: "no room" } })

/** One that takes no row again. */
const fileOf = () => {
  const ids: Array<string> = []
  const sink = SessionSink.make<CallSession>({
    name: "file",
    delivery: "append",
    shares: "each",
    write: ({ items }) => Effect.sync(() => void ids.push(...items.map(({ id }) => id)))
  })
  return { ids, sink }
}

/** One that fails in its third batch, once. */
const failingOf = () => {
  const ids: Array<string> = []
  let batches = 0
  const sink = SessionSink.make<CallSession>({
    name: "failing",
    delivery: "append",
    shares: "each",
    write: ({ items }) =>
      ++batches === 3 ? Effect.fail(noRoom("failing")) : Effect.sync(() => void ids.push(...items.map(({ id }) => id)))
  })
  return { ids, sink }
}

/** A table that fails in a batch of a run. */
const failingIn = (name: string, fails: (run: number, batch: number) => boolean) => {
  const table = MemoryTable.make(name)
  let runs = 0
  const sink: SessionSink.SessionSink<CallSession> = {
    ...table.sink,
    open: (opening) => {
      const run = ++runs
      let batches = 0
      return Effect.map(table.sink.open(opening), (writer) => ({
        ...writer,
        write: (rows) => (fails(run, ++batches) ? Effect.fail(noRoom(name)) : writer.write(rows))
      }))
    }
  }
  return { ids: table.ids, sink }
}

const caughtUp = Effect.fnUntraced(function* (
  first: SessionSink.SessionSink<CallSession>,
  about: {
    /** Whether one of both runs does not see a call: the first one, unless it leaves. */
    readonly hidden: boolean
    readonly since?: "came" | "left"
    readonly stretches?: number
    readonly withoutStart?: ReadonlyArray<string>
  }
) {
  const { hidden, stretches = 1, since = "came", withoutStart = [] } = about
  yield* TestClock.setTime(ListServer.now)
  const failing = failingOf()
  const world = KilledRuns.world(first, [failing.sink])
  const others = rows.filter(({ id }) => !hidden || id !== late)
  // Each of two stretches opens the failing one, which fails in one of them.
  for (const listed of since === "came" ? [others, rows] : [rows, others]) {
    const { exit } = yield* world.run(ListServer.make(listed, { withoutStart }), source, {}, stretches)
    if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
    const { coverage, finishedBefore, sinks } = exit.value
    if (sinks.every(({ failure }) => failure === undefined) && !finishedBefore)
      return { failing: failing.ids, coverage, verdict: KilledRuns.verdictOf(coverage) }
  }
  return yield* Effect.die("no run had all sinks")
})

describe("a sink that takes no row again and is ahead of one that failed", () => {
  it.effect("has what is proven if the same calls are there", () =>
    Effect.gen(function* () {
      const { ids, sink } = fileOf()
      const { failing, verdict } = yield* caughtUp(sink, { hidden: false })
      assert.strictEqual(verdict, "proven")
      assert.lengthOf(ids, rows.length)
      assert.sameMembers(failing, ids)
    })
  )

  it.effect("lacks a call that came since: its window is provisional", () =>
    Effect.gen(function* () {
      const { ids, sink } = fileOf()
      const { coverage, failing, verdict } = yield* caughtUp(sink, { hidden: true })
      assert.notInclude(ids, late)
      assert.include(failing, late)
      assert.strictEqual(verdict, "provisional")
      const weak = coverage.entries.filter(({ reason }) => reason?._tag === "AnswersDiffer")
      assert.deepStrictEqual(
        weak.map(({ range }) => range.from <= start && range.to > start),
        [true]
      )
      assert.isBelow(weak[0]?.count ?? Infinity, 40)
    })
  )

  it.effect("may lack calls without a start time, and calls of stretches: nothing shows which it has", () =>
    Effect.gen(function* () {
      const undated = yield* caughtUp(fileOf().sink, { hidden: false, withoutStart: ["call-5", "call-40"] })
      assert.strictEqual(undated.coverage.withoutStart?.reason?._tag, "Resumed")
      assert.strictEqual((yield* caughtUp(fileOf().sink, { hidden: false, stretches: 2 })).verdict, "provisional")
    })
  )

  it.effect("is not meant where it is a table: that gets all again", () =>
    Effect.gen(function* () {
      for (const stretches of [1, 2]) {
        const table = MemoryTable.make("table")
        const { coverage } = yield* caughtUp(table.sink, { hidden: true, stretches })
        const entry = coverage.entries.find(({ range }) => range.from <= start && range.to > start)
        assert.notStrictEqual(entry?.reason?._tag, "Resumed", `${stretches}`)
        assert.sameMembers(
          table.ids(),
          rows.map(({ id }) => id)
        )
      }
    })
  )

  it.effect("may be a table that is closed while another one catches up", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(ListServer.now)
      const table = MemoryTable.make("table")
      let opened = 0
      const world = KilledRuns.world(
        {
          ...table.sink,
          open: (opening) => (++opened === 2 ? Effect.fail(noRoom("table")) : table.sink.open(opening))
        },
        [failingOf().sink]
      )
      const before = rows.filter(({ id }) => id !== late)
      yield* world.run(ListServer.make(before), source, {}, 1)
      const { exit } = yield* world.run(ListServer.make(rows), source, {}, 1)
      if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
      assert.deepStrictEqual(
        exit.value.sinks.map(({ failure }) => failure?.sink),
        ["table", undefined]
      )
      const entry = exit.value.coverage.entries.find(({ range }) => range.from <= start && range.to > start)
      assert.deepStrictEqual(entry?.reason, { _tag: "AnswersDiffer", calls: 1 })
    })
  )

  it.effect("has a call that is not listed any more, which the other one lacks", () =>
    Effect.gen(function* () {
      for (const sink of [fileOf().sink, MemoryTable.make("table").sink]) {
        const { coverage, failing, verdict } = yield* caughtUp(sink, { hidden: true, since: "left" })
        assert.notInclude(failing, late)
        assert.strictEqual(verdict, "provisional")
        const entry = coverage.entries.find(({ range }) => range.from <= start && range.to > start)
        assert.deepStrictEqual(entry?.reason, { _tag: "AnswersDiffer", calls: 1 })
      }
    })
  )

  it.effect("lacks a call after further runs, too, whatever those had", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(ListServer.now)
      const { ids, sink } = fileOf()
      const failing = failingIn("failing", (run, batch) => run < 3 && batch === 2)
      const world = KilledRuns.world(sink, [failing.sink])
      const before = rows.filter(({ id }) => id !== late)
      const verdicts: Array<string | undefined> = []
      for (const listed of [before, rows, rows]) {
        const { exit } = yield* world.run(ListServer.make(listed), source, {}, 1)
        if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
        verdicts.push(exit.value.coverage.entries.find(({ range }) => range.from <= start && range.to > start)?.verdict)
      }
      assert.notInclude(ids, late)
      assert.include(failing.ids(), late)
      assert.deepStrictEqual(verdicts.slice(1), ["provisional", "provisional"])
    })
  )

  it.effect("is a table that fails while it is given all again: the next run gives it all once more", () =>
    Effect.gen(function* () {
      for (const batch of [1, 3, 5]) {
        yield* TestClock.setTime(ListServer.now)
        const table = failingIn("table", (run, nth) => run === 2 && nth === batch)
        const world = KilledRuns.world(table.sink, [failingOf().sink])
        const before = rows.filter(({ id }) => id !== late)
        const failures: Array<ReadonlyArray<string | undefined>> = []
        for (const listed of [before, rows, rows]) {
          const { exit } = yield* world.run(ListServer.make(listed), source, {}, 1)
          if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
          failures.push(exit.value.sinks.map(({ failure }) => failure?.sink))
        }
        assert.deepStrictEqual(failures, [
          [undefined, "failing"],
          ["table", undefined],
          [undefined, undefined]
        ])
        assert.sameMembers(
          table.ids(),
          rows.map(({ id }) => id),
          `batch ${batch}`
        )
      }
    })
  )
})
