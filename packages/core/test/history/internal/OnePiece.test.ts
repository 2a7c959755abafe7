/** A range in one piece: what is refused, what is known with each window, and a part that an earlier reading committed. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { AgniError } from "@callstream/core/model/AgniError"
import * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as OnePiece from "../../../src/history/internal/OnePiece.ts"
import type * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt } from "./FakeServer.ts"

/** Sixty calls, one every two hours. */
const starts = Array.from({ length: 60 }, (_, i) => began - 6 * day + i * 2 * hour + hour)
const range = { from: Instant.of(began - 6 * day), to: Instant.of(began - day) }
const options: History.Options = { pageSize: 10, pagesPerWindow: 1, concurrency: 1 }
const inRange = starts.filter((start) => start < range.to).length
const everything = (read: PartEvidence.Committed["listed"] = "all"): PartEvidence.Committed => ({
  parts: [{ from: -Infinity, to: Infinity }],
  listed: read
})

const using = (server: Adversary.Server) => Effect.provideService(AgniClient, server.client)

const reading = Effect.fnUntraced(function* (
  server: Adversary.Server,
  rest: History.Options = {},
  resumed?: PartEvidence.Evidence,
  of: History.OpenRange = range
) {
  yield* TestClock.setTime(began / 1000)
  return yield* Stream.runCollect(OnePiece.windows(of, { ...options, ...rest }, resumed)).pipe(using(server))
})

const idsOf = (reads: ReadonlyArray<OnePiece.Read>) =>
  reads.flatMap(({ window }) => Rows.items(window.rows).map(({ id }) => id))

const refused = (range: History.OpenRange, options: History.Options) =>
  Effect.gen(function* () {
    const server = open([])
    const error: AgniError = yield* Effect.flip(Stream.runDrain(OnePiece.windows(range, options))).pipe(using(server))
    assert.strictEqual(server.requests(), 0)
    return error.reason._tag === "InvalidRequest" ? error.reason.parameter : error.reason._tag
  })

describe("OnePiece.windows", () => {
  it.effect("refuses a wrong option, a bound that is no time, and a beginning behind the end, before a request", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refused({}, { concurrency: 0 }), "concurrency")
      assert.strictEqual(yield* refused({ from: "soon" }, {}), "from")
      assert.strictEqual(yield* refused({}, { end: "soon" }), "end")
      assert.strictEqual(yield* refused({}, { resume: "soon" }), "resume")
      assert.strictEqual(yield* refused({}, { cuts: [range.from, "soon"] }), "cuts")
      assert.strictEqual(yield* refused({ from: range.to, to: range.from }, {}), "from")
    })
  )

  it.effect("reads all windows of the range, no window across a cut", () =>
    Effect.gen(function* () {
      const cut = Instant.of(began - 3 * day - 7)
      const reads = yield* reading(open(rowsAt(starts)), { cuts: [cut] })
      const windows = reads.map(({ window }) => window)
      assert.strictEqual(windows[0]?.from, range.from)
      assert.isTrue(windows.every(({ to }, i) => to === (windows[i + 1]?.from ?? range.to)))
      assert.isTrue(windows.some(({ to }) => to === cut))
      assert.isTrue(windows.every(({ coverage }) => coverage._tag === "Proven"))
      assert.deepStrictEqual(new Set(idsOf(reads)), new Set(rowsAt(starts.slice(0, inRange)).map(({ id }) => id)))
    })
  )

  it.effect("each run of it is a reading of its own", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const windows = OnePiece.windows(range, options)
      for (const server of [open(rowsAt(starts)), open(rowsAt(starts))]) {
        const reads = yield* Stream.runCollect(windows).pipe(using(server))
        assert.strictEqual(reads.at(-1)?.progress.rows(), inRange)
        assert.lengthOf(new Set(idsOf(reads)), inRange)
      }
    })
  )

  it.effect("with each window comes how many calls were delivered so far, and what is known of them", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const seen: Array<readonly [rows: number, known: number | undefined, came: number]> = []
      let came = 0
      yield* Stream.runForEach(OnePiece.windows(range, options), ({ progress, window }) =>
        Effect.sync(() => {
          came += window.rows.length
          const known = progress.evidence(everything())?.windows.reduce((sum, { calls }) => sum + calls, 0)
          seen.push([progress.rows(), known, came])
        })
      ).pipe(using(open(rowsAt(starts))))
      assert.isAtLeast(seen.length, 4)
      for (const [rows, known, came] of seen) assert.deepStrictEqual([rows, known], [came, came])
    })
  )

  it.effect("a reading that resumes with what was committed counts that too, and proves the sum of both", () =>
    Effect.gen(function* () {
      const at = Instant.of(began - 3 * day)
      const parts = [{ from: -Infinity, to: at }]
      const first = yield* reading(open(rowsAt(starts)), { cuts: [at] }, undefined, {})
      const before = first.filter(({ window }) => window.to <= at)
      const evidence = before.at(-1)?.progress.evidence({ parts, listed: "probes" })
      assert.strictEqual(evidence?.range.to, at)
      const server = open(rowsAt(starts))
      const rest = yield* reading(server, { resume: at }, evidence, {})
      assert.isTrue(rest.every(({ window }) => window.from >= at))
      assert.lengthOf(new Set([...idsOf(before), ...idsOf(rest)]), starts.length)
      assert.strictEqual(rest.at(-1)?.progress.rows(), starts.length)
      assert.strictEqual(rest.at(-1)?.window.coverage._tag, "Proven")
      // Nothing is known of that part: its calls are in no count.
      const alone = yield* reading(open(rowsAt(starts)), { resume: at }, undefined, {})
      assert.strictEqual(alone.at(-1)?.progress.rows(), starts.length - idsOf(before).length)
      assert.deepStrictEqual(alone.at(-1)?.window.coverage, { _tag: "Provisional", reason: { _tag: "Resumed" } })
    })
  )

  it.effect("where bounds do not work no answer is evidence", () =>
    Effect.gen(function* () {
      const reads = yield* reading(open(rowsAt(starts), { filterAfterPaging: true }))
      assert.lengthOf(new Set(idsOf(reads)), inRange)
      for (const { progress, window } of reads) {
        assert.deepStrictEqual(window.coverage, { _tag: "Unprovable", reason: { _tag: "BoundsAfterPaging" } })
        progress.noteRest()
        assert.deepStrictEqual([progress.evidence(everything()), progress.rows()], [undefined, 0])
      }
    })
  )

  it.effect("a reading that failed notes what answers showed of the windows that did not come", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const reads: Array<OnePiece.Read> = []
      const server = open(rowsAt(starts), { poison: "row-40" })
      const error = yield* Stream.runForEach(OnePiece.windows(range, { ...options, concurrency: 4 }), (read) =>
        Effect.sync(() => reads.push(read))
      ).pipe(using(server), Effect.flip)
      assert.strictEqual(error.reason._tag, "Unavailable")
      const listed = () => reads.at(-1)?.progress.evidence(everything("all"))?.listed.size ?? 0
      const before = listed()
      reads.at(-1)?.progress.noteRest()
      assert.isAbove(listed(), before)
    })
  )
})
